import json
import math
from dataclasses import asdict, replace

import pytest
import torch
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from genbench.core.datainfo import DataInfo
from genbench.core.errors import CheckpointError, OutputError
from genbench.models.optim import SGD
from genbench.train.checkpoint import FORMAT, Header, load, save_lane, write
from genbench.train.state import initial_state

CPU = torch.device("cpu")
FLIP = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255))
"""Where in a file, and which bits."""

HEADER = Header(
    model="gan",
    label="gan, wide",
    options={"latent": 2, "generator": {"hidden": [3], "batch_norm": True}},
    data=DataInfo("tiny", (1, 2, 2), ("zero", "one")),
    seed=7,
    step=5,
    precision="float32",
    trial="0123456789ab",
    code="0.1.0",
)


@pytest.fixture
def state(small):
    """Two lanes of a small GAN whose numbers are all different."""
    from genbench.models.mlp import MLP

    model = small("gan", latent=2, generator=MLP(hidden=(3,), batch_norm=True), discriminator_optimizer=SGD())
    state = initial_state(model, HEADER.data, [1, 2], device=CPU)
    state.step = HEADER.step
    torch.manual_seed(0)
    for tree in (state.params, state.buffers, state.slots):
        for tensors in tree.values():
            for tensor in tensors.values():
                tensor.normal_()
    return state


@pytest.fixture
def saved(tmp_path, state):
    path = tmp_path / "checkpoint.safetensors"
    save_lane(path, HEADER, state, 1)
    return path


def refuse(path, *others, match=None):
    """Loading fails with the path and a reason, and with nothing but a CheckpointError."""
    with pytest.raises(CheckpointError, match=match) as caught:
        load([*others, path], device=CPU)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) > len(str(path)) + 10


def test_what_is_read_is_what_was_written(tmp_path, state, flat):
    paths = [tmp_path / "a" / "b" / f"{lane}.safetensors" for lane in (0, 1)]
    headers = [replace(HEADER, seed=seed) for seed in (1, 2)]
    for lane, (path, header) in enumerate(zip(paths, headers, strict=True)):
        save_lane(path, header, state, lane)
    read_headers, read = load(paths, device=CPU)
    assert read_headers == headers
    assert read.step == HEADER.step
    assert read.lanes == 2
    assert flat(read).keys() == flat(state).keys()
    for name, tensor in flat(state).items():
        assert torch.equal(flat(read)[name], tensor), name
        assert flat(read)[name].dtype == tensor.dtype
    for kind in ("params", "buffers", "slots"):
        was, now = getattr(state, kind), getattr(read, kind)
        assert {owner for owner in was if was[owner]} == {owner for owner in now if now[owner]}
        assert all(len(now[owner]) == len(was[owner]) for owner in was)  # an empty table where there is none
    _, swapped = load(paths[::-1], device=CPU)
    for name, tensor in flat(state).items():
        assert torch.equal(flat(swapped)[name], tensor.flip(0))


def test_what_is_not_finite_is_kept(tmp_path, state, flat):
    path = tmp_path / "checkpoint.safetensors"
    key = next(iter(state.params["G"]))
    state.params["G"][key][0].fill_(math.nan)
    save_lane(path, HEADER, state, 0)
    assert load([path], device=CPU)[1].params["G"][key].isnan().all()


def test_missing_files(tmp_path):
    refuse(tmp_path / "nothing.safetensors", match="no checkpoint")
    refuse(tmp_path, match="no checkpoint")


@hypothesis_settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(share=st.floats(0, 1, exclude_max=True))
@example(share=0.0)
@example(share=1 - 1e-12)
def test_truncated(saved, share):
    content = saved.read_bytes()
    broken = saved.with_name("broken.safetensors")
    broken.write_bytes(content[: int(share * len(content))])
    refuse(broken)


