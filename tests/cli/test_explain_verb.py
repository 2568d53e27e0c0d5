"""``genbench explain``."""

import re

import pytest


@pytest.fixture
def made_up(monkeypatch):
    """Looking into a model takes seconds: what it was asked, and an answer that was made up."""
    from genbench.report.explanation.content import Explanation, Missing, Subject

    asked = []
    subject = Subject("gan", "gan", "digits", "tiny/run", "t", 0, 6, 0, 4, "normal", "", "", "")

    def answer(trial, **options):
        asked.append((trial, options))
        return Explanation(subject, *[Missing("made up")] * 8)

    monkeypatch.setattr("genbench.runner.explain.explain", answer)
    return asked


def test_help_and_missing_arguments(genbench):
    said = genbench("explain", "--help")
    assert said.code == 0 and "RUN/TRIAL" in said.out and "--plugin" in said.out
    assert "explain" in genbench("--help").out
    said = genbench("explain")
    assert said.code == 2 and "Usage: genbench explain" in said.err
    assert genbench("explain", "x", "--device", "tpu").code == 2


def test_it_says_where_the_page_is_and_how_long_it_took(genbench, made_up, fresh_folder):
    said = genbench("explain", "tiny/latest/t", "-o", "a/page", "--seed", "4", "--device", "cpu")
    assert said.code == 0 and re.fullmatch(r"a/page/index.html \(\d+ s\)\n", said.out)
    page = (fresh_folder / "a" / "page" / "index.html").read_text()
    assert "gan on digits" in page and page.count("Not made: made up") == 8
    ((trial, options),) = made_up
    assert trial == "tiny/latest/t" and options["seed"] == 4 and options["device"] == "cpu"
    assert str(options["results"]) == "results"
    assert genbench("explain", "x").out.startswith("explain/index.html")  # a folder of its own by default


def test_a_plugin_is_loaded_first(genbench, made_up, fresh_folder):
    (fresh_folder / "p.py").write_text("1 / 0")
    said = genbench("explain", "x", "--plugin", "p.py")
    assert said.code == 2 and "plugin p.py fails: ZeroDivisionError" in said.err and not made_up


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["explain", "nope"], r"unknown run 'nope'"),
        (["explain", "tiny.toml"], r"checkpoint tiny.toml is damaged"),
        (["explain", "x", "-o", "tiny.toml"], r"-o tiny.toml: that is a file, and the page needs a folder"),
    ],
)
def test_wrong_input_is_one_paragraph(genbench, fresh_folder, arguments, text):
    said = genbench(*arguments)
    assert said.code == 2 and said.out == "" and re.search(text, said.err)
    assert not (fresh_folder / "explain").exists()


@pytest.mark.run
def test_a_trial_of_a_run(genbench, results, fresh_folder):
    pytest.importorskip("captum")
    wrong = genbench("explain", "tiny/latest/nope", "--results", str(results))
    assert wrong.code == 2 and re.search(
        r"has no checkpoint of a trial 'nope'. It has: .*gan on digits", wrong.err
    )
    checkpoint = next((results / "tiny").glob("*/trials/*/checkpoint.safetensors"))
    name = f"tiny/latest/{checkpoint.parent.name}"
    said = genbench("explain", name, "--results", str(results))
    assert said.code == 0 and said.out.startswith("explain/index.html (")
    page = (fresh_folder / "explain" / "index.html").read_text()
    assert "Not made" not in page and page.count("<figure") >= 9
    assert len(list((fresh_folder / "explain").glob("*.png"))) == page.count("<figure")
