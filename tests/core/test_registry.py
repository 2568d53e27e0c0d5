import importlib.metadata
import importlib.util
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from genbench.core import registry
from genbench.core.errors import GenbenchWarning, PluginError, UnknownName
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


def test_another_process_finds_what_ships_is_announced_or_lies_in_a_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry_points: list[importlib.metadata.EntryPoint]
) -> None:
    there = Registry[type]("model", "genbench.models", {"ordered": "collections"})
    monkeypatch.setattr(registry, "models", there)
    there.register("scripted")(type("Scripted", (), {}))
    text = "from genbench.core.registry import models\n@models.register('{}')\nclass Mine: ...\n"
    (tmp_path / "a.py").write_text(text.format("plugged"))
    load_plugin(tmp_path / "a.py")
    entry_points.append(importlib.metadata.EntryPoint("announced", "collections", "genbench.models"))
    names = ("ordered", "plugged", "announced", "scripted", "nowhere")
    assert [there.is_found_elsewhere(name) for name in names] == [True, True, True, False, False]
    assert [there.is_builtin(name) for name in names] == [True, False, False, False, False]


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
    module = load_plugin(path)
    assert load_plugin(path) is module
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
        ("plugin.py", b"x = 'caf\xe9'", "SyntaxError.*utf-8"),
        ("plugin.py", "import sys\nsys.exit(3)", r"it calls sys\.exit\(3\) while"),
        ("plugin.py", "raise SystemExit", r"it calls sys\.exit\(\) while"),
        ("plugin.py", "import no_such_thing", "ModuleNotFoundError"),
    ],
)
def test_a_bad_plugin_is_a_plugin_error(
    tmp_path: Path, name: str, text: str | bytes | None, said: str
) -> None:
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    for _ in range(2):  # a failed plugin is not taken for a loaded one
        with pytest.raises(PluginError, match=said):
            load_plugin(tmp_path / name)


def test_a_folder_is_no_plugin(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"is a folder\. Give --plugin a Python file"):
        load_plugin(tmp_path)


def test_nothing_stays_of_a_plugin_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "models", Registry[type]("model", "genbench.models", {"json": "json"}))
    path = tmp_path / "my plugin.py"
    head = "from genbench.core.registry import models\n@models.register('mine')\nclass Mine: ...\n"
    path.write_text(head + "1 / 0\n")
    with pytest.raises(PluginError, match="ZeroDivisionError"):
        load_plugin(path)
    assert registry.models.names() == ["json"]
    path.write_text(head)
    load_plugin(path)
    assert registry.models.origin("mine") == f"plugin {path}"


def test_one_file_that_registers_a_name_twice_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "models", Registry[type]("model", "genbench.models", {}))
    for second in ("Other", "Mine"):  # a copied class whose name was not changed either
        path = tmp_path / f"{second}.py"
        path.write_text(
            textwrap.dedent(f"""\
                from genbench.core.registry import models
                @models.register("mine")
                class Mine: ...
                @models.register("mine")
                class {second}: ...
                """)
        )
        with pytest.raises(PluginError, match=f"two things as model 'mine': Mine and {second}"):
            load_plugin(path)


def test_what_a_reload_brings_again_replaces_what_was(things: Registry[type]) -> None:
    def fresh() -> type:
        class Mine: ...

        return Mine

    old, new = fresh(), fresh()
    things.register("mine")(old)
    things.register("mine")(new)
    assert things.get("mine") is new


@pytest.mark.parametrize("name", ["", "my model", "a/b", "ü", "x" * 49, 3])
def test_a_name_that_nobody_can_type(things: Registry[type], name: str) -> None:
    with pytest.raises(PluginError, match="cannot be the name of a thing: use 1 to 48 letters"):
        things.register(name)


def test_what_a_plugin_prints_is_not_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "loud.py"
    path.write_text("print('hello')")
    load_plugin(path)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "hello\n")


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


def _of(package: str, value: str, name: str = "mine") -> importlib.metadata.EntryPoint:
    class Dist:
        def __init__(self) -> None:
            self.name, self.version = package, "1.0"

    point = importlib.metadata.EntryPoint(name, value, "genbench.things")
    vars(point)["dist"] = Dist()
    return point


def test_one_name_from_two_packages_names_both(
    things: Registry[type], entry_points: list[importlib.metadata.EntryPoint]
) -> None:
    entry_points += [_of("apples", "pathlib:Path"), _of("pears", "pathlib:PurePath"), _of("x", "y:Z", "more")]
    assert things.names() == ["json", "mine", "more", "ordered"]
    assert things.origin("mine") == "package apples 1.0 and package pears 1.0"
    with pytest.raises(
        PluginError, match=r"apples 1.0 \(pathlib:Path\) and package pears 1.0 \(pathlib:Pure"
    ):
        things.get("mine")


def test_a_package_announced_twice_alike_is_one(
    things: Registry[type], entry_points: list[importlib.metadata.EntryPoint]
) -> None:
    entry_points += [_of("apples", "pathlib:Path"), _of("apples", "pathlib:Path")]
    assert things.get("mine") is Path


def test_genbenchs_own_stays_where_a_package_takes_its_name(
    things: Registry[type], entry_points: list[importlib.metadata.EntryPoint]
) -> None:
    entry_points.append(_of("apples", "pathlib:Path", "ordered"))
    with (
        pytest.warns(GenbenchWarning, match=r"apples 1\.0 announces under that name is left out"),
        pytest.raises(KeyError),  # the module "collections" registers nothing
    ):
        things.get("ordered")


def test_a_file_cannot_take_the_name_that_a_package_announces(
    things: Registry[type], entry_points: list[importlib.metadata.EntryPoint]
) -> None:
    entry_points.append(_of("apples", "apples.models:Mine"))
    with pytest.raises(PluginError, match=f"'mine': package apples 1.0 and {__name__}"):

        @things.register("mine")
        class Other: ...


def test_a_package_imported_by_hand_registers_what_it_announces(
    things: Registry[type], entry_points: list[importlib.metadata.EntryPoint]
) -> None:
    entry_points.append(_of("apples", f"{__name__}:Mine"))

    @things.register("mine")
    class Mine: ...

    assert things.get("mine") is Mine
    assert things.origin("mine") == "package apples 1.0"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def mine(): ...", "neither is a class nor registers anything under that name"),
        ("import sys; sys.exit('no')", r"it calls sys.exit\('no'\) while"),
        ("1 / 0", "fails to import: ZeroDivisionError"),
        ("other = 1", "AttributeError"),
    ],
)
def test_a_broken_package_costs_its_own_names_only(
    things: Registry[type],
    entry_points: list[importlib.metadata.EntryPoint],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    said: str,
) -> None:
    (tmp_path / "broken_apples.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_apples", raising=False)
    entry_points += [_of("apples", "broken_apples:mine"), _of("pears", "pathlib:Path", "good")]
    assert things.get("good") is Path
    with pytest.raises(PluginError, match=said) as caught:
        things.get("mine")
    assert "package apples 1.0 as broken_apples:mine" in str(caught.value)
    sys.modules.pop("broken_apples", None)


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
