import numpy as np
import pytest
import torch

from genbench.core.errors import PluginError, UnknownName
from genbench.core.record import EXPLAINERS
from genbench.measures import attribution
from genbench.measures.attribution import attribute, superpixels, without_captum
from genbench.metrics.attribution import completeness_error, exact_shapley

BY_CAPTUM = [name for name in EXPLAINERS if name != "random-map"]
SUPERPIXELS = ["kernel-shap", "lime", "ablation"]


@pytest.fixture(autouse=True)
def captum():
    pytest.importorskip("captum", reason="maps of attribution need captum: pip install 'genbench[explain]'")


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def network(*shape, scale=1.0):
    """A small network with kinks."""
    size = int(np.prod(shape))
    first, last = drawn(size, 12, seed=5) / size**0.5, drawn(12, seed=6)
    return lambda x: scale * (torch.nn.functional.leaky_relu(x.flatten(1) @ first, 0.2) @ last)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 30), (1, 2, 4)])
def test_superpixels(shape):
    cells = superpixels(shape)
    assert cells.shape == shape
    assert cells.dtype == torch.int64
    across, down = min(7, shape[2]), min(7, shape[1])
    pixels = torch.bincount(cells.flatten())
    assert len(pixels) == across * down
    assert (pixels > 0).all()
    assert (cells == cells[:1]).all()
    if shape == (1, 28, 28):
        assert (pixels == 16).all()
        assert (cells[0, 4:8, 20:24] == 12).all()


@pytest.mark.parametrize("method", EXPLAINERS)
def test_a_linear_score_is_shared_out(method):
    """Each superpixel has w (x - b), in the mean over its pixels where only superpixels are seen."""
    w, x, b = drawn(2, 8, 8), drawn(2, 2, 8, 8, seed=1), drawn(2, 8, 8, seed=2)

    def f(z):
        return (z * w).sum((1, 2, 3)) + 3

    a = attribute(method, f, x, b, seed=0, samples=800)
    assert a.shape == x.shape
    assert not a.requires_grad
    exact = w * (x - b)
    if method == "saliency":
        assert torch.allclose(a, w.abs().expand_as(a))
        return
    if method == "random-map":
        assert torch.allclose(a.sum((1, 2, 3)), exact.sum((1, 2, 3)), rtol=1e-4)
        return
    cells = superpixels((2, 8, 8))
    for cell in range(49):
        parts, wanted = a[:, cells == cell], exact[:, cells == cell]
        # the penalty shrinks; the ends weigh a million times as much, which costs digits of float32
        near = {"lime": 0.2, "kernel-shap": 1e-2}.get(method, 1e-4)
        assert torch.allclose(parts.sum(1), wanted.sum(1), atol=near)
        if method in SUPERPIXELS:
            assert torch.allclose(parts, parts[:, :1].expand_as(parts))


def test_integrated_gradients_are_complete():
    f, x, b = network(1, 28, 28), drawn(6, 1, 28, 28, seed=3).abs(), torch.zeros(1, 28, 28)
    a = attribute("integrated-gradients", f, x, b, seed=0)
    assert float(completeness_error(a, f(x) - f(b[None])).max()) < 1e-2


def test_a_rough_score_gets_more_steps():
    calls = []

    def f(x):
        calls.append(len(x))
        return torch.sigmoid(200 * (x.mean((1, 2, 3)) - 0.371))

    x, b = torch.ones(1, 1, 4, 4), torch.zeros(1, 4, 4)
    attribute("integrated-gradients", f, x, b, seed=0)
    assert max(calls) == 256


def test_kernel_shap_nears_exact_values():
    f, x, b = network(1, 2, 4), drawn(1, 1, 2, 4, seed=3), torch.zeros(1, 2, 4)
    a = attribute("kernel-shap", f, x, b, seed=1, samples=1000).flatten()
    exact = exact_shapley(lambda z: f(z.view(-1, 1, 2, 4)), x.flatten(), b.flatten())
    assert float((a - exact).norm() / exact.norm()) < 0.05
    assert float(a.sum()) == pytest.approx(float(exact.sum()), abs=1e-4)


