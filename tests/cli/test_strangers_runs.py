"""Runs that somebody else made are looked at without running, reading or asking for anything of theirs."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_text import hostile_records

from genbench.report.grids import write_grid

SECRET = "the-secret-of-this-user"

# Whatever opens, imports, starts or connects, of our code as of libraries, is written down.
WATCHED = """
import sys
seen = []
names = ("open", "import", "exec", "compile", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn",
         "os.fork", "socket.connect", "socket.getaddrinfo", "ctypes.dlopen", "pickle.find_class")
def watch(event, arguments):
    if event in names:
        seen.append((event, str(arguments[0])[:500], str(arguments[1:2])))
sys.argv = ["genbench", *sys.argv[2:]]
sys.path[:] = [place for place in sys.path if place]
from genbench.cli.app import main
sys.addaudithook(watch)
try:
    main()
finally:
    import json
    here = list(seen)
    json.dump(here, open(%r, "w"))
"""


def stranger(folder: Path, secrets: Path) -> Path:
    """A run directory with files that would like to be run or followed."""
    folder.mkdir(parents=True)
    records = hostile_records(["digits", "gan", "vae", "x"], folder.name)
    (folder / "records.jsonl").write_text("".join(record.to_json() + "\n" for record in records))
    code = f"open({str(secrets / 'ran')!r}, 'w')\n"
    for name in ("sitecustomize.py", "conftest.py", "plugin.py", "genbench_plugin.py", "gan.py", "pandas.py"):
        (folder / name).write_text(code)
    (folder / "suite.toml").write_text(
        'name = "x"\nplugin = ["plugin.py"]\nmeasures = ["plugin:Measure"]\n[[model]]\nname = "plugin.py"\n'
    )
    resolved = {
        "plugin": ["plugin.py"],
        "train": {},
        "cohort": [{"label": "gan", "options": {}, "trials": ["t0-0-0"]}],
    }
    (folder / "resolved.json").write_text(json.dumps(resolved))
    (folder / "entry_points.txt").write_text("[genbench.models]\ngan = plugin:Model\n")
    (folder / "grids").mkdir()
    write_grid(secrets / "private.png", np.zeros((1, 1, 1, 8, 8), dtype=np.uint8), ["private"])
    (folder / "grids" / "digits.png").symlink_to(secrets / "private.png")
    (folder / "environment.json").symlink_to(secrets / "environment.json")
    (folder / "environment-2.json").symlink_to("/dev/zero")
    (folder / "timing.json").symlink_to(secrets / "secret.txt")
    return folder


@pytest.fixture
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this user, which is nobody else's business."""
    folder = tmp_path_factory.mktemp("private")
    (folder / "secret.txt").write_text(SECRET)
    (folder / "environment.json").write_text(json.dumps({"id": SECRET, "device": SECRET}))
    return folder


