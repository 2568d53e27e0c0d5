"""Run a fuzz target: ``python fuzz/run.py idx --runs 1000000``. Needs the extra ``fuzz``.

Each target runs in a process of its own, within a bound of memory and of time for each input, from seeds made
on the spot. What breaks it is kept as ``crash-...``, ``timeout-...`` or ``oom-...`` in the working directory.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
TARGETS = sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.py"))
MEMORY_MIB = 1024
SECONDS = 5
LONGEST = 4096

_WATCHED = ["genbench", "tomllib", "zipfile", "gzip", "PIL"]
"""Packages whose branches guide the search; those in C and Rust are followed no further than their door."""


def main() -> int:
    """Run the targets that are named, one after the other; 1 if one of them broke."""
    parser = argparse.ArgumentParser(description="Fuzz the readers of files.")
    parser.add_argument(
        "targets", nargs="+", choices=[*TARGETS, "all"], metavar="TARGET", help=", ".join(TARGETS)
    )
    parser.add_argument("--runs", type=int, default=100_000, help="executions of each (default 100,000)")
    parser.add_argument(
        "--seconds", type=int, default=0, help="end a target after as many, whatever its runs"
    )
    parser.add_argument("--corpus", type=Path, help="folder to keep what was found in, and to begin from")
    parser.add_argument("--seed", type=int, default=1, help="of the random changes (default 1)")
    given = parser.parse_args()
    broken = 0
    for target in TARGETS if "all" in given.targets else given.targets:
        broken += not fuzz(target, given.runs, given.seconds, given.corpus, given.seed)
    return min(1, broken)


def fuzz(target: str, runs: int, most_s: int, corpus: Path | None, seed: int) -> bool:
    """Run one target in a process of its own and print what it took; whether nothing broke."""
    with tempfile.TemporaryDirectory(prefix="genbench-corpus-") as temporary:
        folder = (corpus or Path(temporary)) / target
        folder.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable, __file__, "--child", target, str(folder), f"-runs={runs}", f"-seed={seed}",
            f"-rss_limit_mb={MEMORY_MIB}", f"-timeout={SECONDS}", f"-max_len={LONGEST}",
            "-print_final_stats=1", f"-max_total_time={most_s}",
        ]  # fmt: skip
        began = time.monotonic()
        home = {**os.environ, "TMPDIR": temporary}  # the child ends without tidying up
        child = subprocess.Popen(
            command, env=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        lines = [line.rstrip() for line in child.stdout or ()]
        seconds = time.monotonic() - began
        code = child.wait()
    text = "\n".join(lines)
    executed = _last(r"stat::number_of_executed_units:\s+(\d+)", text)
    peak = _last(r"stat::peak_rss_mb:\s+(\d+)", text)
    edges, longest = _last(r"cov: (\d+)", text), _last(r"lim: (\d+)", text)
    if code != 0:
        print("\n".join(lines[-60:]))
    print(
        f"{target}: {int(executed):,} executions in {seconds:.0f} s "
        f"({int(executed) / seconds:,.0f} a second), peak memory {peak} MiB, {edges} edges, "
        f"longest input {longest} bytes: {'nothing broke' if code == 0 else f'BROKE (exit {code})'}",
        flush=True,
    )
    return code == 0


def _last(pattern: str, text: str) -> str:
    found = re.findall(pattern, text)
    return found[-1] if found else "0"


def _child(target: str, folder: Path, options: list[str]) -> None:
    """Fuzz, in this process; never returns."""
    import atheris

    with atheris.instrument_imports(include=_WATCHED):
        module = importlib.import_module(f"fuzz_{target}")
    for number, content in enumerate(module.seeds()):
        (folder / f"seed-{number}").write_bytes(content)
    atheris.Setup([sys.argv[0], *options, str(folder)], module.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
    else:
        sys.exit(main())
