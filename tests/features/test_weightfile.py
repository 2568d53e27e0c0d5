import pytest
import torch
from torch import nn

from genbench.core.errors import DataError
from genbench.features.weightfile import load, save, weight_hash


def test_what_is_saved_is_loaded(tmp_path):
    network, other = nn.Linear(3, 2), nn.Linear(3, 2)
    digest = save(network, tmp_path / "a" / "w.safetensors", {"made": "here"})
    assert load(other, tmp_path / "a" / "w.safetensors", expect=digest) == digest
    assert torch.equal(network.weight, other.weight)


def test_the_hash_is_of_the_tensors_and_of_nothing_else(tmp_path):
    network = nn.Linear(3, 2)
    one = save(network, tmp_path / "one", {"accuracy": "0.5", "data": "x", "recipe": "1"})
    assert one == save(network, tmp_path / "two", {})
    tensors = network.state_dict()
    assert weight_hash(dict(reversed(tensors.items()))) == one
    assert weight_hash({**tensors, "bias": tensors["bias"].double()}) != one
    assert weight_hash({**tensors, "weight": tensors["weight"].reshape(3, 2)}) != one
    assert weight_hash({**tensors, "bias": torch.nextafter(tensors["bias"], torch.tensor(9.0))}) != one


def test_weights_of_another_network(tmp_path):
    save(nn.Linear(3, 2), tmp_path / "w", {})
    with pytest.raises(DataError, match="of another network"):
        load(nn.Linear(4, 2), tmp_path / "w")
