import pytest
import torch

from genbench.models.optim import SGD
from genbench.models.protocol import Noise, Player
from genbench.train.streams import BLOCK, draw, noise_block, order_block

CPU = torch.device("cpu")
NOISE = {"z": Noise((3,)), "w": Noise((3,)), "u": Noise((2, 2), "uniform")}


def player(name="critic", repeats=1, uses_data=True):
    return Player(
        name=name,
        trains=(),
        loss=lambda nets, batch: (batch.x.sum(), {}),
        optimizer=SGD(),
        noise=NOISE,
        uses_data=uses_data,
        repeats=repeats,
    )


def walk(seed, *, images, batch_size=6, blocks=3, repeats=2, **others):
    """The images one lane sees over some blocks, in order."""
    parts = [
        order_block(player(repeats=repeats, **others), [seed], block, batch_size, images, device=CPU)
        for block in range(blocks)
    ]
    assert all(part.shape == (BLOCK, repeats, 1, batch_size) for part in parts)
    return torch.cat([part.flatten() for part in parts])


@pytest.mark.parametrize("images", [7, 50, 384, 1000])
def test_each_epoch_is_a_permutation_across_blocks(images):
    """384 images an epoch end with a block of 32 x 2 x 6; the others end within one."""
    order = walk(1, images=images)
    epochs = order[: len(order) // images * images].view(-1, images)
    for epoch in epochs:
        assert epoch.sort().values.tolist() == list(range(images))
    rest = order[len(order) // images * images :]
    assert len(rest.unique()) == len(rest)
    if len(epochs) > 1:
        assert not torch.equal(epochs[0], epochs[1])


def test_lanes_and_players_walk_their_own_ways():
    order = order_block(player(), [1, 2, 3], 0, 6, 50, device=CPU)
    assert order.dtype == torch.int64
    lanes = order.unbind(2)
    assert not torch.equal(lanes[0], lanes[1])
    assert not torch.equal(lanes[1], lanes[2])
    assert not torch.equal(walk(1, images=50), walk(1, images=50, name="autoencoder"))


def test_a_player_without_images_draws_none():
    order = order_block(player(repeats=2, uses_data=False), [1, 2, 3], 5, 6, 50, device=CPU)
    assert order.shape[:3] == (BLOCK, 2, 3)
    assert (order == 0).all()


def test_a_lane_does_not_depend_on_the_others_nor_a_block_on_those_before():
    for block in (4, 0):
        together = order_block(player(repeats=2), [5, 6, 7], block, 6, 50, device=CPU)
        alone = order_block(player(repeats=2), [6], block, 6, 50, device=CPU)
        assert torch.equal(together[:, :, 1:2], alone)
        noise = noise_block(player(repeats=2), [5, 6, 7], block, 6, device=CPU, dtype=torch.float32)
        lone = noise_block(player(repeats=2), [6], block, 6, device=CPU, dtype=torch.float32)
        for name, shape in (("z", (3,)), ("u", (2, 2))):
            assert noise[name].shape == (BLOCK, 2, 3, 6, *shape)
            assert torch.equal(noise[name][:, :, 1:2], lone[name])


def test_the_global_generator_is_neither_used_nor_moved():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = noise_block(player(), [1], 0, 6, device=CPU, dtype=torch.float32)["z"]
    order = walk(1, images=50)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    assert torch.equal(first, noise_block(player(), [1], 0, 6, device=CPU, dtype=torch.float32)["z"])
    assert torch.equal(order, walk(1, images=50))


def test_noise_differs_everywhere():
    """Between steps, repeats, lanes, batch-mates, blocks, players and names: no number is met twice."""
    blocks = [
        noise_block(p, [1, 2], block, 6, device=CPU, dtype=torch.float64)
        for p in (player(repeats=2), player("generator", repeats=2))
        for block in (0, 1)
    ]
    values = torch.cat([block[name].flatten() for block in blocks for name in ("z", "w")])
    assert len(values.unique()) == len(values)


def test_moments():
    n = 200_000
    normal = draw(Noise((2,)), n // 2, 1, "a", device=CPU, dtype=torch.float64)
    assert normal.shape == (n // 2, 2)
    near = 5 / n**0.5  # five standard errors of a mean of variance 1
    for power, moment, deviation in ((1, 0, 1), (2, 1, 2**0.5), (3, 0, 15**0.5), (4, 3, 96**0.5)):
        assert (normal**power).mean().item() == pytest.approx(moment, abs=near * deviation)
    assert (normal[:, 0] * normal[:, 1]).mean().item() == pytest.approx(0, abs=near * 2)
    uniform = draw(Noise((2,), "uniform"), n // 2, 1, "a", device=CPU, dtype=torch.float64)
    assert -1 <= uniform.min() < -0.999
    assert 0.999 < uniform.max() <= 1
    assert uniform.mean().item() == pytest.approx(0, abs=near)
    assert uniform.square().mean().item() == pytest.approx(1 / 3, abs=near)


def test_a_stream_is_named_by_all_its_parts():
    def first(*seed):
        return draw(Noise(()), 1, *seed, device=CPU, dtype=torch.float64).item()

    names = [(1, "a", 0), (1, "a", 1), (1, "b", 0), (2, "a", 0), ("1", "a", 0), (1, "a")]
    assert len({first(*name) for name in names}) == len(names)
    assert first(1, "a", 0) == first(1, "a", 0)


@pytest.mark.parametrize("images", [7, 384, 1000])
def test_orders_that_are_kept_are_those_drawn_anew(images):
    kept = {}
    critic = player(repeats=2)
    for block in (0, 1, 2, 7, 3):  # whatever block comes next
        anew, again = (
            order_block(critic, [1, 2], block, 6, images, device=CPU, orders=orders)
            for orders in (None, kept)
        )
        assert torch.equal(anew, again)
    assert set(kept) == {(1, "critic"), (2, "critic")}  # one epoch a lane, however many have passed
