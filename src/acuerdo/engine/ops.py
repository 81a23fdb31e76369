"""What an equation may use: given arrays these compute (JAX, draws on the last axis), given nodes they build trees."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from acuerdo.engine.expr import Call, Expr, wrap

Value = Any
"""An array whose last axis is the draws (the one before it a dimension, if the variable has one), or a node."""


def _symbolic(*args: Value) -> bool:
    return any(isinstance(arg, Expr) for arg in args)


def exp(x: Value) -> Value:
    """Exponential; the argument has no unit."""
    return Call("exp", (wrap(x),)) if _symbolic(x) else jnp.exp(x)


def log(x: Value) -> Value:
    """Natural logarithm; the argument has no unit."""
    return Call("log", (wrap(x),)) if _symbolic(x) else jnp.log(x)


def minimum(x: Value, y: Value) -> Value:
    """The smaller of two values of the same unit."""
    return Call("min", (wrap(x), wrap(y))) if _symbolic(x, y) else jnp.minimum(x, y)


def maximum(x: Value, y: Value) -> Value:
    """The larger of two values of the same unit."""
    return Call("max", (wrap(x), wrap(y))) if _symbolic(x, y) else jnp.maximum(x, y)


def clip(x: Value, low: Value, high: Value) -> Value:
    """`x` held between `low` and `high`."""
    return minimum(maximum(x, low), high)


def ratio(x: Value, y: Value) -> Value:
    """`x / y`, and 0 where `y` is 0 (also for gradients)."""
    if _symbolic(x, y):
        return Call("ratio", (wrap(x), wrap(y)))
    positive = y > 0
    return jnp.where(positive, x / jnp.where(positive, y, 1.0), 0.0)


def total(x: Value, over: str) -> Value:
    """Sum over a dimension."""
    return Call("total", (x,), over) if _symbolic(x) else jnp.sum(x, axis=-2)


def power(x: Value, y: Value) -> Value:
    """`x` to the power `y`, both without unit; `x` positive."""
    if _symbolic(x, y):
        return Call("pow", (wrap(x), wrap(y)))
    return jnp.exp(y * jnp.log(jnp.maximum(x, 1e-12)))
