"""Is the gate of ``suites/ci.toml`` green on unchanged code and red on planted defects?

Command:       python benchmarks/ci_gate.py
Expected time: half an hour on two cores.

Unchanged code is trained five times, each time with other seeds than the baseline's and than each other,
which is harder than what CI does: there the same seeds give the same numbers to the bit. Then each defect is
planted, with the baseline's own seeds. All is judged as CI does it, but without the second look of
``--confirm``. Exits 1 if the gate was wrong once.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

import genbench
from genbench.analyse.compare import compare_runs
from genbench.analyse.gate import Gates, judge
from genbench.core.environment import capture, code_version
from genbench.core.registry import datasets
from genbench.report.gate_lines import gate_lines
from genbench.runner import attempt
from genbench.suite.schema import Suite
from genbench.train.device import choose_device, device_name

ROOT = Path(__file__).parent.parent
SUITE = ROOT / "suites" / "ci.toml"
BASELINE = ROOT / "results" / "ci" / "baseline"
SHOWN = ROOT / "results" / "ci" / "gate.json"
LOST_CLASS = 6

RATES = [
    f"model.{option}.lr=0.01"
    for option in ("ns_gan.generator_optimizer", "ns_gan.discriminator_optimizer", "vae.optimizer")
]
"""Ten times the models' own learning rates."""


@dataclass(frozen=True, slots=True)
class Case:
    """One training of the suite, and whether the gate has to be red.

    Attributes:
        name: of the case.
        red: what is right.
        changes: of the suite, as for ``--set``.
        planted: what of the code is changed meanwhile.
    """

    name: str
    red: bool
    changes: tuple[str, ...] = ()
    planted: Callable[[], AbstractContextManager[None]] = nullcontext


@contextmanager
def without_a_class() -> Iterator[None]:
    """Training sees no example of one class; the dataset stays as it is, and so reference and every hash."""
    kept = torch.from_numpy(datasets.get("digits")().load().train_labels) != LOST_CLASS
    real = attempt.train_cohort

    def train_cohort(*arguments: Any, examples: Tensor, **rest: Any) -> Any:
        return real(*arguments, examples=examples[kept.to(examples.device)], **rest)

    with patch.object(attempt, "train_cohort", train_cohort):
        yield


def cases(unchanged: int, suite: Suite) -> Iterator[Case]:
    """All of them, in the order in which they are tried."""
    seeds = len(suite.seed_list)
    for number in range(1, unchanged + 1):
        fresh = list(range(1000 * number, 1000 * number + seeds))
        yield Case(f"unchanged, seeds {fresh[0]} to {fresh[-1]}", red=False, changes=(f"seeds={fresh}",))
    yield Case("learning rates x 10", red=True, changes=tuple(RATES))
    yield Case("half the steps", red=True, changes=(f"train.steps={suite.train.steps // 2}",))
    yield Case(f"class {LOST_CLASS} never seen in training", red=True, planted=without_a_class)


def tried(case: Case) -> dict[str, Any]:
    """Train and judge one case."""
    suite = genbench.load_suite(SUITE, set_=case.changes)
    gates = Gates(suite.gate, suite.alpha)
    with tempfile.TemporaryDirectory() as folder, case.planted():
        records = genbench.run(suite, out=folder).records
    compared = compare_runs(genbench.load_run(BASELINE), records, rules=gates.rules(), alpha=gates.alpha)
    judgement = judge(compared, gates)
    return {
        "case": case.name,
        "wanted": "red" if case.red else "green",
        "found": "green" if judgement.passed else "red" if judgement.violations else "undecided",
        "lines": list(gate_lines(judgement, gates, compared)),
    }


def main() -> int:
    """Try every case; print and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--unchanged", type=int, default=5, help="trainings of unchanged code")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--save", type=Path, default=SHOWN, help="where the findings are written")
    options = parser.parse_args()
    found = []
    for case in cases(options.unchanged, genbench.load_suite(SUITE)):
        if options.only not in case.name:
            continue
        found.append(tried(case))
        print(f"{found[-1]['found'].upper():<10}wanted {found[-1]['wanted']}: {case.name}")
        print("".join(f"    {line}\n" for line in found[-1]["lines"]), flush=True)
    here = capture(device_name(choose_device("auto")), torch.get_num_threads())
    content = {"code": code_version(), "environment": here, "cases": found}
    options.save.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return int(any(one["found"] != one["wanted"] for one in found))


if __name__ == "__main__":
    sys.exit(main())
