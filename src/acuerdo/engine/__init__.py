"""From declared equations to compiled ensembles, in double precision unless an array says otherwise."""

import contextlib
import os
import sys

# each core is a device of its own, and runs its share of the draws
_DEVICES = os.environ.setdefault("JAX_NUM_CPU_DEVICES", str(min(os.cpu_count() or 1, 16)))

# a loop over months becomes one compiled function in place of thousands of small ones that are called one by one
_LOOPS = "xla_backend_extra_options"
if _LOOPS not in os.environ.get("XLA_FLAGS", ""):
    _WHOLE = f"--{_LOOPS}=xla_cpu_small_while_loop_byte_threshold=10000000"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_WHOLE}".strip()

# said through the environment, so that reading declarations does not import JAX
if "jax" in sys.modules:
    sys.modules["jax"].config.update("jax_enable_x64", True)
    with contextlib.suppress(RuntimeError):  # JAX has computed something already: its devices stay as they are
        sys.modules["jax"].config.update("jax_num_cpu_devices", int(_DEVICES))
else:
    os.environ["JAX_ENABLE_X64"] = "1"
