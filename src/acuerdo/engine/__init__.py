"""From declared equations to compiled ensembles, in double precision unless an array says otherwise."""

import contextlib
import os
import sys

# each core is a device of its own, and runs its share of the draws
_DEVICES = os.environ.setdefault("JAX_NUM_CPU_DEVICES", str(min(os.cpu_count() or 1, 16)))

# said through the environment, so that reading declarations does not import JAX
if "jax" in sys.modules:
    sys.modules["jax"].config.update("jax_enable_x64", True)
    with contextlib.suppress(RuntimeError):  # JAX has computed something already: its devices stay as they are
        sys.modules["jax"].config.update("jax_num_cpu_devices", int(_DEVICES))
else:
    os.environ["JAX_ENABLE_X64"] = "1"
