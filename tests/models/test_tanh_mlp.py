"""The smooth backbone: its shapes, its options, and second derivatives everywhere."""

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import nn
from torch.func import functional_call, hessian

from genbench.models.backbone import Backbone
from genbench.models.tanh_mlp import TanhMLP


def test_widths():
    backbone = TanhMLP(hidden=(5, 6))
    decoder, encoder = backbone.decoder(2, (3, 4)), backbone.encoder((3, 4), 7)
    assert decoder(torch.zeros(9, 2)).shape == (9, 3, 4)
    assert encoder(torch.zeros(9, 3, 4)).shape == (9, 7)
    for network, expected in ((decoder, [(2, 5), (5, 6), (6, 12)]), (encoder, [(12, 5), (5, 6), (6, 7)])):
        linear = [m for m in network.modules() if isinstance(m, nn.Linear)]
        assert [(m.in_features, m.out_features) for m in linear] == expected
        assert sum(isinstance(m, nn.Tanh) for m in network.modules()) == 2


def test_a_suite_can_name_it():
    adapter = TypeAdapter(Backbone)
    assert adapter.validate_python({"name": "tanh_mlp", "hidden": [8]}) == TanhMLP(hidden=(8,))
    with pytest.raises(ValidationError, match="batch_norm"):
        adapter.validate_python({"name": "tanh_mlp", "hidden": [8], "batch_norm": True})
    assert TanhMLP().batch_norm is False


def test_its_curvature_is_not_zero():
    """That of a ReLU network in its input is, almost everywhere."""
    network = TanhMLP(hidden=(4,)).encoder((2,), 1)
    curvature = hessian(lambda x: functional_call(network, dict(network.named_parameters()), (x,)).sum())(
        torch.ones(1, 2)
    )
    assert curvature.abs().max() > 0
