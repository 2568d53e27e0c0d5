"""Verbs that train nothing import nothing heavy: a table is there at once, on machines without torch."""

import json
import subprocess
import sys

from hostile_text import hostile_records

# Every command in one process: what has been imported by then is told after each of them.
TOLD = """
import contextlib, io, json, sys
from genbench.cli.app import main
told = []
for command in json.loads(sys.argv[1]):
    sys.argv = ["genbench", *command]
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            main()
        except SystemExit as left:
            code = left.code
    told.append((command, code or 0, sorted(name for name in HEAVY if name in sys.modules)))
print(json.dumps(told))
"""
HEAVY = ("torch", "pandas", "numpy", "scipy", "sklearn", "matplotlib", "PIL", "pooch", "rich.progress")
HELP = [["--help"], ["--version"], *([verb, "--help"] for verb in ("run", "show", "list", "compare", "eval"))]
NEVER = {"torch", "sklearn"}


def test_help_and_verbs_that_read_runs_never_import_torch(fresh_folder):
    for name in ("one", "two"):
        (fresh_folder / name).mkdir()
        records = hostile_records(["digits", "gan", "vae", "x"], name)
        (fresh_folder / name / "records.jsonl").write_text("".join(f"{each.to_json()}\n" for each in records))
    reading = [
        *(["export", "one", "--format", "json"], ["show", "one"], ["compare", "one", "two"]),
        ["export", "one", "--to", "tensorboard", "-o", "logs"],
    ]
    code = f"HEAVY = {HEAVY}\n{TOLD}"
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps([*HELP, *reading])],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert [exit_code for _, exit_code, _ in told] == [0] * len(told), told
    for command, _, heavy in told[: len(HELP)]:
        assert heavy == [], command
    for command, _, heavy in told:
        assert not NEVER & set(heavy), command
