"""The frozen subset in C: compiled where there is a compiler, called through ctypes."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from acuerdo.bench.subset import INPUTS, KEEP, MEMBERS, PARAMETERS, STEPS, Case, Floats
from acuerdo.errors import DataError

Precision = Literal["float32", "float64"]
SOURCE = Path(__file__).with_name("subset.c")
FLAGS = ("-std=gnu11", "-O3", "-march=native", "-ffast-math", "-fPIC")
_WIDE = "-mprefer-vector-width=512"  # compilers hold back from the widest vectors unless told; not all know the word
_PRECISION: dict[Precision, tuple[str, ...]] = {"float32": (), "float64": ("-DREAL=double", "-DIN_DOUBLE")}


def compiler() -> str | None:
    """Return the path of the C compiler (`CC`, or `cc`), or None where there is none."""
    return shutil.which(os.environ.get("CC") or "cc")


def _call(command: list[str]) -> str | None:
    """Run a command; return None if it went well, else the first line of what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no message"])[0]


def build(folder: Path, precision: Precision = "float32") -> ctypes.CDLL:
    """Compile the subset into a folder and load it.

    Args:
        folder: where to put the library.
        precision: of its numbers.

    Raises:
        DataError: there is no compiler, or it refuses the source.
    """
    cc = compiler()
    if cc is None:
        raise DataError("no C compiler (CC, or cc) was found")
    thing, library = folder / f"subset_{precision}.o", folder / f"subset_{precision}.so"
    start = [cc, *FLAGS, *_PRECISION[precision]]
    end = ["-pthread", "-c", str(SOURCE), "-o", str(thing)]
    problem = _call([*start, _WIDE, *end]) and _call([*start, *end])
    # linked without -ffast-math, which would change how the whole process treats the smallest numbers
    problem = problem or _call([cc, "-shared", "-pthread", str(thing), "-o", str(library), "-lm"])
    if problem:
        raise DataError(f"{cc} cannot compile {SOURCE.name}: {problem}")
    return ctypes.CDLL(str(library))


def runner(library: ctypes.CDLL, case: Case, threads: int) -> tuple[Callable[[], None], dict[str, Floats]]:
    """Return a function that runs the subset once, and the arrays it writes to.

    Args:
        library: what `build` returned, in the precision of the case.
        case: parameters and inputs.
        threads: how many threads share the draws.

    Returns:
        The function, and by name arrays (months, [members,] draws) like those of `Simulator.run`.
    """
    pressure = case.inputs["pressure"]
    (months, _, draws), dtype = pressure.shape, pressure.dtype
    outputs: dict[str, Floats] = {
        name: np.empty((months, draws) if name in ("wait", "crossings_total") else (months, len(MEMBERS), draws), dtype)
        for name in KEEP
    }

    def pointers(arrays: list[Floats]) -> ctypes.Array[ctypes.c_void_p]:
        return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))

    read = [case.parameters[name] for name in PARAMETERS], [case.inputs[name] for name in INPUTS]
    given = *map(pointers, read), pointers(list(outputs.values()))
    function = library.subset_run
    function.restype = None
    function.argtypes = [ctypes.c_int] * 4 + [ctypes.c_void_p] * 3

    def run(_alive: object = (read, outputs)) -> None:  # pointers do not keep arrays alive
        function(draws, months, STEPS, threads, *given)

    return run, outputs
