import csv
import io
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_scopes import record, trained
from PIL import Image

from genbench.analyse.merge import Merged
from genbench.core.errors import GenbenchError, OutputError
from genbench.report.figures.catalogue import KINDS, attempts, file_name, free_name, plots, write_plots

NUMBERS = {"quality.fid": [10.123456789012345, 12.0, 17.0], "quality.precision": [0.1, 0.2, 0.3]}


def merged(records):
    return Merged(tuple(records), {}, ())


@pytest.fixture(scope="module")
def two():
    """Two models of which some figures can be drawn."""
    return merged(trained("gan", NUMBERS) + trained("vae", NUMBERS))


@pytest.fixture(scope="module")
def folder(two, tmp_path_factory):
    """Everything that is written of them."""
    place = tmp_path_factory.mktemp("plots") / "deep"
    write_plots(two, place, ("svg", "pdf", "png"))
    return place


@pytest.mark.run
def test_each_figure_is_written_in_each_format_with_its_numbers(folder):
    names = ("quality", "seeds", "differences")
    wanted = {f"data-{name}.{end}" for name in names for end in ("svg", "pdf", "png", "csv")}
    assert {path.name for path in folder.iterdir()} == wanted
    for path in folder.glob("*.png"):
        with Image.open(path) as picture:
            assert picture.width > 400 and np.asarray(picture.convert("L")).std() > 10  # something is drawn
    assert all("<svg" in path.read_text()[:1000] for path in folder.glob("*.svg"))
    assert all(path.read_bytes().startswith(b"%PDF") for path in folder.glob("*.pdf"))


@pytest.mark.run
def test_the_numbers_beside_a_figure_are_its_frame_in_full_precision(two, folder):
    for plot in plots(two):
        header, *lines = csv.reader(io.StringIO((folder / f"data-{plot.name}.csv").read_text()))
        assert header == list(plot.frame.columns) and len(lines) == len(plot.frame)
        for line, row in zip(lines, plot.frame.itertuples(index=False), strict=True):
            for told, value in zip(line, row, strict=True):
                if isinstance(value, float) and not pd.isna(value):
                    assert float(told) == value
                else:
                    assert told == ("" if pd.isna(value) else str(value))
    assert repr(NUMBERS["quality.fid"][0]) in (folder / "data-quality.csv").read_text()


@pytest.mark.run
def test_the_same_records_make_the_same_files_without_a_date(two, folder, tmp_path):
    for path in write_plots(two, tmp_path, ("svg", "pdf", "png")):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name
        assert b"CreationDate" not in path.read_bytes() and b"<dc:date>" not in path.read_bytes()


def test_the_same_records_in_another_order_make_the_same_numbers(two, tmp_path):
    mixed = merged(
        sorted(two.records, key=lambda r: (r.model, r.metric == "trial.steps", r.metric, -(r.seed or 0)))
    )
    one, other = (write_plots(each, tmp_path / str(n), (), ["seeds"]) for n, each in enumerate((two, mixed)))
    assert [path.read_text() for path in one] == [path.read_text() for path in other]


def test_only_what_was_asked_for_is_drawn_and_what_is_lacking_is_told(two):
    found = list(attempts(two, ["course", "quality"]))
    assert [attempt.kind.name for attempt in found] == ["quality", "course"]  # the catalogue's order
    assert [bool(attempt.plot) for attempt in found] == [True, False]
    assert found[1].kind.lacking == "not evaluated on the way"


def test_a_figure_that_is_not_there_is_refused_with_the_nearest_before_anything_is_drawn(two, tmp_path):
    with pytest.raises(GenbenchError, match=r"unknown figure 'qualty'\. Did you mean 'quality'"):
        plots(two, ["quality", "qualty"])


def test_nothing_to_draw_writes_nothing(tmp_path):
    assert write_plots(merged([record("trial.steps", None)]), tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


def test_several_runs_have_files_of_their_own_even_if_their_names_are_hardly_apart(tmp_path):
    runs = merged([record("quality.fid", 1.0, run=run) for run in ("a", "b/", "b_", "B_")])
    names = [path.name for path in write_plots(runs, tmp_path, ("png",), ["quality"])]
    assert names[::2] == [
        f"{n}.png"
        for n in ("a-data-quality", *(f"b_-data-quality{e}" for e in ("", "-2")), "B_-data-quality-3")
    ]


def test_names_never_lead_out_of_the_folder(tmp_path):
    records = [replace(r, dataset="../d/$x") for r in trained("../../up", NUMBERS)]
    paths = write_plots(merged(records), tmp_path / "plots", ("svg",))
    assert len(paths) == 4 and {path.parent for path in paths} == {tmp_path / "plots"}


def test_names_are_apart_even_where_files_know_no_capitals():
    taken = set()
    assert [free_name(name, taken) for name in ("a", "A", "b", "a-2", "a")] == [
        "a",
        "A-2",
        "b",
        "a-2-2",
        "a-3",
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [("digits", "digits"), ("../x", "_x"), ("..", "_"), ("a b/c", "a_b_c"), ("", "_"), ("x" * 300, "x" * 80)],
)
def test_file_names(text, name):
    assert file_name(text) == name


def test_an_unwritable_folder_is_an_output_error(two, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_plots(two, tmp_path / "file")


def test_kinds_are_named_in_kebab_case_and_apart():
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)


@pytest.mark.run
def test_drawing_touches_no_global_state_and_imports_no_torch(run, tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text("".join(record.to_json() + "\n" for record in run))
    program = f"""
import sys
from pathlib import Path
from genbench.analyse.merge import merged
from genbench.store.loaded import load_runs
from genbench.report.tables import build_tables
from genbench.report.render import render
loaded = load_runs([{str(path)!r}])
render(build_tables(loaded[0].records), "rich", 80)
import genbench.report.figures.catalogue as catalogue
assert not {{"pandas", "seaborn", "matplotlib"}} & set(sys.modules), "tables need no plotting"
import matplotlib as mpl
before = dict(mpl.rcParams)
assert catalogue.write_plots(merged(loaded), Path({str(tmp_path)!r}), ("svg", "pdf", "png"))
import matplotlib.pyplot as plt
assert not plt.get_fignums()
changed = {{k for k in before if k != "backend" and before[k] != mpl.rcParams[k]}}
assert not changed, changed
assert "torch" not in sys.modules
print("fine")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "fine" and "Warning" not in done.stderr, done.stderr
