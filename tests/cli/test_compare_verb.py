"""``genbench compare``: what it prints, what it refuses, and how it exits."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from genbench.core.record import OUTCOME, Better, Record, Status

Said = Any
GOOD = {"quality.fid": 7.0, "quality.recall": 0.5, "modes.kl": 0.1}
WORSE = {**GOOD, "quality.fid": 10.0}
FID_GATE = {"metric": "quality.fid"}
SUITE = """
name = "s"
alpha = 0.05
[[dataset]]
name = "digits"
[[model]]
name = "gan"
[[model]]
name = "vae"
[[gate]]
metric = "quality.fid"
"""


def record(metric: str, value: float | None, **change: Any) -> Record:
    content: dict[str, Any] = {
        "run": "r", "suite": "s", "trial": "t", "model": "vae", "dataset": "digits", "seed": 0, "step": 9,
        "metric": metric, "value": value, "error": None, "unit": "",
        "better": Better.HIGHER if metric == "quality.recall" else Better.LOWER, "n": 1, "lanes": 8,
        "status": Status.DONE, "reason": "" if value is not None else "none", "versions": {}, "protocol": {},
        "env": "e", "code": "c", "at": "now",
    }  # fmt: skip
    return Record(**{**content, **change})


def trained(
    run: str, middles: Mapping[str, float], *, seeds: int = 8, ended: int | None = None, **change: Any
) -> list[Record]:
    """One model: numbers within a few percent of ``middles``; ``ended`` of its seeds have an end."""
    records = []
    for seed in range(seeds):
        here = {"run": run, "seed": seed, "trial": f"{run} {change.get('model', 'vae')} {seed}", **change}
        wave = 1 + 0.01 * ((seed * 3) % 8 - 3.5)
        records += [record(name, middle * wave, **here) for name, middle in middles.items()]
        if ended is None or seed < ended:
            records.append(record(OUTCOME, 9.0, **{**here, "better": Better.NEITHER}))
    return records


def write_run(
    root: Path, name: str, records: Sequence[Record], gates: Sequence[Mapping[str, Any]] | None = ()
) -> Path:
    folder = root / "results" / "s" / name
    folder.mkdir(parents=True)
    (folder / "records.jsonl").write_text("".join(f"{each.to_json()}\n" for each in records))
    if gates is not None:
        (folder / "resolved.json").write_text(json.dumps({"gate": list(gates), "alpha": 0.05}))
    return folder


def three_models() -> list[Record]:
    return [
        r for label, fid in (("gan", 30.0), ("wgan", 25.0), ("vae", 7.0))
        for r in trained("models", {**GOOD, "quality.fid": fid}, model=label)
    ]  # fmt: skip


@pytest.fixture
def write(fresh_folder: Path) -> Callable[..., Path]:
    """Writes a run to ``results/s/NAME`` with its gates; ``None``: without resolved.json."""

    return partial(write_run, fresh_folder)


@pytest.fixture
def two(write: Callable[..., Path]) -> None:
    """``s/base`` and ``s/worse``, whose Fréchet distance went from 7 to 10 and has a gate."""
    write("base", trained("base", GOOD))
    write("worse", trained("worse", WORSE), [FID_GATE])


@pytest.fixture
def models(write: Callable[..., Path]) -> None:
    """``s/models``: three models of one run."""
    write("models", three_models())


def test_two_runs(genbench: Callable[..., Said], two: None) -> None:
    said = genbench("compare", "s/base", "s/worse")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("digits: new compared with base\nsuite s; base base, new worse\n")
    assert "WORSE" in said.out and "sign-flip" in said.out
    assert "On digits, vae: worse in 1 of 3 numbers" in said.out
    assert "gate passed" not in said.out and "gate FAILED" not in said.out


def test_models_of_one_run(genbench: Callable[..., Said], models: None) -> None:
    said = genbench("compare", "s/models")
    assert said.code == 0
    assert said.out.startswith("digits: wgan, vae compared with gan\n")
    said = genbench("compare", "s/models", "--models", "wgan, vae", "--metrics", "quality.fid")
    assert said.out.startswith("digits: vae compared with wgan\n") and "recall" not in said.out
    assert "On digits, vae against wgan: better in FD (sample quality); nothing is unsure." in said.out


@pytest.mark.parametrize("form", ["csv", "json"])
def test_every_format(genbench: Callable[..., Said], two: None, form: str) -> None:
    said = genbench("compare", "s/base", "s/worse", "--format", form)
    assert (said.code, said.err) == (0, "") and "WORSE" in said.out and "\x1b" not in said.out
    assert said.out.endswith("\n")
    if form == "json":
        assert json.loads(said.out)["gate"] is None
    if form == "csv":
        assert {row["verdict"] for row in csv.DictReader(io.StringIO(said.out))} == {"WORSE", "SAME"}


def test_it_fits_the_terminal(genbench: Callable[..., Said], two: None, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    said = genbench("compare", "s/base", "s/worse")
    assert max(map(cell_len, said.out.splitlines())) <= 60


def test_a_run_can_be_named_in_every_way(
    genbench: Callable[..., Said], two: None, fresh_folder: Path
) -> None:
    said = [
        genbench("compare", "s/base", name).out
        for name in ("s/worse", "results/s/worse", "results/s/worse/records.jsonl")
    ]
    assert len(set(said)) == 1
    (fresh_folder / "results").rename(fresh_folder / "there")
    assert genbench("compare", "s/base", "s/worse", "--results", "there").out == said[0]


def test_runs_joined_by_commas_are_pooled(genbench: Callable[..., Said], write: Callable[..., Path]) -> None:
    write("base", trained("base", GOOD))
    for number in (1, 2):
        moved = [
            Record(**{**_fields(r), "seed": 10 * number + (r.seed or 0)})
            for r in trained(f"new{number}", GOOD, seeds=4)
        ]
        write(f"new{number}", moved)
    said = genbench("compare", "s/base", "s/new1, s/new2", "--format", "json")
    assert said.code == 0
    content = json.loads(said.out)
    assert content["new"] == ["new1", "new2"] and content["rows"][0]["new"]["n"] == 8
    assert "2 runs pooled" in genbench("compare", "s/base", "s/new1,s/new2").out


def _fields(one: Record) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(one)


def test_a_path_with_a_comma_is_one_run(genbench: Callable[..., Said], write: Callable[..., Path]) -> None:
    write("base", trained("base", GOOD))
    write("a,b", trained("a,b", WORSE))
    said = genbench("compare", "s/base", "s/a,b")
    assert said.code == 0 and "WORSE" in said.out


def test_a_margin_of_ones_own(genbench: Callable[..., Said], two: None) -> None:
    wide = ("--margin", "60%", "--metrics", "quality.fid")
    said = genbench("compare", "s/worse", "s/base", *wide)
    assert said.code == 0 and "SAME" in said.out and "BETTER" not in said.out.partition("Each side")[0]
    assert "up to 60 % of both sides' mean size counts as none" in said.out
    said = genbench("compare", "s/base", "s/worse", *wide)  # where the gate has its own
    assert "WORSE" in said.out.partition("Each side")[0]
    assert "up to 5 % of both sides' mean size counts as none" in said.out


def test_gates_set_margins_and_families_with_and_without_gate(
    genbench: Callable[..., Said], write: Callable[..., Path]
) -> None:
    write("base", trained("base", GOOD))
    write("new", trained("new", WORSE), [{"metric": "quality.fid", "allow": 4.0}])
    plain, gated = (genbench("compare", "s/base", "s/new", *more) for more in ((), ("--gate",)))
    assert gated.out.startswith(plain.out) and "(4 for FD)" in plain.out and "Gated: FD" in plain.out
    assert gated.out.removeprefix(plain.out) == "\ngate passed: 1 rule\n" and gated.code == 0


def test_a_broken_gate_exits_1(genbench: Callable[..., Said], two: None) -> None:
    said = genbench("compare", "s/base", "s/worse", "--gate")
    assert (said.code, said.err) == (1, "")
    first, last = said.out.splitlines()[-2:]
    assert first.startswith("WORSE  vae on digits: FD (quality.fid) ") and last == "gate FAILED: 1 of 1 rule"


def test_an_undecided_gate_exits_2_and_a_broken_one_wins(
    genbench: Callable[..., Said], write: Callable[..., Path]
) -> None:
    write("base", trained("base", GOOD))
    missing = {"metric": "quality.elbo"}
    write("good", trained("good", GOOD), [FID_GATE, missing])
    write("worse", trained("worse", WORSE), [FID_GATE, missing])
    said = genbench("compare", "s/base", "s/good", "--gate")
    assert said.code == 2 and "UNDECIDED" in said.out
    assert said.out.endswith("gate NOT PASSED: 1 rule could not be decided\n")
    said = genbench("compare", "s/base", "s/worse", "--gate")
    assert said.code == 1 and said.out.endswith("gate FAILED: 1 of 1 rule; 1 rule could not be decided\n")


@pytest.mark.parametrize("form", ["md", "csv", "json"])
def test_gate_lines_spoil_no_format(genbench: Callable[..., Said], two: None, form: str) -> None:
    plain, gated = (
        genbench("compare", "s/base", "s/worse", "--format", form, *more) for more in ((), ("--gate",))
    )
    assert gated.code == 1
    if form == "json":
        gate = json.loads(gated.out)["gate"]
        assert gate["passed"] is False and gate["lines"][-1] == "gate FAILED: 1 of 1 rule" and not gated.err
    elif form == "md":
        assert gated.out.startswith(plain.out) and "\n- WORSE " in gated.out and not gated.err
        assert gated.out.endswith("- gate FAILED: 1 of 1 rule\n")
    else:
        assert gated.out == plain.out and gated.err.endswith("gate FAILED: 1 of 1 rule\n")


def test_the_gates_of_another_suite(
    genbench: Callable[..., Said], write: Callable[..., Path], fresh_folder: Path
) -> None:
    (fresh_folder / "s.toml").write_text(SUITE)
    write("base", trained("base", GOOD))
    bare = write("worse", trained("worse", WORSE), None) / "records.jsonl"
    bare.rename(fresh_folder / "bare.jsonl")
    said = genbench("compare", "s/base", "bare.jsonl", "--gate", "--gates", "s.toml")
    assert said.code == 1 and "gate FAILED: 1 of 1 rule" in said.out
    said = genbench("compare", "s/base", "bare.jsonl", "--gates", "s.toml")  # for its margins alone
    assert said.code == 0 and "Gated: FD" in said.out and "gate FAILED" not in said.out


def test_a_gate_that_is_narrowed_says_so(genbench: Callable[..., Said], write: Callable[..., Path]) -> None:
    both = [r for label in ("gan", "vae") for r in trained("base", GOOD, model=label)]
    write("base", both)
    gates = [{"metric": "quality.fid", "model": "gan"}, {"metric": "modes.kl"}, FID_GATE]
    write("new", trained("new", GOOD), gates)
    said = genbench("compare", "s/base", "s/new", "--gate")
    assert said.code == 2 and "GONE" in said.out
    said = genbench("compare", "s/base", "s/new", "--gate", "--models", "vae")
    assert said.code == 0 and "gate passed: 2 rules" in said.out
    assert "NOTE  1 gate is about other models or metrics, and not looked at" in said.out
    said = genbench("compare", "s/base", "s/new", "--gate", "--models", "vae", "--metrics", "modes")
    assert said.code == 0 and "NOTE  2 gates are" in said.out and "gate passed: 1 rule\n" in said.out


def test_gates_that_cannot_fire_are_warned_of(
    genbench: Callable[..., Said], write: Callable[..., Path]
) -> None:
    write("base", trained("base", GOOD, seeds=5))
    write("new", trained("new", WORSE, seeds=5), [FID_GATE])
    said = genbench("compare", "s/base", "s/new", "--gate")
    assert said.code == 0 and "WARNING  1 of 1 gated rows can never be WORSE" in said.out
    assert "UNSURE  1 of 1 gated rows" in said.out


def test_help_says_the_exit_codes(genbench: Callable[..., Said]) -> None:
    said = " ".join(genbench("compare", "--help").out.split())
    assert "--gate" in said and "Exit 1 if NEW breaks a gate" in said


WRONG = {
    "no run": (("s/bse", "s/worse"), "unknown run 's/bse'. Did you mean 's/base'?"),
    "one of a pool is none": (("s/base", "s/worse,s/wrse"), "Did you mean 's/worse'?"),
    "an empty pool": (("s/base", "s/worse,"), "has an empty name. Join names by single commas"),
    "a folder of runs": (("s/base", "s"), "is a folder of runs, not a run. Name one of them"),
    "one model only": (("s/base",), "vae alone cannot be compared. Name a second run, or two models"),
    "an unknown model": (
        ("s/models", "--models", "vae,wgann"),
        "--models: unknown model of these runs 'wgann'",
    ),
    "its nearest name": (("s/models", "--models", "vae,wgann"), "Did you mean 'wgan'?"),
    "an empty list of models": (("s/models", "--models", ","), "--models ',' has an empty name"),
    "an unknown metric": (("s/base", "s/worse", "--metrics", "quality.fdi"), "Did you mean 'quality.fid'?"),
    "an unknown group": (("s/base", "s/worse", "--metrics", "qualty"), "Did you mean 'quality'?"),
    "a margin in words": (("s/base", "s/worse", "--margin", "much"), "--margin: 'much' is no margin"),
    "a gate of one side": (
        ("s/models", "--gate"),
        "--gate needs two sides: genbench compare BASE NEW --gate",
    ),
    "gates of one side": (("s/models", "--gates", "s.toml"), "--gates needs two sides"),
    "no gates": (("s/worse", "s/base", "--gate"), "s/base was made without gates: there is nothing to judge"),
    "how to have gates": (("s/worse", "s/base", "--gate"), "Give a suite that has them: --gates SUITE.toml"),
    "a suite without gates": (
        ("s/base", "s/worse", "--gate", "--gates", "none.toml"),
        "none.toml has no gates",
    ),
    "no such suite": (("s/base", "s/worse", "--gate", "--gates", "so.toml"), "no suite file at so.toml"),
    "a suite that is none": (
        ("s/base", "s/worse", "--gate", "--gates", "bad.toml"),
        "bad.toml is not valid TOML",
    ),
    "a bare file": (
        ("s/base", "bare.jsonl", "--gate"),
        "nothing beside the records of bare.jsonl tells its gates",
    ),
    "a damaged run": (("s/base", "s/damaged", "--gate"), "cannot read the gates of a run from"),
    "no gate is left": (
        ("s/base", "s/worse", "--gate", "--metrics", "modes"),
        "no gate is about these --models and --metrics",
    ),
    "gates that differ": (("s/base", "s/worse,s/other", "--gate"), "were made with different gates"),
    "a quick run": (("s/base", "s/quick"), "was shortened by --quick: its numbers are never compared"),
    "an empty run": (("s/base", "s/empty"), "s/empty: no number was finished there"),
    "a file of something else": (("s/base", "s.toml"), "s.toml"),
    "an unfinished run": (
        ("s/base", "s/half", "--gate"),
        "seeds 6, 7 of vae on digits (new) are not finished",
    ),
    "how to finish it": (("s/base", "s/half", "--gate"), "suite.toml --resume results/s/half`"),
    "unfinished runs of a pool": (("s/base", "s/half,s/half2", "--gate"), "run SUITE.toml --resume RUN`"),
    "an unfinished base": (("s/half", "s/worse", "--gate"), "seeds 6, 7 of vae on digits (base) are not"),
    "runs that cannot be pooled": (("s/base,s/worse", "s/worse"), "so they cannot be pooled"),
    "a run held against itself": (("s/worse", "s/worse", "--gate"), "is on both sides, and nothing is worse"),
    "a second look without a gate": (("s/base", "s/worse", "--confirm"), "--confirm goes with --gate"),
    "a second look at a pool": (
        ("s/base", "s/worse,s/other", "--gate", "--confirm"),
        "NEW has to be the directory of one run",
    ),
    "a second look at a file": (
        ("s/base", "bare.jsonl", "--gate", "--confirm"),
        "NEW has to be the directory of one run",
    ),
    "a plugin that is not there": (
        ("s/base", "s/worse", "--gate", "--confirm", "--plugin", "none.py"),
        "no plugin file at none.py",
    ),
    "a run that does not say how it was made": (
        ("s/base", "s/worse", "--gate", "--confirm"),
        "so it cannot be repeated. Run its suite again",
    ),
    "a killed run": (("s/base", "s/killed", "--gate"), "has not come to its end: vae on digits, seed 9"),
}


@pytest.fixture(scope="module")
def odd_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of every kind that cannot be compared with something."""
    folder = tmp_path_factory.mktemp("odd")
    write = partial(write_run, folder)
    write("base", trained("base", GOOD))
    write("worse", trained("worse", WORSE), [FID_GATE])
    write("models", three_models())
    write("quick", trained("quick", GOOD, protocol={"quick": True}), [FID_GATE])
    write("empty", [])
    write("half", trained("half", GOOD, ended=6), [FID_GATE])
    half2 = [Record(**{**_fields(r), "seed": 90 + (r.seed or 0)}) for r in trained("half2", GOOD, ended=6)]
    write("half2", half2, [FID_GATE])
    other = [Record(**{**_fields(r), "seed": 90 + (r.seed or 0)}) for r in trained("other", GOOD)]
    write("other", other, [{"metric": "modes.kl"}])
    killed = write("killed", trained("killed", GOOD), [FID_GATE])
    planned = {"label": "vae", "dataset": "digits", "trials": {"never begun": 9}}
    resolved = json.loads((killed / "resolved.json").read_text())
    (killed / "resolved.json").write_text(json.dumps({**resolved, "cohort": [planned]}))
    (write("damaged", trained("damaged", GOOD)) / "resolved.json").write_text("{")
    (folder / "bare.jsonl").write_text("".join(f"{r.to_json()}\n" for r in trained("bare", GOOD)))
    (folder / "s.toml").write_text(SUITE)
    (folder / "none.toml").write_text(SUITE.partition("[[gate]]")[0])
    (folder / "bad.toml").write_text("x")
    return folder


