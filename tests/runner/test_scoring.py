import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import genbench
from genbench.core.errors import DataError, SuiteError, UnknownName
from genbench.core.record import EXPECTED, OF_SAMPLES, SAMPLED, Status
from genbench.core.registry import datasets, measures
from genbench.runner import control_rows
from genbench.runner.scoring import evaluate


@pytest.fixture(scope="module", autouse=True)
def one_draw():
    """Of each control row: what is tested is the same for three."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(control_rows, "CONTROL_SEEDS", 1)
        yield


@pytest.fixture(scope="module")
def digits():
    return datasets.get("digits")().load()


@pytest.fixture(scope="module")
def files(digits, tmp_path_factory):
    """Training images in three forms, and noise."""
    folder = tmp_path_factory.mktemp("samples")
    np.save(folder / "real.npy", digits.train_examples[:300])
    np.savez(folder / "floats.npz", samples=(digits.train_examples[:300, 0] / 255).astype(np.float32))
    np.save(folder / "noise!.npy", np.random.default_rng(0).integers(0, 256, (300, 28, 28, 1), np.uint8))
    return [folder / name for name in ("real.npy", "floats.npz", "noise!.npy")]


@pytest.fixture(scope="module")
def records(files):
    return evaluate(files, "digits", value_range=(0, 1))


def values(records, model):
    return {r.metric: r.value for r in records if r.model == model}


def test_rows_are_named_by_their_files_and_never_like_a_control(records):
    assert list(dict.fromkeys(r.model for r in records)) == ["real-2", "floats", "noise-2", *OF_SAMPLES]


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        (("a.npy", "deep/a.npy", "a-2.npy"), ["a", "a-2", "a-2-2"]),
        (("it's 5 €.npy", "--x.npy", "é.npy"), ["it-s-5", "x", "samples"]),
        (("y" * 90 + ".npy", "expected.npy", "x.tar.npy"), ["y" * 44, "expected-2", "x.tar"]),
    ],
)
def test_every_name_is_plain_and_its_own(tmp_path, names, rows):
    from genbench.core.ids import is_plain_name
    from genbench.data.samplefile import SampleFile
    from genbench.runner.scoring import _row_names

    (tmp_path / "deep").mkdir()
    for name in names:
        (tmp_path / name).touch()
    found = _row_names([SampleFile(tmp_path / name, "", np.zeros((1, 1)), lambda x: x) for name in names])
    assert found == rows and all(map(is_plain_name, found))


def test_the_form_on_disk_does_not_matter(records):
    assert values(records, "real-2") == values(records, "floats")


def test_scores_are_those_of_the_measures_themselves(records, digits):
    import torch

    from genbench.measures.evidence import Evidence, Reference

    evidence = Evidence(Reference(digits, torch.device("cpu")), torch.from_numpy(digits.train_examples[:300]))
    found = {
        reading.column.metric: reading.value
        for name in ("quality", "modes", "memorization")
        for reading in measures.get(name)()(evidence)
        if reading.value is not None
    }
    assert values(records, "real-2") == pytest.approx(found, rel=1e-6, abs=1e-9)


def test_the_controls_stand_beside_with_as_many_samples(records):
    assert {r.model for r in records} > {EXPECTED, *SAMPLED}
    assert {r.protocol["n_fake"] for r in records if "n_fake" in r.protocol} == {300}
    assert all({r.seed for r in records if r.model == name} == {0} for name in SAMPLED)
    noise = [r.value for r in records if (r.model, r.metric) == ("noise", "quality.fid")]
    assert values(records, "noise-2")["quality.fid"] == pytest.approx(np.mean(noise), rel=0.05)


def test_what_samples_cannot_have_is_no_column(records):
    assert not any("elbo" in r.metric or r.metric.startswith("throughput") for r in records)
    assert all(r.value is not None or r.status is Status.SKIPPED for r in records)


def test_records_are_stamped_like_a_runs(records, digits):
    for record in records:
        assert record.suite == "eval" and record.dataset == "digits" and record.env and record.code
        assert record.versions["data"] == digits.hash and record.protocol["quick"] is False
    assert len({r.trial for r in records if r.model in ("real-2", "floats")}) == 1
    assert len({r.run for r in records}) == 1


@pytest.mark.run
def test_the_same_samples_give_the_same_records(files, records):
    again = evaluate(files, "digits", value_range=(0, 1))
    assert [(r.run, r.trial, r.metric, r.value) for r in again] == [
        (r.run, r.trial, r.metric, r.value) for r in records
    ]


def test_a_sample_more_moves_the_features_of_no_other(tmp_path, digits):
    from genbench.data.samplefile import open_samples
    from genbench.features.choose import extractor_for
    from genbench.runner.scoring import _Tensors

    dim = (digits.train_examples[:300] / 1020).astype(np.float32)
    np.save(tmp_path / "dim.npy", dim)
    np.save(tmp_path / "outlier.npy", np.concatenate([dim, np.ones_like(dim[:1])]))
    extractor, found = extractor_for(digits), []
    for name in ("dim.npy", "outlier.npy"):
        with open_samples(tmp_path / name, digits.info, (0, 1)) as samples:
            found.append(extractor(_Tensors(samples)).values)
    assert np.array_equal(found[1][:-1], found[0])


@pytest.mark.run
def test_a_runs_samples_from_disk_have_the_runs_numbers(tiny_suite, tmp_path, monkeypatch):
    from genbench.measures.quality import Quality

    taken = []

    def take(measure, evidence, usual=Quality.__call__):
        taken.append(evidence.samples)
        return usual(measure, evidence)

    with monkeypatch.context() as patched:
        patched.setattr(Quality, "__call__", take)
        result = genbench.run(tiny_suite("seeds=1", "train.steps=5", only=["vae"]), out=tmp_path)
    (trial,) = {r.trial for r in result.records if r.model == "vae" and r.seed == 0}
    of_run = {r.metric: r for r in result.records if r.trial == trial and r.value is not None}
    np.save(tmp_path / "vae.npy", taken[-1].numpy())
    np.save(tmp_path / "drawn.npy", genbench.sample(result.path / "trials" / trial, 100))
    scored = evaluate([tmp_path / "vae.npy", tmp_path / "drawn.npy"], "digits")
    mine = [r for r in scored if r.model == "vae" and r.metric in of_run]
    assert {r.metric for r in mine} >= {"quality.fid", "quality.recall", "modes.kl"}
    for record in mine:
        same = of_run[record.metric]
        assert record.value == same.value
        assert record.protocol.items() <= same.protocol.items()
        assert {**same.versions, "model": ""} == {**record.versions, "model": ""}
    drawn = values(scored, "drawn")["quality.fid"]  # other latents
    assert drawn == pytest.approx(of_run["quality.fid"].value, rel=0.1)
    of_real = {(r.metric, r.seed): r.value for r in result.records if r.model == "real"}
    again = {(r.metric, r.seed): r.value for r in scored if r.model == "real"}
    assert all(again[number] == of_real[number] for number in again.keys() & of_real.keys())
    assert len(again.keys() & of_real.keys()) >= 6


def test_points(tmp_path, monkeypatch):
    from genbench.data import mixtures

    monkeypatch.setitem(mixtures.POINTS, "veegan", 2000)
    monkeypatch.setattr(mixtures, "TEST_POINTS", 1000)
    ring = datasets.get("ring")(setting="veegan").load()
    np.save(tmp_path / "ring.npy", ring.train_examples[:400].astype(np.float64))
    found = evaluate([tmp_path / "ring.npy"], "ring", options={"setting": "veegan"})
    assert {r.metric.partition(".")[0] for r in found} == {
        "quality",
        "known_modes",
        "mode_share",
        "memorization",
    }
    assert {r.dataset for r in found} == {"ring-veegan"}
    assert values(found, "ring")["known_modes.covered"] == 8


@pytest.mark.run
def test_sizes_that_move_the_scores_are_told(tmp_path, digits, told):
    np.save(tmp_path / "few.npy", digits.train_examples[:60])
    np.save(tmp_path / "some.npy", digits.train_examples[:100])
    np.save(tmp_path / "many.npy", np.tile(digits.train_examples, (2, 1, 1, 1)))
    found = evaluate([tmp_path / f"{name}.npy" for name in ("few", "some", "many")], "digits", reporter=told)
    differ, controls, few, some = told.warnings
    assert "the numbers of samples differ (few 60, some 100, many 2,396)" in differ
    assert "the control rows have 1,198 samples, as many as digits has training examples" in controls
    assert "few has 60 samples, no more than there are features (64)" in few
    assert "some has 100 samples: even a perfect generator would score a Fréchet distance of about 2." in some
    assert {r.protocol.get("n_fake", 1198) for r in found if r.model == "real"} == {1198}
    assert told.begun == [
        "reading the samples",
        *(f"measuring {name}" for name in ("few", "some", "many")),
        "control rows of digits",
    ]


@pytest.mark.run
def test_enough_samples_of_one_size_are_no_warning(files, told):
    evaluate(files[:1], "digits", reporter=told)
    assert not told.warnings


@pytest.mark.run
def test_what_is_said_of_a_small_set_is_true(tmp_path, digits, told):
    """The distance told of a perfect generator is about that of fresh real images.

    These score a little less: the digits are split evenly by class and writer, not by chance.
    """
    np.save(tmp_path / "some.npy", digits.train_examples[:128])
    found = evaluate([tmp_path / "some.npy"], "digits", reporter=told)
    (warning,) = told.warnings
    said = float(warning.split("of about ")[1].split(";")[0])
    real = np.mean([r.value for r in found if (r.model, r.metric) == ("real", "quality.fid")])
    assert real < said < 2 * real


@pytest.mark.run
def test_a_measure_that_raises_costs_its_own_numbers_only(files, told, capfd, monkeypatch):
    from genbench.measures.modes import Modes

    def fail(measure, evidence):
        raise ZeroDivisionError("no classes")

    monkeypatch.setattr(Modes, "__call__", fail)
    found = evaluate(files[:1], "digits", reporter=told)
    assert values(found, "real-2")["quality.fid"] > 0
    failed = [r for r in found if r.status is Status.FAILED]
    assert {r.metric for r in failed} == {"modes.covered", "modes.entropy", "modes.kl"}
    assert all(r.reason == "ZeroDivisionError: no classes" for r in failed)
    assert any("measure Modes failed: ZeroDivisionError: no classes" in text for text in told.warnings)
    assert "Traceback" not in "".join(capfd.readouterr())


def test_nothing_is_measured_where_one_file_is_wrong(files, tmp_path, told):
    with pytest.raises(DataError, match=r"nothing.npy"):
        evaluate([*files, tmp_path / "nothing.npy"], "digits", value_range=(0, 1), reporter=told)
    assert told.begun == ["reading the samples"]


def test_wrong_arguments(files):
    with pytest.raises(DataError, match="no samples were given"):
        evaluate([], "digits")
    with pytest.raises(UnknownName, match=r"unknown dataset 'digtis'. Did you mean 'digits'"):
        evaluate(files, "digtis")
    with pytest.raises(SuiteError, match=r"ring.seting: unknown option 'seting'. Did you mean 'setting'"):
        evaluate(files, "ring", options={"seting": "veegan"})
    with pytest.raises(DataError, match=r"floats.npz holds float32 .* --range 0:1"):
        evaluate(files, "digits")


@pytest.mark.run
def test_by_default_only_warnings_are_printed(files, tmp_path, digits, capfd):
    np.save(tmp_path / "few.npy", digits.train_examples[:60])
    evaluate([tmp_path / "few.npy"], "digits")
    out, err = capfd.readouterr()
    assert out == "" and err.startswith("warning: few has 60 samples")


PEAK = """
import sys
from pathlib import Path
from genbench.runner import control_rows
from genbench.runner.scoring import evaluate

