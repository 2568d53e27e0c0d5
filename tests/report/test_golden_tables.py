"""Every format of a table, to the letter.

A small run that has what is hard to show: models that tie, a lost seed, numbers that are missing for
different reasons, controls, a long name, and signs that Markdown and LaTeX take for their own. Where a change
of the tables is meant, write the files anew, and look at each of them before they are committed:

    GENBENCH_RENEW_GOLDEN=1 python -m pytest tests/report/test_golden_tables.py
"""

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from genbench.core.record import OUTCOME, Better, Record, Status
from genbench.report.render import Format, render
from genbench.report.tables import Table, build_tables

Make = Callable[..., Record]
GOLDEN = Path(__file__).parent / "golden"
LONG = "wgan_gp [λ=10] & spectral_norm, 100% of_layers"
SEEDS = range(8)

# By model: middle of each metric over seeds, and how far apart the seeds are.
MODELS = {
    "gan": {"quality.fid": (27.7, 1.4), "quality.kid": (0.0123, 0.0006), "quality.recall": (0.31, 0.02)},
    "ns_gan": {"quality.fid": (28.1, 1.5), "quality.kid": (0.0125, 0.0007), "quality.recall": (0.30, 0.02)},
    LONG: {"quality.fid": (6.61, 0.3), "quality.kid": (0.00042, 0.00003), "quality.recall": (0.32, 0.02)},
    "vae": {
        "quality.fid": (6.55, 0.3),
        "quality.kid": (0.00051, 0.00003),
        "quality.recall": (0.31, 0.02),
        "quality.elbo": (-109.27, 0.4),
    },
}
WAYS = {"quality.recall": Better.HIGHER, "quality.elbo": Better.HIGHER}
NO_BOUND = "no likelihood bound: this model has no encoder (q_phi) to take it with"
DIVERGED = "the encoder's loss is not finite at step 812"


def golden_run(make: Make) -> Iterator[Record]:
    stamp = {"n_fake": 5000, "reference": "test", "quick": False}
    shared = {"dataset": "mnist", "suite": "golden", "lanes": 8, "versions": {"data": "35914650c8be"}}
    for model, middles in MODELS.items():
        for seed in SEEDS:
            here = {**shared, "model": model, "seed": seed, "trial": f"{model} {seed}", "protocol": stamp}
            lost = model == "vae" and seed == 3
            status = Status.DIVERGED if lost else Status.DONE
            for metric in ("quality.fid", "quality.kid", "quality.recall", "quality.elbo"):
                about = {"metric": metric, "better": WAYS.get(metric, Better.LOWER)}
                about |= {"unit": "nats"} if metric == "quality.elbo" else {}
                if lost or metric not in middles:
                    why = (Status.DIVERGED, DIVERGED) if lost else (Status.SKIPPED, NO_BOUND)
                    yield make(**here, **about, value=None, status=why[0], reason=why[1])
                else:
                    middle, apart = middles[metric]
                    yield make(**here, **about, value=middle + apart * (seed * 5 % 8 - 3.5) / 3.5)
            end = {"metric": OUTCOME, "better": Better.NEITHER, "unit": "steps", "value": 2000.0}
            yield make(**here, **end, status=status, reason=DIVERGED if lost else "")
        cohort = {
            **shared,
            "model": model,
            "seed": None,
            "trial": f"all {model}",
            "protocol": {"quick": False},
        }
        fast = {"metric": "throughput.train_images_per_s", "unit": "images/s", "better": Better.HIGHER}
        yield make(**cohort, **fast, value=23822.4 + 9000 * len(middles), error=75.2)
        memory = {"metric": "throughput.peak_memory", "unit": "MiB", "better": Better.LOWER}
        energy = {"metric": "throughput.energy", "unit": "J", "better": Better.LOWER, "value": None}
        yield make(**cohort, **memory, value=911.3)
        yield make(**cohort, **energy, status=Status.SKIPPED, reason="no meter: `nvidia_smi` is not on $PATH")
    scores = {"expected": (0.0915, None), "real": (0.138, 0.0009), "noise": (168.13, 35.43)}
    for control, (fid, kid) in scores.items():
        for seed in [None] if control == "expected" else range(3):
            here = {
                **shared,
                "model": control,
                "seed": seed,
                "trial": f"{control} {seed}",
                "step": 0,
                "lanes": 1,
            }
            shift = 0.01 * (seed or 0)
            yield make(**here, value=fid + shift, protocol=stamp)
            about = {"metric": "quality.kid", "protocol": stamp}
            if kid is None:
                yield make(**here, **about, value=None, status=Status.SKIPPED, reason="no formula is known")
            else:
                yield make(**here, **about, value=kid * (1 + shift))


@pytest.fixture(scope="module")
def tables(make: Make) -> tuple[Table, ...]:
    return build_tables(list(golden_run(make)))


