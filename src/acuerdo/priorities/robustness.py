"""How well packages hold up over draws and futures, by several measures side by side: the winner depends on which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
MEASURES = ("mean", "tenth", "worst_future", "regret", "satisficing")


@dataclass(frozen=True)
class Robustness:
    """Measures of packages over states of the world; a state is a future with a draw.

    Attributes:
        mean: mean gain on no agreement, shape (packages, sides).
        tenth: gain that is exceeded in nine of ten states, shape (packages, sides).
        worst_future: mean gain in the future where it is smallest, shape (packages, sides).
        regret: largest shortfall, over futures, of the mean gain behind the best package there, (packages, sides).
        satisficing: share of states in which both sides gain at least what they ask, shape (packages,).
        backfiring: share of states in which a side is worse off than without agreement, shape (packages, sides).
    """

    mean: Floats
    tenth: Floats
    worst_future: Floats
    regret: Floats
    satisficing: Floats
    backfiring: Floats

    def preferred(self, reservation: Floats) -> dict[str, Flags]:
        """Tell for each measure whether both sides prefer each package to no agreement by it, shape (packages,).

        Regret compares packages with each other and not with no agreement, so it is not among them.
        """
        found = {name: np.all(getattr(self, name) > reservation, axis=1) for name in ("mean", "tenth", "worst_future")}
        return {**found, "satisficing": self.satisficing > 0.5}

    def order(self) -> dict[str, npt.NDArray[np.int64]]:
        """Return for each measure the packages from best to worst, by the side for which the package is worse."""
        score = {name: getattr(self, name).min(axis=1) for name in ("mean", "tenth", "worst_future")}
        score |= {"regret": -self.regret.max(axis=1), "satisficing": self.satisficing}
        return {name: np.argsort(-score[name], kind="stable") for name in MEASURES}


def robustness(gains: Floats, reservation: Floats) -> Robustness:
    """Measure packages.

    Args:
        gains: gain on no agreement in the same future and draw, in points, shape (packages, futures, draws, sides).
        reservation: least gain that each side asks, shape (sides,).
    """
    flat = gains.reshape(len(gains), -1, gains.shape[-1])
    by_future = gains.mean(axis=2)
    return Robustness(
        mean=flat.mean(axis=1),
        tenth=np.quantile(flat, 0.1, axis=1),
        worst_future=by_future.min(axis=1),
        regret=(by_future.max(axis=0) - by_future).max(axis=1),
        satisficing=np.all(flat >= reservation, axis=2).mean(axis=1),
        backfiring=(flat < 0).mean(axis=1),
    )
