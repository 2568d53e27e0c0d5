"""``genbench check`` and ``genbench new`` as a person meets them: words, lines, exit codes."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("forgotten")

WRONG = '''
from dataclasses import dataclass
from typing import ClassVar
from genbench.core.registry import models
from genbench.models.optim import Adam
from genbench.models.protocol import Noise, Player
from torch import nn

@models.register("wrong")
@dataclass(frozen=True)
class Wrong:
    """A model [bold]in brackets[/bold]."""
    version: ClassVar[str] = "1"
    def prior(self, data): return Noise((3,))
    def networks(self, data): return {"G": nn.Linear(3, data.size), "E[red]": nn.Linear(1, 1)}
    def loss(self, nets, batch): return nets.G(batch.noise["z"]).mean(), {}
    @property
    def players(self): return (Player("g", ("G",), self.loss, Adam(), {"z": Noise((3,))}),)
    def sample(self, nets, z): return nets.G(z)
'''


def test_a_wrong_model_is_told_line_by_line(genbench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    Path("wrong.py").write_text(WRONG)
    said = genbench("check", "wrong.py")
    assert said.code == 1
    first, second, *lines, last = said.out.splitlines()
    assert first == "Running the code in wrong.py."
    assert second == "model wrong, from wrong.py"
    assert max(map(len, said.out.splitlines())) <= 80
    assert re.match(r"ok +class +a frozen dataclass, version 1", lines[0])
    failed = [line for line in lines if line.startswith("FAILED")]
    assert len(failed) == 1
    assert "a network is called 'E[red]'" in " ".join(said.out.split())
    assert "the name of a Python variable" in " ".join(said.out.split())
    assert any(re.match(r"not run losses +it means nothing before 'networks'", line) for line in lines)
    assert re.fullmatch(r"wrong: 1 of \d checks failed \(networks\); \d+ not run\.", last.strip())


def test_a_file_that_fails_is_told_with_its_line(genbench):
    Path("broken.py").write_text("import torch\n\nlayers = torch.nn.Linaer(3, 2)\n")
    said = genbench("check", "broken.py")
    assert said.code == 2
    assert "broken.py cannot be run: AttributeError" in said.err
    assert "in line 3 of broken.py (`layers = torch.nn.Linaer(3, 2)`)" in said.err


def test_a_file_that_is_no_python_is_told_with_its_line(genbench):
    Path("typo.py").write_text("import torch\n\ndef f(:\n")
    said = genbench("check", "typo.py")
    assert said.code == 2
    assert "SyntaxError" in said.err
    assert "in line 3 of typo.py" in said.err


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("nowhere.py", "no plugin file at nowhere.py"),
        ("empty.py", "empty.py registers nothing"),
        ("gna", "unknown model, dataset or measure 'gna'. Did you mean 'gan'?"),
        ("leaves.py", "leaves.py cannot be run: SystemExit"),
    ],
)
def test_what_cannot_be_checked(genbench, what, told):
    Path("empty.py").write_text("")
    Path("leaves.py").write_text("import sys\nsys.exit(0)\n")
    said = genbench("check", what)
    assert said.code == 2
    assert told in said.err


def test_an_option_that_is_none(genbench):
    assert "expected option=value" in genbench("check", "gan", "--set", "latent").err
    assert genbench("check", "gan", "--set", "latent").code == 2
    said = genbench("check", "gan", "--set", "latnet=3")
    assert said.code == 1
    assert "Did you mean 'latent'?" in " ".join(said.out.split())


def test_new_says_what_to_do_with_what_it_writes(genbench):
    said = genbench("new", "model", "my_gan", "-o", "mine")
    assert said.code == 0
    commands = [line for line in said.out.splitlines() if line.startswith(("genbench ", "pytest "))]
    assert commands == [
        "genbench check mine/my_gan.py",
        "genbench run mine/my_gan.toml --plugin mine/my_gan.py --quick",
        "pytest mine/test_my_gan.py",
    ]
    assert all(Path(command.split()[-1]).exists() or "--quick" in command for command in commands)


@pytest.mark.run
def test_what_new_writes_holds(genbench):
    genbench("new", "model", "my_gan", "-o", "mine")
    checked = genbench("check", "mine/my_gan.py", "--set", "generator.hidden=[16]")
    assert checked.code == 0, checked.out
    assert re.search(r"my_gan: all \d+ checks hold; 3 not run\.", checked.out)


def test_new_refuses(genbench):
    said = genbench("new", "model", "gan")
    assert said.code == 2
    assert "Take another name: my_gan." in said.err
    assert not list(Path().glob("*gan*"))
