"""From declared equations to compiled ensembles."""

import jax

jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
