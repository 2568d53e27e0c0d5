"""The tools that hold the code to its rules are part of the test command."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COMMANDS = {
    "ruff check": ["-m", "ruff", "check", "genbench", "tests"],
    "ruff format": ["-m", "ruff", "format", "--check", "genbench", "tests"],
    "mypy": ["-m", "mypy"],
    "import contracts": ["-c", "from importlinter.cli import lint_imports_command as lint; lint()"],
}


@pytest.mark.skipif(
    not (ROOT / "pyproject.toml").is_file() or not (ROOT / "genbench").is_dir(),
    reason="the source tree is not there: these tools look at it, not at an installed package",
)
@pytest.mark.parametrize("name", COMMANDS)
def test_the_code_keeps_the_rules(name):
    command = [sys.executable, *COMMANDS[name]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name} finds:\n{done.stdout}{done.stderr}"
