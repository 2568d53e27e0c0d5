import math
import re

import numpy as np
import pytest
import torch

import genbench
from genbench.core.datainfo import DataInfo
from genbench.core.errors import PluginError
from genbench.core.record import Better, Column
from genbench.core.registry import measures
from genbench.data.dataset import Dataset
from genbench.measures.evidence import Evidence, Final, Predictive, Reference
from genbench.measures.from_function import metric

NONE = np.zeros(0, dtype=np.int64)


@pytest.fixture(autouse=True)
def _forgotten():
    """What a test registers is gone after it."""
    yield
    for name in [name for name in measures._things if not measures.is_builtin(name)]:
        del measures._things[name], measures._origins[name]


@pytest.fixture
def evidence():
    """Of images or points without labels: no extractor can be had for the images."""

    def make(shape=(1, 4, 4), n=6):
        random = np.random.default_rng(0)
        images = len(shape) == 3
        data = (
            random.integers(0, 256, (30, *shape), dtype=np.uint8)
            if images
            else random.normal(size=(30, *shape)).astype(np.float32)
        )
        reference = Reference(
            Dataset(DataInfo("mine", shape), data[:20], NONE, data[20:], NONE, ""), torch.device("cpu")
        )
        return Evidence(reference, torch.from_numpy(data[:n].copy()))

    return make


def take(name, evidence):
    (reading,) = measures.get(name)()(evidence)
    return reading


def test_a_function_is_a_measure_of_its_name(evidence):
    @metric("mine.sharpness", unit="px", better="higher", low=0.0, meaning="how sharp", version="3")
    def sharpness(samples):
        """Unused first line."""
        return samples.diff(dim=-1).abs().mean()

    images = evidence()
    reading = take("mine.sharpness", images)
    assert reading.value == pytest.approx((images.samples.float() / 255).diff(dim=-1).abs().mean().item())
    assert reading.column == Column("mine.sharpness", "px", Better.HIGHER, "3", "how sharp", 0.0, None)
    assert reading.n == 6
    assert reading.versions == {"metric": "3", "data": images.reference.dataset.hash}
    assert reading.protocol == {"n_fake": 6}
    measure = measures.get("mine.sharpness")()
    assert not measure.per_cohort
    assert not isinstance(measure, Final | Predictive)
    assert type(measure).__name__ == "mine.sharpness"  # as a run's messages call it
    assert sharpness(torch.eye(3)[None, None]) > 0  # the function stays one


def test_it_is_given_what_it_asks_for_by_name(evidence):
    seen = {}

    @metric("mine.all", better="neither")
    def everything(reference_features, samples, reference, sample_features, k=5):
        """The first line is what it means.

        Not this.
        """
        seen.update(locals())
        return np.float32(k)

    points = evidence((2,))
    reading = take("mine.all", points)
    assert reading.value == 5.0
    assert reading.column.meaning == "The first line is what it means"
    assert torch.equal(seen["samples"], points.samples)
    assert torch.equal(seen["reference"], torch.from_numpy(points.reference.dataset.test_examples))
    assert torch.equal(seen["sample_features"], points.features.values)
    assert torch.equal(seen["reference_features"], points.reference.features.values)
    assert reading.protocol == {"n_fake": 6, "n_real": 10, "reference": "test", "extractor": "coordinates"}
    assert set(reading.versions) == {"metric", "data", "features"}


def test_images_are_floats_from_0_to_1(evidence):
    @metric("mine.range", better="neither")
    def range_(samples, reference):
        assert samples.dtype == reference.dtype == torch.float32
        return torch.stack([samples.max(), reference.max()]).max() * 255

    images = evidence()
    most = max(int(images.samples.max()), int(images.reference.dataset.test_examples.max()))
    assert take("mine.range", images).value == pytest.approx(most)


@pytest.mark.parametrize("shape", [(2,), (1, 4, 4)])
def test_what_it_changes_nobody_else_sees(evidence, shape):
    @metric("mine.rude", better="lower")
    def rude(samples, reference):
        samples.zero_()
        reference.zero_()
        return 0

    given = evidence(shape)
    before = given.samples.clone(), given.reference.dataset.hash
    take("mine.rude", given)
    assert torch.equal(given.samples, before[0])
    assert given.reference.dataset.hash == before[1]


@pytest.mark.parametrize(
    ("made", "value", "reason"),
    [
        (3, 3.0, ""),
        (np.array([2.5]), 2.5, ""),
        (torch.tensor(1.5, requires_grad=True), 1.5, ""),
        (math.nan, None, "mine.is is nan for these samples."),
        (torch.tensor(torch.inf), None, "mine.is is inf for these samples."),
        (ValueError("needs two samples."), None, "needs two samples."),
        (ValueError(), None, "It cannot be computed for these samples."),
    ],
)
def test_a_number_or_a_dash_with_its_reason(evidence, made, value, reason):
    @metric("mine.is", better="lower")
    def it_is(samples):
        if isinstance(made, Exception):
            raise made
        return made

    reading = take("mine.is", evidence())
    assert (reading.value, reading.reason, reading.n) == (value, reason, 0 if reason else 6)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ([1.0], "mine.is returned list, expected one number"),
        (None, "returned NoneType"),
        ("1", "returned str"),
        (torch.zeros(3), r"returned Tensor of shape \(3,\)"),
    ],
)
def test_what_is_no_number_is_a_failure(evidence, made, said):
    @metric("mine.is", better="lower")
    def it_is(samples):
        return made

    with pytest.raises(TypeError, match=said):
        take("mine.is", evidence())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sharpness", "needs a name of two parts"),
        ("mine.sharp.ness", "needs a name of two parts"),
        ("mine.sharp ness", "needs a name of two parts"),
        (".sharpness", "needs a name of two parts"),
        (
            "quality.sharpness",
            "genbench's own (genbench.measures.quality). Take a family of your own, such as 'my_q",
        ),
        ("cost.of_mine", "genbench's own (every run)"),
        ("mode_share.3", "needs a name of two parts"),
        ("mode_share.x", "genbench's own (modes)"),
        ("mine." + "x" * 60, "cannot be the name of a measure"),
    ],
)
def test_names_that_a_metric_cannot_have(name, said):
    with pytest.raises(PluginError, match=re.escape(said)):
        metric(name, better="lower")(lambda samples: 0.0)


def test_a_name_taken_by_another_names_both():
    @metric("mine.sharpness", better="lower")
    def one(samples): ...

    with pytest.raises(PluginError, match=r"two things as measure 'mine.sharpness': .*one and .*two"):

        @metric("mine.sharpness", better="lower")
        def two(samples): ...


@pytest.mark.parametrize(
    ("function", "options", "said"),
    [
        (lambda sample: 0, {}, "unknown parameter 'sample'. Did you mean 'samples'?"),
        (lambda reference: 0, {}, "asks for nothing that a model made"),
        (lambda: 0, {}, "asks for nothing that a model made"),
        (lambda *samples: 0, {}, "asks for *samples: unknown parameter"),
        (lambda samples: 0, {"better": "up"}, "unknown direction 'up'"),
        (lambda samples: 0, {"low": 1.0, "high": 0.0}, "empty range: low is 1 and high 0"),
    ],
)
def test_functions_that_are_no_metric(function, options, said):
    with pytest.raises(PluginError, match=re.escape(said)):
        metric("mine.thing", **{"better": "lower", **options})(function)
    assert "mine.thing" not in measures.names()


def test_it_is_exported():
    assert genbench.metric is metric
