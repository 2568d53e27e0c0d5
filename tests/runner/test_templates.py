"""``genbench new``: what is written works as it is, and nothing is written over or hidden."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from genbench.core.datainfo import DataInfo
from genbench.core.errors import GenbenchError, OutputError
from genbench.core.registry import load_plugin, models
from genbench.runner.check.model import CHECKS, COMPILED, examine
from genbench.runner.check.subject import Subject
from genbench.runner.template import TEMPLATES, class_name, write_new
from genbench.suite.load import load_suite
from genbench.suite.plan import model_specs

EXTENDING = (Path(__file__).parents[2] / "docs" / "extending.md").read_text()


@pytest.fixture
def forgotten():
    """What plugins register in this process is gone after the test."""
    yield
    for name in [name for name, origin in models._origins.items() if origin.startswith("plugin ")]:
        del models._things[name], models._origins[name]


@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_template_is_there_and_no_mark_stays_in_it(kind, tmp_path):
    written = write_new(kind, "my_own", tmp_path / "new")
    assert written[0] == tmp_path / "new" / "my_own.py"
    assert tmp_path / "new" / "test_my_own.py" in written
    for path in written:
        text = path.read_text()
        assert "my_own" in text
        assert "__NAME__" not in text
        assert "__CLASS__" not in text
        if path.suffix == ".py":
            compile(text, str(path), "exec")


def test_the_model_is_sound_on_the_whole(tmp_path, forgotten):
    load_plugin(write_new("model", "fine_model", tmp_path)[0])
    kind = models.get("fine_model")
    assert kind.__name__ == "FineModel"
    found = examine([Subject(kind(latent=3), DataInfo("points", (2,)))])
    early = [next(found) for _ in range(8)]
    assert {finding.outcome for finding in early} == {"passed"}


def test_the_smallest_model_of_the_docs_is_sound(tmp_path, forgotten):
    file = tmp_path / "my_models.py"
    file.write_text(re.findall(r"```python\n(.*?)```", EXTENDING, re.DOTALL)[0])
    load_plugin(file)
    found = examine([Subject(models.get("smallest")(), DataInfo("points", (2,)))])
    assert {finding.outcome for finding, _ in zip(found, range(8), strict=False)} == {"passed"}


def test_the_docs_name_every_check():
    table = " ".join(line.split("|")[1] for line in EXTENDING.splitlines() if line.startswith("| "))
    told = {name.strip() for name in table.replace(",", "  ").split("  ") if name.strip()}
    assert {check.name for check in (*CHECKS, COMPILED)} <= told


def test_its_suite_names_it(tmp_path, forgotten):
    file, _, suite = write_new("model", "suited", tmp_path)
    load_plugin(file)
    assert [spec.name for spec in model_specs(load_suite(suite, quick=True))] == ["suited", "ns_gan"]


@pytest.mark.run
def test_its_own_test_passes_in_a_fresh_folder(tmp_path):
    write_new("model", "fresh", tmp_path)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "test_fresh.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "2 passed" in ran.stdout


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "test_mine.py").write_text("kept")
    with pytest.raises(OutputError, match=r"test_mine.py is there already.* nothing was written"):
        write_new("model", "mine", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["test_mine.py"]
    assert (tmp_path / "test_mine.py").read_text() == "kept"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gan", r"'gan' is registered already, by genbench.models.gan. Take another name: my_gan\."),
        ("torch", r"would hide the module 'torch'.* my_torch\."),
        ("json", r"would hide the module 'json'"),
        ("my-gan", r"'my-gan' cannot be the name of a model.*: my_gan\."),
        ("3d", r"cannot be the name.*: my_3d\."),
        ("class", r"cannot be the name.*: my_class\."),
        ("../up", r"cannot be the name.*: up\."),
        ("größe", r"cannot be the name"),
        ("", r"cannot be the name.*: my_model\."),
        ("_gan", r"cannot be the name.*: my_gan\."),
    ],
)
def test_names_that_will_not_do(name, said, tmp_path):
    with pytest.raises(GenbenchError, match=said):
        write_new("model", name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_class_is_called_by_its_words():
    assert [class_name(name) for name in ("gan", "my_gan", "myGAN2")] == ["Gan", "MyGan", "MyGAN2"]