@pytest.mark.parametrize(
    ("name", "form", "width"),
    [
        ("tables-80.txt", "rich", 80),
        ("tables-140.txt", "rich", 140),
        ("tables.md", "md", 0),
        ("tables.tex", "latex", 0),
        ("tables.csv", "csv", 0),
        ("tables.json", "json", 0),
    ],
)
def test_the_format_is_as_it_was(tables: tuple[Table, ...], name: str, form: Format, width: int) -> None:
    text = render(tables, form, width or 100)
    if os.environ.get("GENBENCH_RENEW_GOLDEN"):
        (GOLDEN / name).write_text(text, encoding="utf-8")
    assert text == (GOLDEN / name).read_text(encoding="utf-8"), f"{name} changed: see the top of this file"


# What must hold whatever is in the golden files.


@pytest.mark.parametrize("form", ["rich", "md", "latex", "csv", "json"])
def test_every_format_says_what_is_missing_and_why(tables: tuple[Table, ...], form: Format) -> None:
    text = re.sub(r"\\(?=[_$`])|textasciigrave", "", render(tables, form, 200))
    for why in ("no likelihood bound: this model has no encoder (q_phi)", DIVERGED, "no formula is known"):
        assert why in text
    assert "7/8" in text and "1 diverged" in text


def test_the_best_and_its_ties_are_marked_and_nothing_is_where_models_tie(tables: tuple[Table, ...]) -> None:
    quality, throughput = tables
    best = {
        column.label: [row.name for row in quality.rows if row.cells[place].rank == 1]
        for place, column in enumerate(quality.columns)
    }
    assert best == {"FD": [LONG, "vae"], "KD": [LONG], "recall": [], "ELBO": []}
    assert render([quality], "md").count("**") == 2 * 3
    assert render([quality], "latex").count(r"\textbf{") == 3
    assert render([quality], "rich", 200, color=True).count("\x1b[1m") > 3
    assert "**" not in render([throughput], "md") and r"\textbf" not in render([throughput], "latex")


@pytest.mark.parametrize("width", [80, 140])
def test_terminals_hold_it(tables: tuple[Table, ...], width: int) -> None:
    assert max(map(cell_len, render(tables, "rich", width).splitlines())) <= width


def environments(text: str) -> None:
    """Every environment that begins ends, in the right order, and every brace is closed."""
    open_: list[str] = []
    for verb, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if verb == "begin":
            open_.append(name)
        else:
            assert open_.pop() == name
    assert not open_
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text.replace(r"\\", "")):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert re.sub(r"\\\$", "", text).count("$") % 2 == 0


def test_latex_is_well_formed(tables: tuple[Table, ...], run: list[Record]) -> None:
    for some in (tables, build_tables(run)):
        text = render(some, "latex")
        environments(text)
        body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
        assert not re.search(r"(?<!\\)[%#]", body)
        assert body.isascii() or set(body) <= set(map(chr, range(256)))  # what every LaTeX can set
        for tabular in re.findall(r"\\begin\{tabular\}.*?\\end\{tabular\}", body, re.DOTALL):
            columns = len(re.match(r"\\begin\{tabular\}\{@\{\}([lr]+)@\{\}\}", tabular)[1])
            assert (tabular.count(r"\toprule"), tabular.count(r"\bottomrule")) == (1, 1)
            rows = [line for line in tabular.splitlines() if line.endswith(r" \\")]
            assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {columns - 1}
            assert not any(row.lstrip().startswith("[") for row in rows)  # \\ would take it


def test_latex_labels_are_plain_and_none_stands_twice(make: Make) -> None:
    records = [make(run="a"), make(run="b"), make(run="c", dataset="dig_its"), make(run="d", dataset="%&")]
    text = render(build_tables(records), "latex")
    assert re.findall(r"\\label\{(.*)\}", text) == [
        "tab:digits-quality",
        "tab:digits-quality-2",
        "tab:dig-its-quality",
        "tab:table-quality",
    ]


def test_latex_is_split_where_it_would_be_wider_than_a_page(tables: tuple[Table, ...], make: Make) -> None:
    names = [f"quality.a_long_name_of_metric_{number}" for number in range(12)]
    wide = [make(metric=name, seed=seed, value=seed / 7) for name in names for seed in SEEDS]
    text = render(build_tables(wide), "latex")
    found = re.findall(r"\\begin\{tabular\}\{@\{\}l(r+)@\{\}\}", text)
    assert len(found) > 1 and sum(map(len, found)) == 1 + len(names)  # seeds stand once
    assert max(map(len, found)) - min(map(len, found)) <= 2
    assert text.count(r"\caption") == text.count(r"\label") == 1


def test_csv_and_json_tell_the_same_numbers(tables: tuple[Table, ...]) -> None:
    rows = list(csv.DictReader(io.StringIO(render(tables, "csv"))))
    cells = [
        (table["title"], row["name"], column["metric"], (cell["estimate"] or {}).get("median"), cell["rank"])
        for table in json.loads(render(tables, "json"))["tables"]
        for row in table["rows"]
        for column, cell in zip(table["columns"], row["cells"], strict=True)
    ]
    assert [
        (row["title"], row["model"], row["metric"],
         float(row["median"]) if row["median"] else None, int(row["rank"]) if row["rank"] else None)
        for row in rows
    ] == cells  # fmt: skip
    assert {row["seeds_reason"] for row in rows if row["model"] == "vae"} == {
        f"diverged (seed 3): {DIVERGED}"
    }