control_rows.CONTROL_SEEDS = 1
evaluate([sys.argv[1]], "digits", value_range=(0, float(sys.argv[2])), device="cpu")
(peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) << 10)
"""

# What is freed goes back to the system at once. By default glibc keeps freed memory, up to 50 MB more or less
# of it from one execution to the next, which is as much as what is to be seen here.
GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": str(128 << 10), "MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"}


@pytest.mark.run
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system tells no peak memory")
def test_samples_need_not_fit_in_memory(tmp_path):
    """The same 20,000 images as numbers of 8 bytes (125 MB) take no more memory than as bytes (16 MB).

    Features and what measures keep of each sample are the same for both, so all that differs is what is held
    of the file: slices. Measured: 0.4 MB; with the file read at once, 259 MB.
    """
    images = np.random.default_rng(0).integers(0, 256, (20_000, 28, 28)).astype(np.uint8)
    np.save(tmp_path / "bytes.npy", images)
    np.save(tmp_path / "numbers.npy", images / 255)
    peaks = {}
    for name, highest in {"bytes": 255, "numbers": 1}.items():
        command = [sys.executable, "-c", PEAK, tmp_path / f"{name}.npy", str(highest)]
        done = subprocess.run(command, check=True, capture_output=True, env=os.environ | GIVE_BACK)
        peaks[name] = int(done.stdout)
    assert peaks["numbers"] - peaks["bytes"] < 40e6, peaks
