from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from genbench.core.errors import OutputError, RecordError
from genbench.store.loaded import load_run
from genbench.store.rundir import RunDirectory, resolve_run

AT = datetime(2026, 8, 14, 10, 15, 0, tzinfo=UTC)


def make(results: Path, suite: str, name: str) -> Path:
    folder = results / suite / name
    folder.mkdir(parents=True)
    (folder / "records.jsonl").touch()
    return folder


def test_name_is_utc_time_and_mark(tmp_path: Path) -> None:
    here = AT.astimezone(timezone(timedelta(hours=5)))
    run = RunDirectory.create(tmp_path, "mnist", mark="ab12cd3", at=here)
    assert run.path == tmp_path / "mnist" / "20260814T101500Z-ab12cd3"
    assert run.name == "20260814T101500Z-ab12cd3"
    assert run.path.is_dir() and run.plots.is_dir() and run.grids.is_dir() and run.trials.is_dir()


def test_paths_are_the_documented_ones(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    files = (
        run.suite_file, run.resolved, run.environment, run.records, run.log, run.timing, run.tables,
        run.report,
    )  # fmt: skip
    assert [path.relative_to(tmp_path).as_posix() for path in files] == [
        "suite.toml", "resolved.json", "environment.json", "records.jsonl", "log.txt", "timing.json",
        "tables.md", "report.html",
    ]  # fmt: skip
    trial = run.make_trial("0a1b")
    assert trial.path == tmp_path / "trials" / "0a1b" and trial.path.is_dir()
    files = (trial.checkpoint, trial.curves, trial.timing)
    assert [path.name for path in files] == ["checkpoint.safetensors", "curves.jsonl", "timing.jsonl"]


def test_two_runs_in_one_second_do_not_share_a_folder(tmp_path: Path) -> None:
    runs = [RunDirectory.create(tmp_path, "mnist", mark="ab12cd3", at=AT) for _ in range(11)]
    assert len({run.path for run in runs}) == 11
    for run in runs:
        run.records.touch()
    assert resolve_run("mnist/latest", tmp_path) == runs[-1]


def test_creation_failure_says_how_to_choose_another_folder(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file in the way")
    with pytest.raises(OutputError, match="--out DIR"):
        RunDirectory.create(tmp_path / "results", "mnist", mark="ab12cd3")
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "20260814T101500Z-ab12cd3").write_text("a file in the way")
    with pytest.raises(OutputError, match="--out DIR"):
        RunDirectory.create(tmp_path, "mnist", mark="ab12cd3", at=AT)


@pytest.mark.parametrize("name", ["", "..", ".", "a/b", "a\\b", "a\nb", "../x"])
def test_names_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError):
        RunDirectory.create(tmp_path, name, mark="ab12cd3")
    with pytest.raises(RecordError):
        RunDirectory(tmp_path).trial(name)


def test_mark_is_checked(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="hexadecimal"):
        RunDirectory.create(tmp_path, "mnist", mark="main")
    RunDirectory.create(tmp_path, "mnist", mark="ab12cd34-dirty")


def test_latest_goes_by_the_time_in_the_name(tmp_path: Path) -> None:
    newest = make(tmp_path, "mnist", "20260814T101500Z-000000")
    make(tmp_path, "mnist", "20251231T235959Z-ffffff")  # made later, and its mark sorts last
    make(tmp_path, "mnist", "baseline")
    assert resolve_run("mnist/latest", tmp_path) == RunDirectory(newest)
    assert resolve_run(str(tmp_path / "mnist" / "latest"), Path("elsewhere")) == RunDirectory(newest)


def test_an_older_run_does_not_pass_for_a_latest_without_records(tmp_path: Path) -> None:
    make(tmp_path, "mnist", "20260814T101500Z-000000")
    RunDirectory.create(tmp_path, "mnist", mark="ab12cd3")
    with pytest.raises(RecordError, match="no records"):
        resolve_run("mnist/latest", tmp_path)


def test_a_folder_of_the_suite_name_elsewhere_does_not_hide_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make(tmp_path / "results", "mnist", "20260814T101500Z-000000")
    (tmp_path / "mnist").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve_run("mnist/latest", tmp_path / "results") == RunDirectory(run)


def test_run_may_be_a_directory_a_file_or_a_published_name(tmp_path: Path) -> None:
    folder = make(tmp_path, "mnist", "baseline")
    run = RunDirectory(folder)
    assert resolve_run(str(folder), tmp_path) == run
    assert resolve_run(str(folder / "records.jsonl"), tmp_path) == run
    assert resolve_run("mnist/baseline", tmp_path) == run
    loose = tmp_path / "main.jsonl"
    loose.touch()
    assert resolve_run(str(loose), tmp_path) == loose
    assert load_run(str(loose), tmp_path) == load_run("mnist/baseline", tmp_path) == []


def test_text_and_paths_name_runs_and_results_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "results", "mnist", "20260814T101500Z-ab12cd3")
    assert load_run("mnist/latest") == load_run(Path("mnist/latest"), "results") == []
    with pytest.raises(RecordError, match="Did you mean 'mnist/latest'"):
        load_run(Path("mnits/latest"))


def test_unknown_run_offers_the_nearest_and_the_rest(tmp_path: Path) -> None:
    make(tmp_path, "mnist", "baseline")
    make(tmp_path, "ring", "20260814T101500Z-000000")
    with pytest.raises(RecordError) as caught:
        resolve_run("mnist/basline", tmp_path)
    message = str(caught.value)
    assert "Did you mean 'mnist/baseline'" in message and "ring/latest" in message
    assert "mnist/latest" not in message  # a published run has no time
    with pytest.raises(RecordError, match="There are none"):
        resolve_run("mnist/latest", tmp_path / "nothing")


def test_a_suite_alone_is_not_a_run(tmp_path: Path) -> None:
    make(tmp_path, "ring", "20260814T101500Z-000000")
    with pytest.raises(RecordError, match="ring/latest"):
        resolve_run("ring", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordError, match=r"no records\.jsonl"):
        resolve_run("empty", tmp_path)