@pytest.mark.run
@pytest.mark.parametrize(
    "command",
    [
        ["compare", "run", "other"], ["report", "run", "-o", "out.html"],
        ["export", "run", "--to", "tensorboard", "-o", "logs"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_nothing_of_theirs_is_run_or_followed(fresh_folder: Path, secrets: Path, command: list[str]) -> None:
    stranger(fresh_folder / "run", secrets)
    stranger(fresh_folder / "other", secrets)
    said = subprocess.run(
        [sys.executable, "-c", WATCHED % str(secrets / "seen.json"), "-", *command],
        capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, check=False,
    )  # fmt: skip
    # a picture that lies elsewhere is left out of a page; an export that lacks it would not be one
    assert said.returncode == (2 if "tensorboard" in command else 0), said.stderr
    seen = [tuple(one) for one in json.loads((secrets / "seen.json").read_text())]
    assert seen and not (secrets / "ran").exists()
    kinds = {event for event, *_ in seen}
    assert not kinds & {
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.fork",
        "socket.connect",
        "socket.getaddrinfo",
    }
    assert all("git" in first for event, first, _ in seen if event == "subprocess.Popen")  # our own version
    opened = {first for event, first, mode in seen if event == "open"}
    assert not {path for path in opened if str(secrets) in path and not path.endswith("seen.json")}
    assert not {path for path in opened if path.startswith(("/dev/zero", "/etc/passwd"))}
    theirs = {path for path in opened if "/run/" in path and path.endswith(".py")}
    assert theirs == set()
    written = "".join(
        path.read_text("utf-8", "replace") for path in fresh_folder.rglob("*") if _is_ours(path)
    )
    assert SECRET not in written + said.stdout + said.stderr


def _is_ours(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and "run" not in path.parts and "other" not in path.parts


def test_links_that_lead_out_of_a_run_are_told(
    genbench: Callable[..., Any], fresh_folder: Path, secrets: Path
) -> None:
    from genbench.report.page.origin import origin_of
    from genbench.report.page.pictures import pictures_of
    from genbench.store.loaded import load_runs

    (run,) = load_runs([stranger(fresh_folder / "run", secrets)])
    origin = origin_of(run)
    for name in ("environment.json", "timing.json", "environment-2.json"):
        assert f"{name} cannot be read (it is a link that leads out of the run's folder)." in origin.problems
    assert origin.toml and SECRET not in str(origin)
    (picture,) = pictures_of(run, "digits", ())
    assert picture.uri == "" and "leads out of the run's folder" in picture.problem
    said = genbench("export", "run", "--to", "tensorboard", "-o", "logs")
    assert said.code == 2 and "leads out of the run's folder" in said.err


def test_links_inside_of_a_run_and_to_a_run_are_followed(fresh_folder: Path, secrets: Path) -> None:
    from genbench.report.page.origin import origin_of
    from genbench.store.loaded import load_runs

    folder = stranger(fresh_folder / "run", secrets)
    (folder / "timing.json").unlink()
    (folder / "kept.json").write_text('[{"wall_s": 7.0}]')
    (folder / "timing.json").symlink_to("kept.json")
    (fresh_folder / "link").symlink_to(folder)
    (run,) = load_runs([fresh_folder / "link"])
    assert [execution.whole for execution in origin_of(run).executions] == ["7.0 s"]


def test_what_is_installed_is_imported_only_where_it_is_named(
    genbench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, secrets: Path
) -> None:
    from importlib import metadata

    from genbench.core import registry

    loaded: list[str] = []

    class Point(metadata.EntryPoint):
        def load(self) -> Any:
            loaded.append(self.name)
            raise ImportError("it is broken")

    def points(*, group: str) -> list[metadata.EntryPoint]:
        return (
            []
            if not group.startswith("genbench")
            else [Point(f"evil_{group.rpartition('.')[2]}", "evil:Evil", group)]
        )

    monkeypatch.setattr(registry.importlib.metadata, "entry_points", points)
    stranger(Path("run"), secrets)
    assert genbench("show", "run").code == 0
    assert loaded == []


def test_what_runs_code_says_so(genbench: Callable[..., Any], fresh_folder: Path) -> None:
    from typer.main import get_command

    from genbench.cli.app import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    plugins = [p for command in commands.values() for p in command.params if p.name == "plugin"]
    assert len(plugins) >= 5 and all("Run this Python file" in plugin.help for plugin in plugins)
    for line in ('plugin = ["x.py"]', 'plugins = "x.py"', 'import = "x"'):
        (fresh_folder / "evil.toml").write_text(f"{line}\n{(fresh_folder / 'tiny.toml').read_text()}")
        said = genbench("run", "evil.toml", "--dry-run")
        assert said.code == 2 and line.partition(" ")[0] in said.err
    (fresh_folder / "mine.py").write_text("raise ValueError('it was run')")
    for command in (
        ["sample", "x"],
        ["explain", "x"],
        ["eval", "mine.py", "--dataset", "x"],
        ["list", "models"],
    ):
        said = genbench(*command, "--plugin", "mine.py")
        assert said.code == 2 and "it was run" in said.err
        assert said.err.startswith("plugin: running the code of mine.py\n")
