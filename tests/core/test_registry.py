import importlib.metadata
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from genbench.core import registry
from genbench.core.errors import PluginError, UnknownName
from genbench.core.registry import Registry, load_plugin


@pytest.fixture
def things() -> Registry[type]:
    return Registry("thing", "genbench.things", {"ordered": "collections", "json": "json"})


@pytest.fixture
def entry_points(monkeypatch: pytest.MonkeyPatch) -> list[importlib.metadata.EntryPoint]:
    points: list[importlib.metadata.EntryPoint] = []
    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda group: [p for p in points if p.group == group]
    )
    return points


@pytest.fixture(autouse=True)
def plugins_are_forgotten() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("genbench_plugin_"):
            del sys.modules[name]


def test_a_registered_thing_is_found_with_its_origin(things: Registry[type]) -> None:
    @things.register("mine")
    class Mine: ...

    assert things.get("mine") is Mine
    assert things.origin("mine") == __name__
    assert things.names() == ["json", "mine", "ordered"]


def test_an_unknown_name_gets_the_nearest(things: Registry[type]) -> None:
    for ask in (things.get, things.check, things.origin):
        with pytest.raises(UnknownName, match=r"unknown thing 'jsn'. Did you mean 'json'\?"):
            ask("jsn")


def test_a_taken_name_names_both_origins(things: Registry[type]) -> None:
    class Mine: ...

    with pytest.raises(PluginError, match=rf"collections and {__name__}"):
        things.register("ordered")(Mine)


def test_two_plugins_with_one_name_collide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "models", Registry[type]("model", "genbench.models", {}))
    for name in ("a", "b"):
        path = tmp_path / f"{name}.py"
        path.write_text(
            "from genbench.core.registry import models\n@models.register('mine')\nclass Mine: ...\n"
        )
    load_plugin(tmp_path / "a.py")
    with pytest.raises(PluginError) as caught:
        load_plugin(tmp_path / "b.py")
    assert "a.py" in str(caught.value) and "b.py" in str(caught.value)
    assert registry.models.origin("mine") == f"plugin {tmp_path / 'a.py'}"


def test_a_plugin_is_run_once(tmp_path: Path) -> None:
    path = tmp_path / "plugin.py"
    path.write_text(f"with open({str(tmp_path / 'ran')!r}, 'a') as file:\n    file.write('x')\n")
    load_plugin(path)
    load_plugin(path)
    assert (tmp_path / "ran").read_text() == "x"


def test_a_plugin_may_be_named_by_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ran.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    load_plugin("ran.py")
    assert Path("ran").exists()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("absent.py", None, "no plugin file"),
        ("plugin.txt", "", "must end in .py"),
        ("plugin.py", "1 / 0", "ZeroDivisionError"),
        ("plugin.py", "def", "SyntaxError"),
    ],
)
def test_a_bad_plugin_is_a_plugin_error(tmp_path: Path, name: str, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    for _ in range(2):  # a failed plugin is not taken for a loaded one
        with pytest.raises(PluginError, match=said):
            load_plugin(tmp_path / name)


def test_entry_points_are_listed_but_imported_only_when_asked_for(
    things: Registry[type], entry_points: list[importlib.metadata.EntryPoint]
) -> None:
    entry_points.append(importlib.metadata.EntryPoint("broken", "no_such_package:Thing", "genbench.things"))
    entry_points.append(importlib.metadata.EntryPoint("path", "pathlib:Path", "genbench.things"))
    entry_points.append(importlib.metadata.EntryPoint("other", "pathlib:Path", "genbench.others"))
    assert things.names() == ["broken", "json", "ordered", "path"]
    assert things.origin("path") == "entry point pathlib:Path"
    assert things.get("path") is Path
    with pytest.raises(PluginError, match="no_such_package"):
        things.get("broken")


def test_every_builtin_module_exists() -> None:
    for known in (registry.models, registry.datasets, registry.measures):
        for name in known.names():
            module = known.origin(name)
            assert importlib.util.find_spec(module), f"{known.kind} {name!r} is bound to {module}"


def test_listing_names_imports_no_torch() -> None:
    program = (
        "import sys; from genbench.core.registry import models, datasets, measures;"
        "print(models.names(), datasets.names(), measures.names()); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
