"""How a machine is divided among processes, and what is refused before anything is begun."""

import pytest
import torch

from genbench.core.errors import GenbenchError
from genbench.core.registry import datasets, measures, models
from genbench.runner import executors
from genbench.runner.executors import check_found_elsewhere, divide, processes_of, threads_of
from genbench.runner.job import run
from genbench.runner.preview import preview

CPU = torch.device("cpu")


@pytest.fixture
def machine(monkeypatch):
    """A machine with so many cores, and so many threads in this process."""

    def of(cores, threads):
        monkeypatch.setattr(executors, "_cores", lambda: cores)
        monkeypatch.setattr(torch, "get_num_threads", lambda: threads)

    return of


@pytest.mark.parametrize(
    ("text", "wanted"), [("inline", None), ("processes", 0), ("processes:1", 1), ("processes:256", 256)]
)
def test_what_is_asked_for(text, wanted):
    assert processes_of(text) == wanted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("proceses", "unknown executor 'proceses'. Did you mean 'processes'? Valid: inline, processes."),
        ("", "unknown executor ''"),
        ("slurm", "unknown executor 'slurm'. Valid: inline, processes."),
        ("inline:2", "inline is one process. Use processes:2."),
        *(
            (f"processes:{n}", "a whole number from 1 to 256")
            for n in ("0", "257", "-1", "2.5", "", "²", "x")
        ),
    ],
)
def test_what_cannot_be_had_is_told(text, told):
    with pytest.raises(GenbenchError, match=f"^--executor {text}: ") as raised:
        processes_of(text)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("wanted", "cores", "threads", "cohorts", "processes", "each"),
    [
        (None, 8, 8, 4, 0, 8),
        (0, 8, 8, 4, 4, 2),
        (0, 2, 2, 4, 2, 1),
        (0, 2, 1, 4, 2, 1),  # OMP_NUM_THREADS=1
        (0, 8, 8, 1, 1, 8),
        (3, 8, 8, 4, 3, 2),
        (5, 2, 2, 4, 4, 1),
        (1, 2, 2, 4, 1, 2),
    ],
)
def test_threads_are_shared_out(machine, wanted, cores, threads, cohorts, processes, each):
    machine(cores, threads)
    division = divide(wanted, CPU, cohorts)
    assert (division.processes, division.threads) == (processes, each)
    assert division.side_by_side == max(1, processes)


def test_what_a_dry_run_tells(tiny_suite, machine):
    machine(4, 4)
    assert "executor: 2 processes with 2 threads each" in list(preview(tiny_suite(), "cpu", "processes"))
    assert "executor: 1 process with 4 threads each" in list(preview(tiny_suite(), "cpu", "processes:1"))
    assert not [line for line in preview(tiny_suite(), "cpu") if line.startswith("executor")]
    with pytest.raises(GenbenchError, match="Did you mean 'processes'"):
        list(preview(tiny_suite(), "cpu", "proceses"))


def test_this_process_has_as_many_threads_meanwhile():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with threads_of(executors.Division(2, 1)):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_what_only_this_process_has_is_refused_before_anything_is_begun(tiny_suite, tmp_path, monkeypatch):
    class Here(models.get("vae")):
        """Registered by a script."""

    models.register("only_here")(Here)
    try:
        suite = tiny_suite("model.vae.name='only_here'")
        with pytest.raises(GenbenchError) as raised:
            run(suite, out=tmp_path / "out", executor="processes")
        assert "the model 'only_here' is registered by test_executors" in str(raised.value)
        assert "--plugin FILE" in str(raised.value)
        assert not (tmp_path / "out").exists()
    finally:
        del models._things["only_here"], models._origins["only_here"]


def test_what_genbench_itself_has_is_found_elsewhere(tiny_suite):
    check_found_elsewhere(tiny_suite())
    for registry in (models, datasets, measures):
        assert all(map(registry.is_found_elsewhere, registry._builtin))
