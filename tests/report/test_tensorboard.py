"""Files for TensorBoard, read back with its own reader."""

import json
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from genbench.core.errors import GenbenchWarning, OutputError, RecordError
from genbench.core.record import OUTCOME, Better, Record, Status
from genbench.report.as_tensorboard import write_tensorboard
from genbench.report.grids import write_figure
from genbench.store.loaded import LoadedRun
from genbench.store.rundir import RunDirectory

Make = Callable[..., Record]
AT = "2026-08-14T10:15:{:02d}+00:00"
SECONDS = 1786702500.0  # 10:15:00 that day


@pytest.fixture(scope="module")
def made(make: Make, tmp_path_factory: pytest.TempPathFactory) -> LoadedRun:
    """Two seeds of one model, looked at twice; the second diverged. With losses, options, a picture."""
    run = RunDirectory(tmp_path_factory.mktemp("made") / "20260814T101500Z-ab12cd3")
    records = [make(model="real", trial="control", step=0, at=AT.format(0))]
    for seed in (0, 1):
        here = {"model": "gan/2", "seed": seed, "trial": f"t{seed}"}
        for step, at in ((100, AT.format(10)), (200, AT.format(20))):
            records.append(make(**here, step=step, at=at, value=1000.5 / step + seed))
        status = Status.DIVERGED if seed else Status.DONE
        end = {"metric": OUTCOME, "value": 200.0, "better": Better.NEITHER, "status": status}
        records.append(make(**here, **end, step=200, at=AT.format(30), reason="not finite" if seed else ""))
        run.make_trial(f"t{seed}")
    records.append(make(model="gan/2", seed=None, trial="all", metric="throughput.peak_memory", value=7.0))
    losses = [{"step": step, "generator.loss": step / 64, "critic.loss": None} for step in (32, 128, 160)]
    run.trial("t0").curves.write_text("".join(json.dumps(line) + "\n" for line in losses))
    run.suite_file.write_text('name = "mnist"\n[train]\n  steps = 200\n')
    options = {"latent": 4, "generator": {"hidden": [8, 8], "batch_norm": True, "name": "mlp"}}
    resolved = {"train": {"steps": 200}, "cohort": [{"options": options, "trials": {"t0": 0, "t1": 1}}]}
    run.resolved.write_text(json.dumps(resolved))
    write_figure(run.grids / "digits-gan.png", {"gan": np.zeros((2, 1, 8, 8), np.uint8)})
    return LoadedRun("mnist/latest", run, tuple(records))


