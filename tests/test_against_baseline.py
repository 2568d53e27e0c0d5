"""Benchmarks against saved ones: what is timed beside what, and what is worse."""

import json
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(
    not (ROOT / "benchmarks").is_dir(), reason="the source tree is not there, and benchmarks are only in it"
)


def content(device="cpu", precision="bfloat16", **normalized):
    """A file as pytest-benchmark writes it."""
    about = {"device": device, "precision": precision, "torch": "2.13.0", "normalized_rounds": [1.0] * 5}
    benchmarks = [
        {"name": f"test_{name}", "stats": {"data": [0.5] * 5}, "extra_info": {**about, "normalized": value}}
        for name, value in normalized.items()
    ]
    return {
        "machine_info": {"node": "secret", "cpu": {"brand_raw": "EPYC", "count": 2, "flags": ["avx"]}},
        "commit_info": {"id": "ab12cd3e", "dirty": True, "project": "x"},
        "datetime": "2026-08-14T10:15:00Z",
        "version": "5.3.1",
        "benchmarks": benchmarks,
    }


@pytest.fixture
def file(tmp_path):
    def write(name="new.json", **arguments):
        path = tmp_path / name
        path.write_text(json.dumps(content(**arguments)))
        return path

    return write


@pytest.fixture
def command(capsys):
    def call(*arguments):
        from against_baseline import main

        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.mark.parametrize(
    ("now", "margin", "verdict", "code"),
    [
        (10.0, 0.2, "same", 0),
        (11.9, 0.2, "same", 0),
        (12.1, 0.2, "WORSE", 1),
        (12.1, 0.25, "same", 0),
        (8.4, 0.2, "same", 0),
        (8.3, 0.2, "better", 0),
        (1e3, 0.2, "WORSE", 1),
    ],
)
def test_the_margin_decides(file, command, now, margin, verdict, code):
    old, new = file("old.json", a=10.0, b=1.0), file(a=now, b=1.0)
    done, out, err = command(new, "--baseline", old, "--margin", margin)
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line}
    assert rows["a"] == ["10", f"{now:.4g}", f"{now / 10:.2f}", verdict]
    assert rows["b"] == ["1", "1", "1.00", "same"]
    assert (done, err) == (code, "")
    assert f"{'1' if code else 'None'} of 2 took more than {margin:.0%} longer" in out


def test_what_only_one_side_has_is_told_and_not_judged(file, command):
    code, out, _ = command(file(a=10.0, new=3.0), "--baseline", file("old.json", a=10.0, old=2.0))
    assert code == 0 and "None of 1 took" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["old", "2", "not", "run"] in rows and ["new", "3", "new"] in rows


def test_another_precision_or_device_is_not_compared(file, command):
    for change in ({"precision": "float32"}, {"device": "cuda"}):
        code, out, err = command(file(a=99.0, **change), "--baseline", file("old.json", a=1.0))
        assert code == 2 and "not comparable" in out and "nothing was compared" in err


def test_of_several_files_the_median_counts(file, command):
    old = file("old.json", a=10.0)
    files = [file(f"{number}.json", a=value) for number, value in enumerate((30.0, 10.5, 11.0))]
    assert command(files[0], "--baseline", old)[0] == 1
    code, out, _ = command(*files, "--baseline", old)
    assert code == 0 and "3 runs" in out and "11   1.10  same" in out
    mixed = file("other.json", a=10.0, precision="float32")
    code, _, err = command(files[0], mixed, "--baseline", old)
    assert code == 2 and "test_a was run in bfloat16 on cpu and in float32 on cpu" in err