def test_scores_of_any_scale_are_explained_alike():
    """With captum's own surrogate, Lasso at a fixed penalty, a small score has a map of zeros."""
    x, b = drawn(1, 1, 8, 8, seed=3), torch.zeros(1, 8, 8)
    whole, tiny = (attribute("lime", network(1, 8, 8, scale=s), x, b, seed=0) for s in (1.0, 1e-4))
    assert float(tiny.abs().max()) > 0
    assert torch.allclose(tiny * 1e4, whole, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("method", EXPLAINERS)
def test_a_constant_score_has_a_map_of_zeros(method):
    a = attribute(method, lambda x: x.sum((1, 2, 3)) * 0 + 2, drawn(2, 1, 4, 4), torch.zeros(1, 4, 4), seed=0)
    assert float(a.abs().max()) < 1e-6


@pytest.mark.parametrize("method", EXPLAINERS)
def test_a_score_that_is_not_finite_has_a_map_that_is_not(method):
    a = attribute(
        method, lambda x: x.log().sum((1, 2, 3)), torch.zeros(2, 1, 4, 4), torch.zeros(1, 4, 4), seed=0
    )
    assert a.shape == (2, 1, 4, 4)
    assert not a.isfinite().any()


@pytest.mark.parametrize("method", ["integrated-gradients", "kernel-shap", "lime"])
def test_a_score_that_is_not_finite_on_the_way_has_no_map(method):
    def f(x):
        s = x.sum((1, 2, 3))
        return s * ((s - 8).abs() - 7).sqrt()  # a number near both ends

    a = attribute(method, f, torch.ones(1, 1, 4, 4), torch.zeros(1, 4, 4), seed=0)
    assert a.isnan().all()


@pytest.mark.parametrize("method", EXPLAINERS)
def test_the_same_seed_gives_the_same_bits_and_nothing_else_changes(method):
    f, x, b = network(1, 8, 8), drawn(2, 1, 8, 8, seed=3), torch.zeros(1, 8, 8)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = attribute(method, f, x, b, seed=0, samples=60)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(99)
        assert torch.equal(attribute(method, f, x, b, seed=0, samples=60), first)
    drawn_at_random = method in ("kernel-shap", "lime", "random-map")
    assert torch.equal(attribute(method, f, x, b, seed=1, samples=60), first) != drawn_at_random
    assert not x.requires_grad


def test_gradients_are_had_where_nobody_records_them():
    f, x, b = network(1, 4, 4), drawn(2, 1, 4, 4), torch.zeros(1, 4, 4)
    for method in ("integrated-gradients", "saliency"):
        expected = attribute(method, f, x, b, seed=0)
        with torch.no_grad():
            assert torch.equal(attribute(method, f, x, b, seed=0), expected)


@pytest.mark.parametrize("method", EXPLAINERS)
def test_a_score_must_be_a_number_an_image(method):
    x, b = drawn(2, 1, 4, 4), torch.zeros(1, 4, 4)
    with pytest.raises(ValueError, match=r"must have shape \(\d+,\).* it has \(\d+, 1\)"):
        attribute(method, lambda z: z.sum((1, 2, 3))[:, None], x, b, seed=0)


def test_what_cannot_be_explained():
    x, b = drawn(2, 1, 4, 4), torch.zeros(1, 4, 4)
    with pytest.raises(UnknownName, match="lime"):
        attribute("limes", network(1, 4, 4), x, b, seed=0)
    for bad in (x[0], x[:0]):
        with pytest.raises(ValueError, match="N at least 1"):
            attribute("lime", network(1, 4, 4), bad, b, seed=0)
    with pytest.raises(ValueError, match="N at least 1"):
        attribute("lime", network(1, 4, 4), x, x, seed=0)


def test_without_captum(monkeypatch):
    assert without_captum() == ""
    monkeypatch.setattr(attribution.importlib.util, "find_spec", lambda name: None)
    x, b = drawn(1, 1, 4, 4), torch.zeros(1, 4, 4)
    for method in BY_CAPTUM:
        with pytest.raises(PluginError, match=r"pip install 'genbench\[explain\]'"):
            attribute(method, network(1, 4, 4), x, b, seed=0)
    assert attribute("random-map", network(1, 4, 4), x, b, seed=0).shape == x.shape
