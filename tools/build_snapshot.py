"""Build the packaged snapshot of a corridor from a folder of source tables.

Usage: python tools/build_snapshot.py FOLDER [--corridor NAME]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from acuerdo import corridor
from acuerdo.errors import AcuerdoError
from acuerdo.figures.build import build


def main() -> int:
    """Build, and print what was taken and what was set aside."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with the source tables")
    parser.add_argument("--corridor", default=None, help="name of the corridor")
    given = parser.parse_args()
    try:
        report = build(corridor.load(given.corridor), given.folder)
    except AcuerdoError as problem:
        print(problem, file=sys.stderr)
        return 2
    print(f"{report.rows} rows, {len(report.series)} series, vintages through {report.through}")
    for (table, reason), count in sorted(Counter((item.table, item.reason) for item in report.aside).items()):
        print(f"set aside {count:5d}  {table}: {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
