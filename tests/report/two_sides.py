"""Records of two runs in which every verdict comes up, made up for tests of comparisons."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from genbench.analyse.compare import Comparison, compare_models, compare_runs
from genbench.core.record import OUTCOME, Better, Record, Status

HIGHER = {"quality.recall", "quality.coverage", "quality.density", "modes.covered", "modes.entropy"}
UNITS = {"modes.covered": "classes", "modes.entropy": "nats", "modes.kl": "nats", "cost.seconds": "s"}
NEITHER = {"memorization.distance"}
SPREAD = (-0.05, -0.03, -0.01, 0.01, 0.03, 0.05)


def record(metric: str, value: float | None, **change: object) -> Record:
    """One record of seed 0 of ``vae`` on the digits."""
    content: dict[str, object] = {
        "run": "base", "suite": "s", "trial": "t", "model": "vae", "dataset": "digits", "seed": 0,
        "step": 100, "metric": metric, "value": value, "error": None, "unit": UNITS.get(metric, ""),
        "better": Better.HIGHER if metric in HIGHER else Better.LOWER, "n": 1, "lanes": 6,
        "status": Status.DONE, "reason": "" if value is not None else "not to be had", "versions": {},
        "protocol": {}, "env": "e", "code": "c", "at": "now",
    }  # fmt: skip
    return Record(**{**content, **change})  # type: ignore[arg-type]


def around(middle: float, seeds: int = 8) -> list[float]:
    """Numbers of seeds that spread by a tenth; 8 pairs are enough to be sure of three rows at once."""
    return [middle * (1 + SPREAD[seed % 6] + 0.001 * (seed // 6)) for seed in range(seeds)]


def run(
    numbers: Mapping[str, Sequence[float | None]],
    *,
    ended: bool = True,
    lost: Sequence[int] = (),
    cohort: Mapping[str, tuple[float, float | None]] | None = None,
    **change: object,
) -> list[Record]:
    """One model of one run.

    Args:
        numbers: by metric, one a seed.
        ended: whether the trials have an end.
        lost: seeds that diverged; they have no numbers.
        cohort: by metric, one measurement of all lanes with the half-width of its interval.
        change: fields of all records.
    """
    model, name = str(change.get("model", "vae")), str(change.get("run", "base"))
    records = []
    for seed in range(max(map(len, numbers.values()), default=0)):
        here: dict[str, object] = {"seed": seed, "trial": f"{name} {model} {seed}", **change}
        bad = {"status": Status.DIVERGED, "reason": "the loss is not finite"}
        for metric, values in numbers.items():
            better = {"better": Better.NEITHER} if metric in NEITHER else {}
            if seed in lost:
                records.append(record(metric, None, **here, **better, **bad))
            elif seed < len(values):
                records.append(record(metric, values[seed], **here, **better))
        if ended:
            end = {"better": Better.NEITHER, "unit": "steps", **(bad if seed in lost else {})}
            records.append(record(OUTCOME, 100.0, **{**here, **end}))
    for metric, (value, error) in (cohort or {}).items():
        shared = {**change, "seed": None, "trial": f"{name} {model}", "error": error}
        records.append(record(metric, value, **shared))
    return records


def every_verdict() -> Comparison:
    """Of ``vae`` every verdict but those of whole models; ``gan`` is gone, ``wgan`` is new."""
    wide = [10.0, 10.4, 12.0, 9.0, 10.2, 9.8, 10.1, 9.9]
    base = {
        "quality.fid": around(7.0),
        "quality.kid": around(1.0),
        "quality.precision": around(0.8),
        "quality.recall": around(0.5),
        "quality.density": wide,
        "quality.coverage": around(0.5),
        "modes.covered": [10.0] * 8,
        "modes.entropy": [],
        "modes.kl": around(0.1),
        "memorization.distance": around(1.0),
    }
    new = {
        **base,
        "quality.fid": around(10.0),
        "quality.recall": around(0.7),
        "quality.density": [9.0, 12.1, 9.9, 10.3, 10.0, 9.7, 10.2, 9.5],
        "quality.coverage": [],
        "modes.entropy": around(2.0),
        "quality.elbo": around(-100.0),
    }
    broken = {"status": Status.FAILED, "reason": "the extractor broke", "seed": None}
    cohorts = {"throughput.train_images_per_s": (12_345.0, 100.0), "throughput.compile_s": (10.0, None)}
    later = {"throughput.train_images_per_s": (9_000.0, 90.0), "throughput.compile_s": (10.2, None)}
    old = [*run(base, cohort=cohorts), record("modes.entropy", None, **broken)]
    now = [*run(new, cohort=later, run="new"), record("quality.coverage", None, run="new", **broken)]
    now = [change_protocol(r) if r.metric == "quality.precision" else r for r in now]
    old += run({"quality.fid": around(5.0)}, model="gan")
    now += run({"quality.fid": around(5.0)}, model="wgan", run="new")
    return compare_runs(old, now)


def change_protocol(one: Record) -> Record:
    """The same number of more samples."""
    return replace(one, protocol={"n_fake": 10_000})


def with_lost_seeds(lost: Sequence[int] = (0, 1, 2, 3)) -> Comparison:
    """Seeds of the new side diverged: half or more of the differences are infinite."""
    base = run({"quality.fid": around(7.0)})
    return compare_runs(base, run({"quality.fid": around(7.0)}, run="new", lost=lost))


def two_models(**change: object) -> Comparison:
    """``vae`` and ``wgan`` of one run; the first is the base."""
    numbers = {"quality.fid": around(25.0), "quality.recall": around(0.4), "modes.covered": [10.0] * 8}
    records = run(numbers, model="wgan", cohort={"cost.seconds": (30.5, None)}, **change)
    better = {"quality.fid": around(6.6), "quality.recall": around(0.41), "modes.covered": [10.0] * 8}
    records += run(better, cohort={"cost.seconds": (6.09, None)}, **change)
    return compare_models(records)