@pytest.mark.parametrize("what", WRONG)
def test_wrong_input(
    genbench: Callable[..., Said], odd_runs: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.chdir(odd_runs)
    arguments, expected = WRONG[what]
    said = genbench("compare", *arguments)
    assert (said.code, said.out) == (2, "")
    assert expected in said.err and said.err.startswith("error: ") and said.err.count("\n") == 1


def test_an_unfinished_run_is_compared_without_a_gate(
    genbench: Callable[..., Said], write: Callable[..., Path]
) -> None:
    write("base", trained("base", GOOD))
    write("half", trained("half", GOOD, ended=6), [FID_GATE])
    said = genbench("compare", "s/base", "s/half")
    assert said.code == 0
    assert "Not counted: seeds 6, 7 of vae on digits (new) are not finished." in " ".join(said.out.split())


def test_a_bare_file_and_an_old_run_are_compared_without_gates(
    genbench: Callable[..., Said], write: Callable[..., Path], fresh_folder: Path
) -> None:
    write("base", trained("base", GOOD))
    old = write("old", trained("old", WORSE))
    (old / "resolved.json").write_text('{"name": "s"}')  # as written before there were gates
    assert genbench("compare", "s/base", "s/old").code == 0
    (old / "records.jsonl").rename(fresh_folder / "bare.jsonl")
    assert genbench("compare", "s/base", "bare.jsonl").code == 0


def test_labels_of_others_are_harmless(genbench: Callable[..., Said], write: Callable[..., Path]) -> None:
    name = "v\x1b[31ma\u202ee"
    write("base", trained("base", GOOD, model=name))
    write("new", trained("new", WORSE, model=name), [FID_GATE])
    for form in ("rich", "md", "csv", "json", "latex"):
        said = genbench("compare", "s/base", "s/new", "--gate", "--format", form)
        assert said.code == 1 and not set(said.out + said.err) & set("\x1b\u202e")
        assert "vae on digits" in said.out + said.err
