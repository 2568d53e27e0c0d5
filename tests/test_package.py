"""The package as a library: light to import, and every name that it promises is there."""

import subprocess
import sys
from pathlib import Path

import pytest

import genbench

HEAVY = "{'torch', 'numpy', 'pandas', 'scipy', 'sklearn', 'matplotlib', 'rich', 'typer', 'pydantic'}"


def test_importing_it_imports_nothing_heavy():
    code = f"import sys, genbench\nassert not {HEAVY} & set(sys.modules), {HEAVY} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_reading_and_publishing_import_no_torch():
    code = (
        "import sys, genbench\n"
        "genbench.load_suite, genbench.build_tables, genbench.render, genbench.to_frame\n"
        "genbench.read_records, genbench.load_run, genbench.merged\n"
        "from genbench.core.registry import datasets, models\nmodels.names(), datasets.names()\n"
        "genbench.compare_runs, genbench.compare_models, genbench.render_comparison\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", genbench.__all__)
def test_every_promised_name_is_there(name):
    thing = getattr(genbench, name)
    assert thing is not None
    assert name in dir(genbench)


def test_the_promises_are_sorted_and_complete():
    assert genbench.__all__ == sorted(genbench.__all__)
    assert set(genbench.__all__) == set(genbench._HOME)


def test_runs_are_compared_from_python():
    published = Path(__file__).parent.parent / "results" / "mnist" / "baseline"
    records = genbench.load_run(published)
    comparison = genbench.compare_models(records, models=["wgan", "vae"], metrics=["quality.fid"])
    assert genbench.render_comparison(comparison, "md").startswith("suite mnist; run ")
    same = genbench.compare_runs(records, records, metrics=["quality", "modes"])
    assert {row.verdict for row in same.rows} == {"SAME"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'genbench' has no attribute 'nothing'"):
        _ = genbench.nothing


@pytest.mark.run
def test_the_docstrings_example_runs(tmp_path):
    path = tmp_path / "suite.toml"
    path.write_text(
        'name = "example"\nseeds = 1\nmeasures = ["modes"]\nsamples = 20\n[train]\nsteps = 2\n'
        '[[dataset]]\nname = "digits"\n[[model]]\nname = "vae"\n'
    )
    suite = genbench.load_suite(path, quick=True)
    result = genbench.run(suite, out=tmp_path)
    assert "| vae" in genbench.render(genbench.build_tables(result.records), "md")
    (trial,) = {r.trial for r in result.records if r.model == "vae"}
    assert genbench.sample(result.path / "trials" / trial, 3).shape == (3, 1, 28, 28)
    assert set(genbench.to_frame(result.records)["model"]) >= {"vae", "real"}


def test_the_version_is_that_of_the_installed_package():
    from importlib.metadata import version

    assert version("genbench") == genbench.__version__
