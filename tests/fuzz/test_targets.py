"""The fuzz targets on a few hundred inputs each, on those that once broke something, and under atheris."""

import base64
import importlib
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FUZZ = Path(__file__).parents[2] / "fuzz"
TARGETS = sorted(path.stem.removeprefix("fuzz_") for path in FUZZ.glob("fuzz_*.py"))

BROKE = {
    # the list of members of an archive has a name that is not in the encoding that it says
    "samples": base64.b64decode(
        "AQIBUEsDBBQAAAAIAMqKdV1TeyB8SQAAAIQAAAALAAAAc2FtcGxlcy7/////////////////bnB5m+wX6hsQychQAAAAAAAAAACkbqWg"
        "/////yopBK8Z5mYCbXRDQ/xdyRThQkC+UIyYUEsBAi4DLgAACAwAyop1XU+kPBJ0AAAAkAAAAAsAAAAAAAAAAAAAAIABAAAArqOgbXBs"
        "ZXMubjB5UEsFBgAAAAABAAEAOQAAAHIAAAAAAA=="
    ),
    # whole numbers of thousands of digits: no TOMLDecodeError, and no number that can be printed
    "suite": b"\0\0\0a = " + b"9" * 5000,
}


@cache
def target(name):
    module = importlib.import_module(f"fuzz_{name}")
    return module.one_input, tuple(module.seeds())


def test_there_are_targets():
    assert {"checkpoint", "idx", "images", "records", "samples", "suite"} <= set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_seeds_are_told_or_harmless(name):
    one_input, seeds = target(name)

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(seeds) - 1), st.binary(max_size=12), st.integers(0, 400), st.integers(0, 12))
    def check(number, stretch, at, gone):
        seed = seeds[number]
        one_input(seed[:at] + stretch + seed[at + gone :])

    check()


@pytest.mark.parametrize("name", BROKE)
def test_what_broke_once(name):
    target(name)[0](BROKE[name])


def test_a_target_notices_what_breaks(monkeypatch):
    """An error that is not genbench's own, of whatever line, comes through."""
    import fuzz_idx

    def breaks(path, **options):
        raise KeyError(path)

    monkeypatch.setattr(fuzz_idx, "read_idx", breaks)
    with pytest.raises(KeyError):
        fuzz_idx.one_input(b"")


@pytest.mark.run
@pytest.mark.timeout(300)
def test_atheris_runs_a_target(tmp_path):
    pytest.importorskip("atheris", reason="atheris (the extra `fuzz`) is not installed")
    done = subprocess.run(
        [sys.executable, str(FUZZ / "run.py"), "curves", "--runs", "3000"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "curves: 3,000 executions" in done.stdout
    assert "nothing broke" in done.stdout
