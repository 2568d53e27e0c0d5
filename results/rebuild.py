"""Everything that is published here, made anew from the records: tables, figures, reports, what was learned.

``python results/rebuild.py`` writes it; ``python results/rebuild.py --check`` compares it with what lies here
and exits 1 where something is out of date. Pictures are compared by what they show, the CSV beside each of
them: their bytes depend on the version of the drawing library.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from findings import learned

from genbench.analyse.merge import merged
from genbench.core.errors import GenbenchError
from genbench.report.figures.catalogue import write_plots
from genbench.report.page.page import build_report
from genbench.report.render import render
from genbench.report.tables import build_tables
from genbench.store.loaded import load_runs

HERE = Path(__file__).parent
KINDS = ("png",)
REPORT = "report.html"
_PICTURES = re.compile(r"data:[\w/+.-]+[,;][^\"']*")
_TOLERANCE = 1e-9  # of numbers: libraries may sum in another order


def published() -> list[str]:
    """The runs that are kept, ``SUITE/NAME``: working runs, named by their time, are not among them."""
    folders = sorted(file.parent for file in HERE.glob("*/*/records.jsonl"))
    return [f"{f.parent.name}/{f.name}" for f in folders if not re.match(r"\d{8}T", f.name)]


def rebuild(run: str, into: Path) -> None:
    """Write tables, report and figures of one run."""
    runs = merged(load_runs([run], HERE))
    into.mkdir(parents=True, exist_ok=True)
    (into / "tables.md").write_text(render(build_tables(runs.records), "md"), encoding="utf-8")
    (into / REPORT).write_text(build_report(runs), encoding="utf-8")
    plots = into / "plots"
    if plots.is_dir():
        for stale in plots.iterdir():
            stale.unlink()
    write_plots(runs, plots, KINDS)


def differences(folder: Path, fresh: Path) -> Iterator[str]:
    """What of one run is not what its records give, for people."""
    for name in ("tables.md", REPORT):
        there, now = folder / name, fresh / name
        if not there.is_file():
            yield f"{there} is missing"
        elif _without_pictures(there) != _without_pictures(now):
            yield f"{there} is out of date"
    had, have = ({file.name for file in (base / "plots").glob("*")} for base in (folder, fresh))
    for name in sorted(had ^ have):
        yield f"{folder / 'plots' / name} is {'missing' if name in have else 'made from nothing any more'}"
    for name in sorted(name for name in had & have if name.endswith(".csv")):
        if not _same_numbers(folder / "plots" / name, fresh / "plots" / name):
            yield f"{folder / 'plots' / name} is out of date, and with it its pictures"


def _without_pictures(file: Path) -> str:
    return _PICTURES.sub("data:", file.read_text(encoding="utf-8"))


def _same_numbers(one: Path, other: Path) -> bool:
    left, right = (list(csv.reader(io.StringIO(f.read_text(encoding="utf-8")))) for f in (one, other))
    if [len(line) for line in left] != [len(line) for line in right]:
        return False
    pairs = zip(chain.from_iterable(left), chain.from_iterable(right), strict=True)
    return all(a == b or _close(a, b) for a, b in pairs)


def _close(one: str, other: str) -> bool:
    try:
        return math.isclose(float(one), float(other), rel_tol=_TOLERANCE, abs_tol=1e-12)
    except ValueError:
        return False


def main(arguments: Sequence[str] | None = None) -> None:
    """Rebuild or check everything; what is wrong with the records or findings ends it with exit code 2."""
    try:
        _rebuild_or_check(arguments)
    except GenbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def _rebuild_or_check(arguments: Sequence[str] | None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if it is out of date")
    given = parser.parse_args(arguments)
    page = HERE / "README.md"
    text = learned(page.read_text(encoding="utf-8"), HERE)
    if not given.check:
        for run in published():
            rebuild(run, HERE / run)
            print(HERE / run)
        page.write_text(text, encoding="utf-8")
        return
    wrong = [] if text == page.read_text(encoding="utf-8") else [f"{page} is out of date"]
    for run in published():
        with tempfile.TemporaryDirectory() as fresh:
            rebuild(run, Path(fresh))
            wrong += differences(HERE / run, Path(fresh))
    if wrong:
        print("\n".join([*wrong, "Run: python results/rebuild.py"]))
        sys.exit(1)
    print(f"{len(published())} runs: everything is what their records give")


if __name__ == "__main__":
    main()
