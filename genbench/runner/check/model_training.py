"""What training must be: finite, repeatable, the same alone and in company, from a file, and compiled."""

from __future__ import annotations

import copy
import tempfile
import warnings
from pathlib import Path

import torch

from genbench.core.errors import GenbenchWarning
from genbench.runner.check.blame import raised
from genbench.runner.check.finding import Fault, NotRun
from genbench.runner.check.model_loss import PURE
from genbench.runner.check.subject import (
    BATCH,
    CPU,
    END,
    SEEDS,
    START,
    Subject,
    blamed,
    first_difference,
    fit,
)
from genbench.train.checkpoint import Header, load, save_lane
from genbench.train.device import compiler_missing
from genbench.train.program import Players, forget_programs, inputs_of, run_step
from genbench.train.settings import Settings
from genbench.train.state import TrainState, skeletons
from genbench.train.update import Update, stacked_update

NEAR = 1e-9
"""How far float64 may be off where sums are added up in another order."""


def first_steps(subject: Subject) -> str:
    """Losses and parameters stay finite for a few steps."""
    with blamed(subject, "training", "A loss must give the same kind of result at every step."):
        training = subject.trained
    if not all(training.alive):
        step = min(step for step in training.diverged if step is not None) - START
        raise Fault(
            f"a loss or a parameter is no longer finite after {step} of {END - START} steps on random data",
            "Lower the learning rate, and look for exp, log, sqrt or division that runs away.",
        )
    return f"finite after {END - START} steps of {len(SEEDS)} seeds"


def same_again(subject: Subject) -> str:
    """The same seeds give the same bits."""
    torch.manual_seed(99)  # nothing may depend on torch's own generator
    if difference := first_difference(subject.trained.state, fit(subject).state):
        raise Fault(f"trained twice with the same seeds, {difference} differs", PURE)
    return "the same seeds give the same bits"


def alone(subject: Subject) -> str:
    """A lane is what its seed gives without the others."""
    together = subject.trained.state
    for lane, seed in enumerate(SEEDS):
        if difference := first_difference(fit(subject, seeds=[seed]).state, lane_of(together, lane), NEAR):
            raise Fault(
                f"seed {seed} alone trains to other numbers than beside the seeds "
                f"{' and '.join(str(other) for other in SEEDS if other != seed)}: {difference}",
                PURE,
            )
    return f"each of {len(SEEDS)} seeds trained together is what it is alone"


def goes_on(subject: Subject, dtype: torch.dtype = torch.float64) -> str:
    """Saved, loaded and trained on, it is what it is without that."""
    straight = subject.trained.state if dtype == torch.float64 else fit(subject, master=dtype).state
    part = fit(subject, START + 1, master=dtype).state
    with tempfile.TemporaryDirectory() as folder:
        restored = through_files(subject, part, Path(folder))
    if difference := first_difference(straight, fit(subject, state=restored, master=dtype).state):
        raise Fault(f"saved, loaded and trained on, it ends elsewhere than straight on: {difference}", PURE)
    return "saved, loaded and trained on, it is what it is without"


def captured(subject: Subject) -> str:
    """Each update is captured whole by torch.compile, and does the same. This needs no C++ compiler."""
    forget_programs()

    def capture(update: Update) -> Update:
        return torch.compile(update, fullgraph=True, dynamic=False, backend="eager")

    players, settings = _eager(subject)
    try:
        one = _steps(subject, [(p, capture(update)) for p, update in players], settings)
    except Exception as error:
        raise Fault(
            f"torch.compile cannot capture a loss as one program: {raised(error, subject.file)}",
            "Leave out what is no tensor arithmetic: print, files, global variables, other libraries.",
        ) from error
    finally:
        forget_programs()
    if difference := first_difference(_steps(subject, players, settings), one, NEAR):
        raise Fault(f"captured by torch.compile, an update gives other numbers: {difference}", PURE)
    return "torch.compile captures each update whole"


def compiled(subject: Subject) -> str:
    """Compiled, training gives the numbers of eager training."""
    if missing := compiler_missing(CPU):
        raise NotRun(missing)
    forget_programs()
    with warnings.catch_warnings():
        warnings.simplefilter("error", GenbenchWarning)  # a compiler that fails is only warned of
        try:
            fast = fit(subject, compile="always")
        except GenbenchWarning as error:
            raise Fault(
                str(error).partition(". Training goes on")[0],
                'Write it with plainer torch functions, or train with compile = "never", which is slower.',
            ) from error
        finally:
            forget_programs()
    if difference := first_difference(subject.trained.state, fast.state, NEAR):
        raise Fault(f"compiled, training gives other numbers than eager: {difference}", PURE)
    for (_, logs), (_, expected) in zip(fast.curves, subject.trained.curves, strict=True):
        for name, values in expected.items():
            if not torch.allclose(torch.tensor(logs[name]), torch.tensor(values), rtol=NEAR, atol=NEAR):
                raise Fault(f"compiled, the log {name!r} is another than eager", PURE)
    return "compiled training gives the numbers of eager training"


def lane_of(state: TrainState, lane: int) -> TrainState:
    """One lane of a state as a state of its own."""
    params, buffers, slots = (
        {owner: {name: t[lane : lane + 1] for name, t in own.items()} for owner, own in tree.items()}
        for tree in (state.params, state.buffers, state.slots)
    )
    return TrainState(params, buffers, slots, step=state.step)


def through_files(subject: Subject, state: TrainState, folder: Path) -> TrainState:
    """The state as it comes back from the checkpoints of its lanes."""
    paths = [folder / f"{seed}.safetensors" for seed in SEEDS]
    for lane, (path, seed) in enumerate(zip(paths, SEEDS, strict=True)):
        header = Header(
            model="checked",
            label="checked",
            options={},
            data=subject.data,
            seed=seed,
            step=state.step,
            precision="float32",
            trial="check",
            code="",
        )
        save_lane(path, header, state, lane)
    return load(paths, device=CPU)[1]


def _eager(subject: Subject) -> tuple[Players, Settings]:
    modules = skeletons(subject.model, subject.data)
    players = [(player, stacked_update(modules, player, None)) for player in subject.model.players]
    return players, Settings(steps=1, batch_size=BATCH, device=CPU, master=torch.float64)


def _steps(subject: Subject, players: Players, settings: Settings) -> TrainState:
    """Two steps from the start."""
    state = copy.deepcopy(subject.initial)
    inputs = {p.name: inputs_of(p, SEEDS, 0, subject.examples, settings) for p, _ in players}
    for position in range(2):
        run_step(players, state, {}, subject.examples, inputs, position)
    return state
