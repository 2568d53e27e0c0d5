"""A synthetic run: four models, five seeds, three controls, one diverged lane, one model that failed."""

import random
from collections.abc import Callable, Iterator

import pytest

from genbench.core.record import OUTCOME, Better, Record, Status

QUALITY = {
    "quality.fid": (Better.LOWER, 12.0, 0.0, 60.0, 410.0),
    "quality.kid": (Better.LOWER, 0.012, 0.0001, 0.09, 0.7),
    "quality.precision": (Better.HIGHER, 0.81, 0.96, 0.97, 0.0),
    "quality.recall": (Better.HIGHER, 0.55, 0.95, 0.05, 0.0),
    "quality.density": (Better.HIGHER, 0.88, 1.01, 1.2, 0.0),
    "quality.coverage": (Better.HIGHER, 0.74, 0.97, 0.08, 0.0),
    "modes.covered": (Better.HIGHER, 10.0, 10.0, 1.0, 2.0),
    "modes.entropy": (Better.HIGHER, 2.21, 2.3, 0.02, 0.4),
    "modes.kl": (Better.LOWER, 0.05, 0.001, 2.25, 1.9),
}
COST = {
    "throughput.train_images_per_s": ("images/s", Better.HIGHER, 123_456.0),
    "throughput.sample_images_per_s": ("images/s", Better.HIGHER, 1_234_567.0),
    "throughput.s_per_1000_steps": ("s", Better.LOWER, 3.21),
    "throughput.compile_s": ("s", Better.LOWER, 41.3),
    "throughput.peak_memory": ("MiB", Better.LOWER, 812.0),
    "throughput.parameters": ("", Better.NEITHER, 1_493_520.0),
    "throughput.flops_per_image": ("FLOP", Better.NEITHER, 7.61e8),
}
MODELS = {"gan": 1.4, "ns_gan": 1.0, "wgan_gradient_penalty_lambda_10_spectral_norm": 0.8, "vae": 1.1}
EXTRACTOR = {"n_real": 1000, "n_fake": 2000, "extractor": "mnist-cnn@9f3ac1d2", "precision": "bfloat16"}


def record(**change: object) -> Record:
    """One record; every field may be given."""
    content: dict[str, object] = {
        "run": "20260814T101500Z-ab12cd3",
        "suite": "mnist",
        "trial": f"{change.get('model', 'gan')}-{change.get('seed', 0)}",
        "model": "gan",
        "dataset": "digits",
        "seed": 0,
        "step": 2000,
        "metric": "quality.fid",
        "value": 1.0,
        "error": None,
        "unit": "",
        "better": Better.LOWER,
        "n": 2000,
        "lanes": 5,
        "status": Status.DONE,
        "reason": "",
        "versions": {},
        "protocol": {},
        "env": "e41f09",
        "code": "0.1.0+ab12cd3",
        "at": "2026-08-14T10:15:00Z",
    }
    return Record(**{**content, **change})  # type: ignore[arg-type]


def outcomes(model: str, endings: list[tuple[Status, str]], **change: object) -> Iterator[Record]:
    """The last record of each seed's trial."""
    for seed, (status, reason) in enumerate(endings):
        end = {"metric": OUTCOME, "better": Better.NEITHER, "unit": "steps", "value": 2000.0}
        yield record(
            **end, model=model, seed=seed, status=status, reason=reason, trial=f"{model}-{seed}", **change
        )


def synthetic_run(*, quick: bool = False, seeds: int = 5) -> list[Record]:
    """All records of the run, in the order of a runner: a model after the other, then the controls."""
    draw = random.Random(1)
    protocol = {**EXTRACTOR, "quick": quick}
    versions = {"features": "9f3ac1d2", "data": "a0b1c2d3"}
    shared = {"protocol": protocol, "versions": versions}
    diverged = (Status.DIVERGED, "the critic's loss is not finite at step 812")
    failed = (Status.FAILED, "RuntimeError: the decoder returns (N, 784), not (N, 1, 28, 28)")
    done = (Status.DONE, "")
    records: list[Record] = []
    for model, factor in MODELS.items():
        endings = [done] * seeds
        if model == "gan":
            endings[-2] = diverged
        if model == "vae":
            endings = [failed] * seeds
        for seed, (status, _) in enumerate(endings):
            for metric, (better, value, *_rest) in QUALITY.items():
                if status is Status.DONE:
                    noisy = value * draw.gauss(factor if better is Better.LOWER else 1 / factor, 0.06)
                    noisy = min(10.0, round(noisy)) if metric == "modes.covered" else noisy
                    noisy = min(noisy, 0.99) if better is Better.HIGHER and value < 1 else noisy
                    records.append(
                        record(model=model, seed=seed, metric=metric, value=noisy, better=better, **shared)
                    )
        for metric, (unit, better, value) in COST.items():
            if model == "vae":
                continue
            missing = metric.endswith("flops_per_image") and model == "gan"
            cost = {"unit": unit, "better": better, "seed": None, "protocol": {"quick": quick}}
            timed = metric.endswith(("_per_s", "_steps"))
            cost |= {"value": value * factor, "error": 0.02 * value if timed else None}
            if missing:
                cost |= {"value": None, "error": None, "reason": "the counter does not know aten::bmm"}
            records.append(record(model=model, metric=metric, **cost))
        records += outcomes(model, endings)
    for which, control in enumerate(("real", "collapsed", "noise")):
        for metric, (better, *values) in QUALITY.items():
            value = values[1 + which]
            records.append(
                record(model=control, seed=None, metric=metric, value=value, better=better, lanes=1, step=0,
                       error=0.004 * value if metric == "quality.kid" else None, **shared)
            )  # fmt: skip
    return records


@pytest.fixture(scope="session")
def run() -> list[Record]:
    """The synthetic run."""
    return synthetic_run()


@pytest.fixture(scope="session")
def make() -> Callable[..., Record]:
    """Makes one record."""
    return record


@pytest.fixture(scope="session")
def make_run() -> Callable[..., list[Record]]:
    """Makes synthetic runs."""
    return synthetic_run
