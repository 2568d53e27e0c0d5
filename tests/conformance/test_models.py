"""What every registered model must do, whoever wrote it. Networks are narrow; nothing else is changed."""

import warnings

import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.errors import GenbenchWarning
from genbench.core.registry import models
from genbench.runner.check.finding import Outcome
from genbench.runner.check.model import CHECKS, COMPILED, examine
from genbench.runner.check.model_declared import built as built_with_defaults
from genbench.runner.check.model_declared import declared
from genbench.runner.check.model_samples import LARGE, scaled_samples
from genbench.runner.check.model_training import goes_on
from genbench.runner.check.subject import Subject
from genbench.train import program
from genbench.train.device import compiler_missing
from genbench.train.streams import BLOCK

CPU = torch.device("cpu")
SEEDS = (1, 2, 3)
OFFERED = ("judge", "encode", "bound")
"""Checks of what a model need not have."""

START, END = BLOCK - 6, BLOCK + 6
"""Twelve steps whose inputs are drawn in two blocks."""

BUILT = [
    *((name, "mlp") for name in models.names()),
    pytest.param(("gan", "tanh_mlp"), marks=pytest.mark.run),
    *(pytest.param((name, "conv"), marks=pytest.mark.run) for name in models.names()),
]
"""Every model on every backbone."""


@pytest.fixture(scope="module", params=BUILT, ids="-".join)
def built(request):
    return request.param


@pytest.fixture(scope="module")
def subjects(small, built):
    """The model on data of each kind that it takes, for the checks that `genbench check` makes."""
    name, backbone = built
    model = small(name, backbone=backbone)
    points = [] if backbone == "conv" else [DataInfo("points", (2,))]
    return [
        Subject(model, data)
        for data in (DataInfo("images", (1, 12, 12)), DataInfo("colour images", (3, 8, 8)), *points)
    ]


def held(check, subjects):
    """What a check found, told as `genbench check` tells it where it does not hold."""
    (finding,) = examine(subjects, [check])
    assert finding.outcome is not Outcome.FAILED, f"{finding.words}. {finding.remedy}"
    return finding.outcome


@pytest.mark.parametrize("name", models.names())
def test_what_a_model_says_of_itself(name):
    assert declared(models.get(name))
    assert built_with_defaults(name, models.get(name), {})


@pytest.mark.parametrize("check", [c for c in CHECKS if c.name != "captured"], ids=lambda check: check.name)
def test_a_check_holds(check, subjects):
    assert held(check, subjects) is Outcome.PASSED or check.name in OFFERED


@pytest.mark.run
@pytest.mark.parametrize("check", [c for c in CHECKS if c.name == "captured"], ids=lambda check: check.name)
def test_it_is_captured_whole(check, subjects):
    assert held(check, subjects) is Outcome.PASSED


@pytest.mark.run
@pytest.mark.skipif(bool(compiler_missing(CPU)), reason="no compiler here")
@pytest.mark.parametrize(
    "built",
    [*((name, "mlp") for name in models.names()), ("gan", "conv"), ("vae", "conv")],
    ids="-".join,
    indirect=True,
)
def test_compiled_is_eager(subjects):
    """A backbone is compiled with one judge and with one encoder: the losses are those of the others."""
    assert held(COMPILED, subjects) is Outcome.PASSED


def test_both_ends_of_grey_can_be_reached_and_points_end_nowhere(subjects):
    for subject in subjects:
        highest = scaled_samples(subject, LARGE).abs().max()
        assert 0.9 < highest <= 1 if subject.data.is_image else highest > 10


@pytest.mark.run
def test_saved_loaded_and_continued_is_straight_on_in_float32(subjects):
    assert goes_on(subjects[0], torch.float32)


@pytest.mark.run
@pytest.mark.skipif(bool(compiler_missing(CPU)), reason="no compiler here")
@pytest.mark.parametrize("name", ["wgan", "vae"])
def test_compiled_bfloat16_is_close_to_eager_bfloat16(small, fit, name):
    def run(compile_):
        with warnings.catch_warnings():
            warnings.simplefilter("error", GenbenchWarning)  # a compiler that fails is only warned of
            return fit(
                small(name),
                END,
                SEEDS,
                start=START,
                master=torch.float32,
                compute=torch.bfloat16,
                compile=compile_,
            )

    program.forget_programs()
    compiled, eager = run("always"), run("never")
    assert compiled.program.compiled
    assert compiled.diverged == [None] * 3
    for (_, logs), (_, expected) in zip(compiled.curves, eager.curves, strict=True):
        for key, values in expected.items():
            assert logs[key] == pytest.approx(values, rel=0.05, abs=0.05), key