@pytest.fixture(scope="module")
def folder(made: LoadedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    assert write_tensorboard([made], folder) == 2
    return folder / "mnist" / "20260814T101500Z-ab12cd3"


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def scalars(folder: Path, tag: str) -> list[tuple[int, float, float]]:
    return [(event.step, event.value, event.wall_time) for event in read(folder).Scalars(tag)]


def test_a_run_for_each_trial(folder: Path) -> None:
    there = sorted(str(path.parent.relative_to(folder)) for path in folder.rglob("*tfevents*"))
    assert there == [".", "digits/gan_2/all-seeds", "digits/gan_2/seed-0", "digits/gan_2/seed-1"]


def test_every_metric_at_every_step_with_its_time(folder: Path) -> None:
    seed = folder / "digits" / "gan_2" / "seed-0"
    wanted = [(100, 10.005, SECONDS + 10), (200, 5.0025, SECONDS + 20)]
    assert [(step, pytest.approx(value), at) for step, value, at in scalars(seed, "quality/fid")] == wanted
    assert scalars(seed, "trial/steps") == [(200, 200.0, SECONDS + 30)]
    assert scalars(seed.with_name("all-seeds"), "throughput/peak_memory")[0][:2] == (2000, 7.0)
    assert "trial/steps" not in read(seed.with_name("seed-1")).Tags()["scalars"]  # it diverged


def test_losses_stand_beside_them_dated_by_the_next_record(folder: Path) -> None:
    seed = folder / "digits" / "gan_2" / "seed-0"
    assert scalars(seed, "generator/loss") == [
        (32, 0.5, SECONDS + 10),
        (128, 2.0, SECONDS + 20),
        (160, 2.5, SECONDS + 20),
    ]
    assert "critic/loss" not in read(seed).Tags()["scalars"]


def test_the_suite_is_text_and_samples_are_images(folder: Path, made: LoadedRun) -> None:
    events = read(folder)
    (text,) = events.Tensors("suite")
    assert text.tensor_proto.string_val[0].decode() == '    name = "mnist"\n    [train]\n      steps = 200'
    (image,) = events.Images("samples/digits-gan")
    assert image.encoded_image_string == (made.directory.grids / "digits-gan.png").read_bytes()
    assert (image.step, image.height > 16, image.width > 32) == (2000, True, True)


def test_seeds_are_repetitions_of_one_setting(folder: Path) -> None:
    groups, ends = set(), []
    for seed in (0, 1):
        content = read(folder / "digits" / "gan_2" / f"seed-{seed}").PluginTagToContent("hparams")
        start = metadata.parse_session_start_info_plugin_data(content[metadata.SESSION_START_INFO_TAG])
        end = metadata.parse_session_end_info_plugin_data(content[metadata.SESSION_END_INFO_TAG])
        groups.add(start.group_name)
        ends.append((end.status, end.end_time_secs))
        options = {name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()}
        assert options == {
            "model": "gan/2", "dataset": "digits", "latent": 4.0, "generator.hidden": "[8, 8]",
            "generator.batch_norm": True, "generator.name": "mlp", "train.steps": 200.0,
        }  # fmt: skip
    assert len(groups) == 1 and ends == [(1, SECONDS + 30), (2, SECONDS + 30)]  # success, failure


def test_the_same_records_give_the_same_files(made: LoadedRun, folder: Path, tmp_path: Path) -> None:
    write_tensorboard([made], tmp_path)
    ours, theirs = ({p.name: p.read_bytes() for p in f.rglob("*tfevents*")} for f in (tmp_path, folder))
    assert ours == theirs


def test_files_that_are_there_are_never_mixed_with(made: LoadedRun, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(OutputError, match="TensorBoard would draw both") as said:
        write_tensorboard([made], folder.parents[1])
    assert str(folder) in str(said.value) and sorted(folder.rglob("*")) == before


def test_two_runs_of_one_name_and_models_of_one_file_name_stay_apart(make: Make, tmp_path: Path) -> None:
    one = LoadedRun("a", None, (make(model="g n"), make(model="g_n"), make(model="g_n", trial="part")))
    other = LoadedRun("b", None, (make(at="once"),))
    assert write_tensorboard([one, other], tmp_path) == 4
    there = sorted(str(path.parent.relative_to(tmp_path)) for path in tmp_path.rglob("*tfevents*"))
    name = "mnist/20260814T101500Z-ab12cd3"
    assert there == [
        f"{name}-a/digits/g_n/seed-0",
        f"{name}-a/digits/g_n_/seed-0",
        f"{name}-a/digits/g_n_/seed-0_",
        f"{name}-b/digits/gan/seed-0",
    ]


def test_a_trial_that_was_begun_again_is_drawn_once(make: Make, tmp_path: Path) -> None:
    end = {"metric": OUTCOME, "better": Better.NEITHER, "status": Status.INTERRUPTED, "reason": "Ctrl-C"}
    records = (make(value=9.0), make(**end), make(value=5.0), make(value=4.0))
    write_tensorboard([LoadedRun("a", None, records)], tmp_path)
    (file,) = tmp_path.rglob("*tfevents*")
    assert [value for _, value, _ in scalars(file.parent, "quality/fid")] == [4.0]


@pytest.mark.parametrize("content", ["[]", "{", '{"train": {}, "cohort": [1]}', '{"train": 1}'])
def test_damaged_options_are_told(made: LoadedRun, tmp_path: Path, content: str) -> None:
    shutil.copytree(made.path, tmp_path / "run")
    (tmp_path / "run" / "resolved.json").write_text(content)
    run = LoadedRun("a", RunDirectory(tmp_path / "run"), made.records)
    with pytest.raises(RecordError, match=r"resolved.json is not what a run writes"):
        write_tensorboard([run], tmp_path / "logs")


def test_a_damaged_run_leaves_the_others_unwritten(made: LoadedRun, make: Make, tmp_path: Path) -> None:
    shutil.copytree(made.path, tmp_path / "run")
    (tmp_path / "run" / "resolved.json").write_text("{")
    damaged = LoadedRun("b", RunDirectory(tmp_path / "run"), made.records)
    for _ in range(2):  # the second time the same is told, not that something is there already
        with pytest.raises(RecordError, match=r"resolved.json is not what a run writes"):
            write_tensorboard([LoadedRun("a", None, (make(),)), damaged], tmp_path / "logs")
    assert not (tmp_path / "logs").exists()


def test_a_picture_that_is_none_is_left_out(made: LoadedRun, tmp_path: Path) -> None:
    shutil.copytree(made.path, tmp_path / "run")
    (tmp_path / "run" / "grids" / "x.png").write_bytes(b"GIF")
    run = LoadedRun("a", RunDirectory(tmp_path / "run"), made.records)
    with pytest.warns(GenbenchWarning, match=r"x.png is not a PNG"), warnings.catch_warnings():
        assert write_tensorboard([run], tmp_path / "logs") == 2


def test_without_the_package_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, made: LoadedRun, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    with pytest.raises(OutputError, match=r"pip install 'genbench\[tensorboard\]'"):
        write_tensorboard([made], tmp_path)