@hypothesis_settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(flips=st.lists(FLIP, min_size=1, max_size=3))
def test_flipped_bytes(saved, flips):
    original = bytearray(saved.read_bytes())
    content = bytearray(original)
    for share, mask in flips:
        content[int(share * len(content))] ^= mask
    if content == original:
        return
    broken = saved.with_name("broken.safetensors")
    broken.write_bytes(content)
    refuse(broken)


@pytest.mark.soak
def test_every_byte_of_the_header_matters(saved):
    """All that is not a number of a tensor; every third byte, damaged once."""
    original = saved.read_bytes()
    broken = saved.with_name("broken.safetensors")
    for position in range(0, 8 + int.from_bytes(original[:8], "little"), 3):
        if original[position : position + 1] == b" ":
            continue  # padding; json does not mind another kind of white space
        broken.write_bytes(original[:position] + bytes([original[position] ^ 1]) + original[position + 1 :])
        refuse(broken)


@hypothesis_settings(max_examples=25, deadline=None, derandomize=True)
@given(content=st.binary(max_size=200))
@example(content=b"")
@example(content=b"\x80\x02}q\x00.")  # a pickle: never run
@example(content=(2**63).to_bytes(8, "little") + b"{}")
def test_other_files(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("other") / "checkpoint.safetensors"
    path.write_bytes(content)
    refuse(path)


def test_a_foreign_safetensors_file(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"w": torch.zeros(2)}, path)
    refuse(path, match="not a genbench checkpoint")


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "{" * 5000, json.dumps({**asdict(HEADER), "step": -1, "extra": 1})]
)
def test_damaged_headers(tmp_path, text):
    path = tmp_path / "checkpoint.safetensors"
    save_file({"params|G|a": torch.zeros(())}, path, metadata={"genbench": text})
    refuse(path, match="header")


def test_another_format(tmp_path, state):
    path = tmp_path / "checkpoint.safetensors"
    save_lane(path, replace(HEADER, format=FORMAT + 1), state, 0)
    refuse(path, match=f"format {FORMAT + 1}; this genbench reads format {FORMAT}")


@pytest.mark.parametrize("key", [None, "", "params|G", "params|G|a|b", "weights|G|a"])
def test_tensors_with_other_names_or_none(tmp_path, key):
    """Even where the checksum is right."""
    path = tmp_path / "checkpoint.safetensors"
    tensors = {} if key is None else {key: torch.zeros(2), "params|D|a": torch.zeros(())}
    write(path, json.dumps(asdict(HEADER)), tensors)
    refuse(path, match="does not hold")


def test_lanes_of_different_models_are_not_stacked(tmp_path, state, saved, small):
    """Not even where all shapes agree: ns_gan has the networks of gan."""
    other = tmp_path / "other.safetensors"
    differences = (
        {"model": "ns_gan"},
        {"options": {"latent": 2}},
        {"data": replace(HEADER.data, name="other")},
        {"step": 6},
    )
    for difference in differences:
        save_lane(other, replace(HEADER, **difference), state, 0)
        refuse(other, saved, match="another model or step than")
    wide = initial_state(small("gan"), HEADER.data, [1], device=CPU)
    save_lane(other, HEADER, wide, 0)
    refuse(other, saved, match="another model or step than")
    save_lane(other, replace(HEADER, seed=8, trial="other", label="other"), state, 0)
    assert load([saved, other], device=CPU)[1].lanes == 2


def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path, state, saved, monkeypatch):
    before = saved.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    for call in ("os.fsync", "pathlib.Path.replace"):
        with monkeypatch.context() as patch:
            patch.setattr(call, full)
            with pytest.raises(OutputError, match="No space left") as caught:
                save_lane(saved, replace(HEADER, step=9), state, 0)
        assert str(saved) in str(caught.value)
        assert saved.read_bytes() == before
        assert list(tmp_path.iterdir()) == [saved]
    save_lane(saved, replace(HEADER, step=9), state, 0)
    assert load([saved], device=CPU)[0][0].step == 9
    assert list(tmp_path.iterdir()) == [saved]