def test_what_is_saved_is_small_and_compares_as_its_runs_do(file, command, tmp_path):
    baseline = tmp_path / "performance" / "benchmarks.json"
    runs = [file(f"{number}.json", a=value, b=2.0) for number, value in enumerate((12.0, 10.0, 11.0))]
    assert command(*runs, "--save", "--baseline", baseline)[0] == 0
    text = baseline.read_text()
    assert not any(word in text for word in ("secret", '"data"', "rounds", "flags"))
    kept = json.loads(text)
    assert kept["machine_info"] == {"cpu": {"brand_raw": "EPYC", "count": 2}}
    assert kept["commit_info"] == {"id": "ab12cd3e", "dirty": True}
    a = kept["benchmarks"][0]
    assert a["name"] == "test_a" and "stats" not in a and "normalized_rounds" not in a["extra_info"]
    span = {"normalized": 11.0, "files": 3, "lowest": 10.0, "highest": 12.0}
    assert span.items() <= a["extra_info"].items()
    code, out, _ = command(*runs, "--baseline", baseline)
    assert code == 0 and "baseline: EPYC, PyTorch 2.13.0, commit ab12cd3-dirty, 3 runs" in out


def test_the_table_fits_a_terminal(file, command):
    name = "steps[" + "a-very-long-name" * 4 + "]"
    _, out, _ = command(file(**{name: 1234567.8}), "--baseline", file("old.json", **{name: 0.000123456}))
    assert max(map(len, out.splitlines())) <= 80
    _, out, _ = command(
        file(precision="float32", **{name: 1.0}, b=1.0), "--baseline", file("old.json", **{name: 1.0})
    )
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot read"),
        ("{", "is no file of benchmarks"),
        ("[]", "is no file of benchmarks"),
        ("{}", "is no file of benchmarks"),
        ('{"benchmarks": [3]}', "is no file of benchmarks"),
        ('{"benchmarks": [{"name": "a", "extra_info": 3}]}', "is no file of benchmarks"),
        ('{"benchmarks": []}', "has no benchmark in it"),
        ('{"benchmarks": [{"name": "a", "extra_info": {}}]}', "a has the normalized value None"),
        ('{"benchmarks": [{"name": "a", "extra_info": {"normalized": NaN}}]}', "normalized value nan"),
        ('{"benchmarks": [{"name": "a", "extra_info": {"normalized": 0}}]}', "normalized value 0"),
        ('{"benchmarks": [{"name": "a", "extra_info": {"normalized": "1"}}]}', "normalized value '1'"),
    ],
)
def test_a_file_that_is_none_exits_2(file, command, tmp_path, text, says):
    bad, good = tmp_path / "bad.json", file(a=1.0)
    if text is not None:
        bad.write_text(text)
    for arguments in ((bad, "--baseline", good), (good, "--baseline", bad)):
        code, out, err = command(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith("error: ") and says in err and "--benchmark-json=FILE" in err


@pytest.mark.parametrize("margin", ["0", "-1", "nan", "inf", "x"])
def test_a_margin_that_is_none_is_wrong_usage(file, command, margin):
    with pytest.raises(SystemExit) as left:
        command(file(a=1.0), "--margin", margin)
    assert left.value.code == 2


def test_the_saved_baseline_is_small_and_can_be_read():
    from against_baseline import BASELINE, read

    benchmarks, about = read(BASELINE)
    assert {"test_features", "test_steps[mlp-gan-5-auto]"} <= benchmarks.keys()
    assert all(each.about["files"] >= 5 for each in benchmarks.values())
    assert "node" not in about["machine_info"] and BASELINE.stat().st_size < 20_000


def test_each_round_is_held_against_the_products_around_it():
    from beside import in_products

    assert in_products([3.0, 8.0], [1.0, 2.0, 6.0]) == [2.0, 2.0]


def test_a_round_that_does_twice_as_much_takes_twice_as_many_products(monkeypatch):
    import beside
    import torch

    def pedantic(target, *, setup, rounds):
        for _ in range(rounds):
            setup()
            target()

    monkeypatch.setattr(beside, "SIZE", {"cpu": 256})
    a = torch.randn(256, 256)
    out = torch.empty_like(a)

    def normalized(times):
        def call():
            for _ in range(times):
                torch.mm(a, a, out=out)

        cpu = torch.device("cpu")
        seconds, gflop = beside.rounds_in_products(pedantic, call, cpu, torch.float32, rounds=9)
        assert len(seconds) == len(gflop) == 9 and min(seconds) > 0
        return statistics.median(gflop)

    one = 2 * 256**3 / 1e9
    assert 5 * one < normalized(10) < 20 * one
    assert 10 * one < normalized(20) < 40 * one
