"""``genbench report``."""

import json
import shutil

import pytest


@pytest.fixture
def tiny(results, fresh_folder):
    """A copy of the tiny run that may be written to."""
    (run,) = (results / "tiny").iterdir()
    shutil.copytree(run, fresh_folder / "results" / "tiny" / run.name)
    return fresh_folder / "results" / "tiny" / run.name


@pytest.fixture
def undrawn(monkeypatch):
    """Pages without figures, which take most of the time."""
    monkeypatch.setattr("genbench.report.figures.catalogue.plots", lambda _: iter(()))


def test_the_page_lies_beside_the_records(genbench, tiny, undrawn):
    said = genbench("report", "tiny/latest")
    page = tiny / "report.html"
    assert said.out == f"results/tiny/{tiny.name}/report.html ({round(page.stat().st_size / 1000)} kB)\n"
    text = page.read_text()
    assert "Does it [run]?" in text and "data:image/png" in text
    assert "All 4 trainings came to their end." in text


def test_o_says_where_and_several_runs_go_to_this_folder(
    genbench, tiny, fresh_folder, undrawn, of_another_run
):
    said = genbench("report", "tiny/latest", "-o", "there/page.html")
    assert said.code == 0 and said.out.startswith("there/page.html (") and not said.err
    assert not (tiny / "report.html").exists()
    other = shutil.copytree(tiny, tiny.with_name("again"))
    of_another_run(tiny / "records.jsonl", other / "records.jsonl", "again")  # a copy would be refused
    said = genbench("report", "tiny/latest", str(other))
    assert (
        said.code == 0 and said.out.startswith("report.html (") and (fresh_folder / "report.html").is_file()
    )
    lone = fresh_folder / "lone.jsonl"
    shutil.copy(tiny / "records.jsonl", lone)
    (fresh_folder / "report.html").unlink()
    assert genbench("report", "lone.jsonl").out.startswith("report.html (")


def test_what_set_changed_is_part_of_the_command(genbench, tiny, undrawn):
    resolved = json.loads((tiny / "resolved.json").read_text())
    resolved["train"]["steps"] = 9
    del resolved["given"]  # as runs of before have it
    (tiny / "resolved.json").write_text(json.dumps(resolved))
    genbench("report", "tiny/latest")
    assert "genbench run suite.toml --set train.steps=9<" in (tiny / "report.html").read_text()


def test_of_a_run_as_its_suite_is_nothing_was_changed(genbench, tiny, undrawn):
    genbench("report", "tiny/latest")
    assert "<code>genbench run suite.toml</code>" in (tiny / "report.html").read_text()


def test_wrong_input_is_told_as_by_show(genbench, tiny, fresh_folder):
    said, shown = genbench("report", "nowhere"), genbench("show", "nowhere")
    assert said.code == 2 and said.err == shown.err and not said.out
    assert genbench("report").code == 2
    (tiny / "records.jsonl").write_text("")
    said = genbench("report", "tiny/latest")
    assert said.code == 2 and "no number was finished there" in said.err
    assert not (tiny / "report.html").exists()


def test_a_page_that_cannot_be_written_is_told_with_a_remedy(genbench, tiny, fresh_folder, undrawn):
    (fresh_folder / "file").write_text("")
    said = genbench("report", "tiny/latest", "-o", "file/page.html")
    assert said.code == 2 and said.err.startswith("error: cannot write file/page.html")
    assert "or choose another place" in said.err
