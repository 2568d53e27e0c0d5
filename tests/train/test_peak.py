import pytest
import torch

from genbench.train import peak
from genbench.train.peak import REPEATS, matrix_product_peak, uses_tf32

CPU = torch.device("cpu")


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only where a product is made, by what the test says it takes."""

    def install(seconds_of):
        at, sizes = [0.0], []
        monkeypatch.setattr(peak, "now", lambda device: at[0])

        def product(a, b, *, out):
            assert a.shape == b.shape == out.shape == (len(a), len(a))
            sizes.append((len(a), a.dtype, out.dtype))
            at[0] += seconds_of(len(a), len(sizes))

        monkeypatch.setattr(peak.torch, "mm", product)
        return sizes

    return install


def test_operations_a_second_by_hand(clock, monkeypatch):
    monkeypatch.setattr(peak, "_SIZES", {"cpu": (10, 20)})
    # ten: 2000 operations in 1 ms; twenty: 16,000 in 2 ms, and once in 4 ms
    made = clock(lambda size, number: 1e-3 if size == 10 else (4e-3 if number == 6 else 2e-3))
    assert matrix_product_peak(CPU, torch.bfloat16) == pytest.approx([4e6, 8e6, 8e6])
    assert made == [(size, torch.bfloat16, torch.bfloat16) for size in (10, 20) for _ in range(1 + REPEATS)]


def test_the_better_size_is_kept(clock, monkeypatch):
    monkeypatch.setattr(peak, "_SIZES", {"cpu": (10, 20)})
    clock(lambda size, _: 1e-3 if size == 10 else 16e-3)
    assert matrix_product_peak(CPU, torch.float32) == pytest.approx([2e6] * REPEATS)


def test_a_slow_machine_is_not_given_larger_matrices(clock):
    made = clock(lambda *_: 0.1)
    assert len(matrix_product_peak(CPU, torch.float32)) == REPEATS
    assert {size for size, *_ in made} == {1024}


def test_matrices_that_do_not_fit_are_no_failure(monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(peak.torch, "mm", full)
    assert matrix_product_peak(CPU, torch.float32) == []


@pytest.mark.run
def test_it_is_quick_and_draws_from_a_generator_of_its_own():
    torch.manual_seed(3)
    expected = torch.rand(())
    torch.manual_seed(3)
    found = matrix_product_peak(CPU, torch.float32)
    assert torch.equal(torch.rand(()), expected)
    assert len(found) == REPEATS and min(found) > 1e8


@pytest.mark.parametrize("allowed", [True, False])
def test_only_float32_on_cuda_may_be_rounded_to_tf32(allowed):
    cuda, before = torch.device("cuda"), torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = allowed
    try:
        assert uses_tf32(CPU, torch.float32) is None
        assert uses_tf32(cuda, torch.bfloat16) is None
        assert uses_tf32(cuda, torch.float32) is allowed
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
