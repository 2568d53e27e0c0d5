import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.models.mlp import MLP
from genbench.models.optim import SGD
from genbench.models.vae import VAE
from genbench.train.accounting import parameter_count, state_bytes
from genbench.train.memory import _Live, free_memory, lane_bytes, lanes_that_fit
from genbench.train.settings import Settings
from genbench.train.state import initial_state

CPU = torch.device("cpu")
DATA = DataInfo("any", (1, 28, 28))


def test_what_is_alive_at_once():
    with _Live() as counted:
        a = torch.empty(1000, device="meta")
        b = a + 1
        del b
        c = a.view(10, 100) * 2  # a view is no second tensor; the place of b is free again
        del a
        d = c.sum()
    assert counted.peak == 8000
    assert counted.live == 4000 + 4
    del c, d
    assert counted.live == 0


@pytest.mark.parametrize(("compute", "copies"), [(None, 0), (torch.bfloat16, 2)])
def test_the_state_is_counted_exactly(small, tiny, compute, copies):
    for name in ("gan", "wgan", "vae"):
        model = small(name)
        state = initial_state(model, tiny, [1, 2, 3], device=CPU)
        trees = (state.params, state.slots)
        held = sum(t.nbytes for tree in trees for tensors in tree.values() for t in tensors.values())
        expected = held // 3 + copies * parameter_count(model, tiny)
        assert state_bytes(model, tiny, torch.float32, compute) == expected


def test_a_lane_of_hand_counted_size():
    """One matrix dominates: twice itself, its gradient, what autograd keeps, the step, the new one."""
    model = VAE(latent=1, encoder=MLP(hidden=(4096,)), decoder=MLP(hidden=(1,)), optimizer=SGD())
    settings = Settings(steps=1, batch_size=1, device=CPU)
    weight = 4096 * 784 * 4
    assert 5 * weight <= lane_bytes(model, DATA, settings) <= 6.1 * weight


def test_a_larger_batch_needs_more():
    sizes = [
        lane_bytes(VAE(), DATA, Settings(steps=1, batch_size=b, device=CPU, compute=torch.bfloat16))
        for b in (64, 512)
    ]
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize(
    ("lanes", "each", "free", "together"),
    [
        (16, 10, None, 16),
        (16, 10, 200, 16),
        (16, 10, 199, 8),  # 15 would fit, and leave a part of one
        (5, 10, 60, 3),
        (5, 100, 60, 1),
        (1, 100, 60, 1),
    ],
)
def test_parts_are_as_equal_as_can_be(lanes, each, free, together):
    assert lanes_that_fit(lanes, each, free) == together


@pytest.fixture
def free(tmp_path):
    """``free_memory`` within control groups: what ``/proc/self/cgroup`` says, and the files of each group."""

    def tell(member, **groups):
        for name, files in groups.items():
            folder = tmp_path / name.replace("__", "/").replace("root", "")
            folder.mkdir(parents=True, exist_ok=True)
            for file, text in zip(("max", "current", "stat"), files, strict=False):
                (folder / f"memory.{file}").write_text(f"{text}\n")
        (tmp_path / "self").write_text(member)
        return free_memory(CPU, cgroups=tmp_path, membership=tmp_path / "self")

    return tell


def test_no_group_is_no_limit(free, tmp_path):
    whole = free_memory(CPU, cgroups=tmp_path, membership=tmp_path / "none")
    assert whole is not None
    assert whole > 2**20
    assert free("0::/\n") > 2**20
    assert free("0::/\n", root=("max", 2000, "")) > 2**20


def test_the_tightest_group_around_this_process_counts(free):
    job = "0::/slice/job\n"
    assert free(job, slice=(9000, 2000, "anon 1\ninactive_file 500"), slice__job=("max", 100, "")) == 7500
    assert free(job, slice__job=(1000, 400, "inactive_file 0")) == 600
    assert free("0::/other\n") > 2**20  # the limits of other groups are not ours
    assert free(job, slice__job=(1000, 4000, "")) == 0


def test_version_1(tmp_path):
    folder = tmp_path / "memory" / "docker" / "abc"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text("5000")
    (folder / "memory.usage_in_bytes").write_text("3000")
    (folder / "memory.stat").write_text("cache 1\ntotal_inactive_file 700\n")
    (tmp_path / "self").write_text("3:cpu,cpuacct:/docker/abc\n2:memory:/docker/abc\n")
    assert free_memory(CPU, cgroups=tmp_path, membership=tmp_path / "self") == 2700
