"""From declared equations to compiled ensembles, in double precision unless an array says otherwise."""

import os
import sys

# said through the environment, so that reading declarations does not import JAX
if "jax" in sys.modules:
    sys.modules["jax"].config.update("jax_enable_x64", True)
else:
    os.environ["JAX_ENABLE_X64"] = "1"
