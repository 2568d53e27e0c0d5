"""``genbench plot``."""

import pytest

from genbench.core.record import OUTCOME, Better, Record, Status

NUMBERS = {
    "quality.fid": [3.0, 4.0, 5.0],
    "quality.precision": [0.5, 0.6, 0.7],
    "quality.recall": [0.1, 0.2, 0.3],
}


@pytest.fixture
def finished(fresh_folder):
    """A run of two models, ``results/made/baseline``."""
    folder = fresh_folder / "results" / "made" / "baseline"
    folder.mkdir(parents=True)
    whole = {**NUMBERS, OUTCOME: [100.0] * 3}
    lines = [
        Record(
            run="r", suite="made", trial=f"{model}{seed}", model=model, dataset="digits", seed=seed, step=100,
            metric=metric, value=values[seed], error=None, unit="", better=Better.LOWER, n=1, lanes=3,
            status=Status.DONE, reason="", env="e", code="c", at="now",
        ).to_json()
        for model in ("gan", "vae")
        for seed in range(3)
        for metric, values in whole.items()
    ]  # fmt: skip
    (folder / "records.jsonl").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.run
def test_all_figures_in_all_formats_and_what_is_lacking_in_a_line(genbench, finished, fresh_folder):
    said = genbench("plot", "made/baseline", "-o", "figures")
    assert (said.code, said.err) == (0, "")
    *drawn, lacking = said.out.splitlines()
    assert drawn[0] == "figures/digits-quality: svg, pdf, png, csv"
    assert lacking.startswith("digits: nothing to draw for modes (no shares of single modes), ")
    names = {path.name for path in (fresh_folder / "figures").iterdir()}
    assert len(names) == 4 * len(drawn) and "digits-precision-recall.pdf" in names


def test_one_figure_in_one_format(genbench, finished, fresh_folder):
    said = genbench(
        "plot", str(finished), "-o", "a", "--figure", "seeds", "--format", "svg", "--format", "svg"
    )
    assert (said.code, said.out) == (0, "a/digits-seeds: svg, csv\n")
    assert {path.name for path in (fresh_folder / "a").iterdir()} == {"digits-seeds.svg", "digits-seeds.csv"}


def test_a_figure_that_cannot_be_drawn_is_a_mistake(genbench, finished, fresh_folder):
    said = genbench("plot", "made/baseline", "-o", "a", "--figure", "course")
    assert said.code == 2 and not (fresh_folder / "a").exists()
    assert said.out == "digits: nothing to draw for course (not evaluated on the way).\n"
    assert said.err.startswith("error: no figure was written to a")


def test_wrong_names_are_told_with_the_nearest(genbench, finished):
    said = genbench("plot", "made/baseline", "-o", "a", "--figure", "sseeds")
    assert said.code == 2 and "unknown figure 'sseeds'. Did you mean 'seeds'?" in said.err
    shown, drawn = genbench("show", "made/basline"), genbench("plot", "made/basline", "-o", "a")
    assert drawn.code == shown.code == 2 and drawn.err == shown.err
    assert "Did you mean 'made/baseline'?" in drawn.err
    assert genbench("plot", "made/baseline").code == 2  # where to?


def test_a_folder_that_cannot_be_written_is_told(genbench, finished, fresh_folder):
    (fresh_folder / "file").write_text("")
    said = genbench("plot", "made/baseline", "-o", "file", "--figure", "seeds")
    assert said.code == 2 and "cannot write" in said.err


def test_damaged_losses_stop_nothing_and_are_told(genbench, finished):
    for model, line in (("gan", '{"step": 1, "generator.loss": 0.5}'), ("vae", "no losses")):
        for seed in range(3):
            trial = finished / "trials" / f"{model}{seed}"
            trial.mkdir(parents=True)
            (trial / "curves.jsonl").write_text(line + "\n")
    said = genbench("plot", "made/baseline", "-o", "a", "--figure", "losses", "--format", "svg")
    assert (said.code, said.out) == (0, "a/digits-losses: svg, csv\n")
    assert said.err.count("losses are left out") == 3 and "Restore the file from a copy" in said.err
    page = genbench("report", "made/baseline")
    assert page.code == 0
    text = (finished / "report.html").read_text()
    assert all(f"curves.jsonl of vae, seed {seed}, is damaged" in text for seed in range(3))
    assert "curves.jsonl of gan" not in text and "because their curves.jsonl is damaged: vae, seed 0" in text
