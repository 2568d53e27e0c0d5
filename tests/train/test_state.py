import torch

from genbench.train.state import initial_state, skeletons

CPU = torch.device("cpu")


def test_a_lanes_networks_depend_on_its_seed_alone(small, tiny, flat):
    model = small("gan")
    together = flat(initial_state(model, tiny, [1, 2, 3], device=CPU))
    torch.manual_seed(99)
    alone = flat(initial_state(model, tiny, [2], device=CPU))
    for name, tensor in together.items():
        assert torch.equal(tensor[1:2], alone[name]), name
    for name, tensor in together.items():
        if name.startswith("params") and tensor[0].unique().numel() > 1:  # not the ones of a fresh norm
            assert not torch.equal(tensor[0], tensor[1])


def test_the_global_generator_is_not_moved(small, tiny):
    before = torch.get_rng_state()
    initial_state(small("vae"), tiny, [1, 2], device=CPU)
    assert torch.equal(before, torch.get_rng_state())


def test_moments_and_counts_begin_at_zero(small, tiny):
    model = small("wgan")
    state = initial_state(model, tiny, [1, 2], device=CPU, dtype=torch.float64)
    assert (state.step, state.lanes) == (0, 2)
    assert state.slots.keys() == {"critic", "generator"}
    assert state.lanes == 2
    for player in model.players:
        (net,) = player.trains
        moments = state.slots[player.name]
        assert moments.keys() == {f"{net}.{name}.v" for name in state.params[net]}
        assert all((moment == 0).all() for moment in moments.values())


def test_dtype_and_lane_axis(small, tiny, flat):
    for dtype in (torch.float32, torch.float64):
        state = initial_state(small("gan"), tiny, [1, 2], device=CPU, dtype=dtype)
        assert {tensor.dtype for tensor in flat(state).values()} == {dtype}
        assert {len(tensor) for tensor in flat(state).values()} == {2}


def test_skeletons_take_no_memory(small, tiny):
    for net in skeletons(small("gan"), tiny).values():
        assert all(tensor.is_meta for tensor in (*net.parameters(), *net.buffers()))
        assert net.training
