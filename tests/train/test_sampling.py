import torch

from genbench.train.sampling import sample_lanes
from genbench.train.state import initial_state

CPU = torch.device("cpu")


def test_a_lane_that_gives_no_numbers_is_told_apart(small, tiny):
    """Its images would be black, and a black image has a score."""
    model = small("gan")
    state = initial_state(model, tiny, (1, 2, 3), device=CPU)
    next(iter(state.params["G"].values()))[1] = torch.nan
    drawn = sample_lanes(model, tiny, state, (1, 2, 3), 7, device=CPU)
    assert drawn.finite == [True, False, True]
    assert drawn.samples.shape[:2] == (3, 7)
