"""Change single lines of the package as slips would, and see whether a test fails.

    python tests/mutations                                   # 40 mutants, from the rooms that decide numbers
    python tests/mutations genbench/train --count 20 --seed 3
    python tests/mutations --again mutants.json --mark run   # the same ones, before another tier

A mutant that no test catches is a line that nothing guards, or a change that changes nothing: read it and
say which. The first run takes longer: it notes which test runs which line. Exits with 1 if a mutant survives.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from checkout import ROOT, Answer, Checkout
from mutants import Mutant, chosen, mutants_of

ROOMS = ("metrics", "analyse", "train", "runner", "suite", "report")
UNIT = "not run and not soak"


def main() -> int:
    """Judge mutants by the tests, a line each."""
    options = _options()
    rooms = options.rooms or [f"genbench/{room}" for room in ROOMS]
    mutants = _read(options.again) if options.again else chosen(ROOT, rooms, options.count, options.seed)
    if options.save:
        options.save.write_text(
            json.dumps([asdict(mutant) for mutant in mutants], indent=1), encoding="utf-8"
        )
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        survivors = 0
        for mutant, answer in _answers(mutants, options, Path(folder)):
            survivors += not answer.caught_by
            print(_line(mutant, answer), flush=True)
    print(f"{len(mutants) - survivors} of {len(mutants)} mutants are caught")
    return 1 if survivors else 0


def _answers(
    mutants: list[Mutant], options: argparse.Namespace, folder: Path
) -> Iterator[tuple[Mutant, Answer]]:
    checkouts = [Checkout(folder / str(n), options.mark, options.tests) for n in range(options.jobs)]
    observed = checkouts[0].observe()
    free: queue.SimpleQueue[Checkout] = queue.SimpleQueue()
    for checkout in checkouts:
        free.put(checkout)

    def judged(mutant: Mutant) -> Answer:
        checkout = free.get()
        try:
            return checkout.judge(mutant, observed.tests_of(mutant), thorough=not options.quick)
        finally:
            free.put(checkout)

    with ThreadPoolExecutor(options.jobs) as pool:
        yield from zip(mutants, pool.map(judged, mutants), strict=True)


def _line(mutant: Mutant, answer: Answer) -> str:
    if answer.caught_by:
        by = f"{answer.caught_by}{' (found by running everything)' if answer.everything else ''}"
        return f"caught    {mutant}\n          by {by}"
    return f"SURVIVED  {mutant}\n          {answer.tests} tests run this line"


def _read(path: Path) -> list[Mutant]:
    """Find the mutants of a file in today's code: the same changes, wherever their lines are now."""
    found: list[Mutant] = []
    for one in json.loads(path.read_text(encoding="utf-8")):
        file = ROOT / one["path"]
        now = mutants_of(one["path"], file.read_text(encoding="utf-8")) if file.is_file() else []
        same = [mutant for mutant in now if (mutant.kind, mutant.shown) == (one["kind"], one["shown"])]
        if same:
            found.append(min(same, key=lambda mutant: abs(mutant.line - one["line"])))
        else:
            print(f"gone      {one['path']}:{one['line']}  {one['kind']}  {one['shown']}")
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python tests/mutations", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "rooms", nargs="*", metavar="PATH", help="folders or files; default: " + ", ".join(ROOMS)
    )
    parser.add_argument("--count", type=int, default=40, help="how many mutants (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (%(default)s)")
    parser.add_argument("--mark", default=UNIT, help="tests that have to catch them (%(default)s)")
    parser.add_argument(
        "--tests", nargs="+", default=["tests"], metavar="PATH", help="folders or files of tests"
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="mutants at a time (%(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="run only the tests that run the changed line")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the mutants down")
    parser.add_argument("--again", type=Path, metavar="FILE", help="try those of a file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
