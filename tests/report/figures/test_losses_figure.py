import json

import pytest
from made_scopes import scope_of, trained

from genbench.core.errors import GenbenchWarning
from genbench.report.figures.losses import gradients, losses


@pytest.fixture(scope="module")
def scope(tmp_path_factory):
    root = tmp_path_factory.mktemp("trials")
    records = trained("gan", {"quality.fid": [1.0, 2.0, 3.0]}) + trained("vae", {"quality.fid": [1.0]})
    folders = {}
    for record in records:
        folder = root / record.trial
        folder.mkdir(exist_ok=True)
        folders[record.trial] = folder
        player = "generator" if record.model == "gan" else "autoencoder"
        lines = [
            {
                "step": step,
                f"{player}.loss": None if record.seed == 2 and step == 96 else step + record.seed,
                f"{player}.gradient_norm": 10.0 ** -(step // 32),
                f"{player}.other": 5.0,
            }
            for step in (32, 64, 96)
        ]
        (folder / "curves.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return scope_of(records, folders)


def test_a_panel_a_player_and_the_median_over_seeds(scope):
    plot = losses(scope)
    assert [axes.get_title() for axes in plot.figure.axes] == ["generator", "autoencoder"]
    axes = plot.figure.axes[0]
    line = next(line for line in axes.lines if line.get_label() == "gan")
    assert line.get_xydata().tolist() == [[32, 33], [64, 65], [96, 96.5]]
    assert axes.get_xlim() == pytest.approx((0, 96 * 1.04))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("training steps", "loss")
    row = plot.frame.iloc[2]
    assert (row["model"], row["player"], row["step"]) == ("gan", "generator", 96)
    assert (row["median"], row["low"], row["high"], row["n"]) == (96.5, 96.0, 97.0, 2)
    assert "1 to 3 seeds" in plot.caption and "not their heights" in plot.caption


def test_gradients_are_on_a_logarithmic_axis(scope):
    plot = gradients(scope)
    assert {axes.get_yscale() for axes in plot.figure.axes} == {"log"}
    assert plot.frame["median"].tolist()[:3] == [0.1, 0.01, 0.001]


def test_long_curves_are_thinned_out_but_keep_their_end(tmp_path):
    records = trained("gan", {"quality.fid": [1.0]})
    lines = [json.dumps({"step": step, "generator.loss": 1.0}) for step in range(1, 1002)]
    (tmp_path / "curves.jsonl").write_text("\n".join(lines) + "\n")
    steps = losses(scope_of(records, {records[0].trial: tmp_path})).frame["step"].tolist()
    assert 60 < len(steps) <= 120 and steps[-1] == 1001


def test_models_whose_losses_are_far_apart_have_panels_of_their_own(tmp_path):
    folders, records = {}, []
    for model, size in (("a", 0.5), ("b", -400.0), ("c", -2.0)):
        (record, _) = trained(model, {"quality.fid": [1.0]})
        folder = tmp_path / record.trial
        folder.mkdir()
        line = {"step": 1, "generator.loss": size, "generator.gradient_norm": abs(size)}
        (folder / "curves.jsonl").write_text(json.dumps(line) + "\n")
        folders[record.trial] = folder
        records.append(record)
    scope = scope_of(records, folders)
    panels = {axes.get_title(): axes for axes in losses(scope).figure.axes}
    drawn = {title: [line.get_label() for line in axes.lines] for title, axes in panels.items()}
    assert drawn == {"generator (1 of 2)": ["a", "c"], "generator (2 of 2)": ["b"]}
    assert len(gradients(scope).figure.axes) == 1  # there the axis is logarithmic


def test_a_seed_that_goes_far_off_for_a_moment_does_not_flatten_the_others(tmp_path):
    records = trained("gan", {"quality.fid": [1.0, 2.0, 3.0]})
    folders = {}
    for record in records:
        folder = tmp_path / record.trial
        folder.mkdir(exist_ok=True)
        far = 1e308 if record.seed == 1 else 1.5
        lines = [
            {"step": step, "generator.loss": far if step == 50 else 1.0 + step % 2} for step in range(1, 101)
        ]
        (folder / "curves.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        folders[record.trial] = folder
    plot = losses(scope_of(records, folders))
    plot.figure.canvas.draw()
    assert plot.figure.axes[0].get_ylim()[1] < 3 and plot.frame["high"].max() == 1e308


def test_without_curves_there_is_no_figure(tmp_path):
    records = trained("gan", {"quality.fid": [1.0]})
    assert losses(scope_of(records)) is None and gradients(scope_of(records)) is None
    (tmp_path / "curves.jsonl").write_text('{"step": 1, "generator.loss": null}\n')
    assert losses(scope_of(records, {records[0].trial: tmp_path})) is None


def test_a_damaged_file_leaves_out_its_trial_and_is_told(tmp_path):
    records = trained("gan", {"quality.fid": [1.0, 2.0, 3.0]})
    folders = {}
    for record in records:
        folders[record.trial] = tmp_path / record.trial
        folders[record.trial].mkdir(exist_ok=True)
        line = '{"step": 1, "generator.loss": 1.0}\n'
        (folders[record.trial] / "curves.jsonl").write_text("no losses\n" if record.seed else line)
    scope = scope_of(records, folders)
    with pytest.warns(GenbenchWarning, match=r"losses are left out: .*curves\.jsonl, line 1"):
        plot = losses(scope)
    assert plot.frame["n"].tolist() == [1]
    assert "because their curves.jsonl is damaged: gan, seed 1; gan, seed 2." in plot.caption
    assert gradients(scope) is None
