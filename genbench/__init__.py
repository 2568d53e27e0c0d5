"""genbench: a comparative benchmark suite of generative models.

What the commands do is here as plain functions::

    suite = genbench.load_suite("suites/mnist.toml", quick=True)
    result = genbench.run(suite)
    print(genbench.render(genbench.build_tables(result.records), "md"))

Importing the package is cheap; PyTorch is loaded when training or sampling starts.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from genbench.analyse.compare import compare_models as compare_models
    from genbench.analyse.compare import compare_runs as compare_runs
    from genbench.analyse.merge import merged as merged
    from genbench.core.errors import GenbenchError as GenbenchError
    from genbench.core.record import Record as Record
    from genbench.core.registry import load_plugin as load_plugin
    from genbench.data.from_function import dataset as dataset
    from genbench.measures.from_function import metric as metric
    from genbench.report.explanation.page import write_explanation as write_explanation
    from genbench.report.figures.catalogue import plots as plots
    from genbench.report.figures.catalogue import write_plots as write_plots
    from genbench.report.page.page import build_report as build_report
    from genbench.report.render import render as render
    from genbench.report.render import render_comparison as render_comparison
    from genbench.report.tables import build_tables as build_tables
    from genbench.runner.explain import explain as explain
    from genbench.runner.job import RunResult as RunResult
    from genbench.runner.job import run as run
    from genbench.runner.regression import assert_not_worse as assert_not_worse
    from genbench.runner.sample import sample as sample
    from genbench.runner.scoring import evaluate as evaluate
    from genbench.store.frame import to_frame as to_frame
    from genbench.store.journal import read_records as read_records
    from genbench.store.loaded import load_run as load_run
    from genbench.store.loaded import load_runs as load_runs
    from genbench.suite.load import load_suite as load_suite
    from genbench.suite.schema import Suite as Suite

_HOME = {
    "GenbenchError": "genbench.core.errors",
    "Record": "genbench.core.record",
    "RunResult": "genbench.runner.job",
    "Suite": "genbench.suite.schema",
    "assert_not_worse": "genbench.runner.regression",
    "build_report": "genbench.report.page.page",
    "build_tables": "genbench.report.tables",
    "compare_models": "genbench.analyse.compare",
    "compare_runs": "genbench.analyse.compare",
    "dataset": "genbench.data.from_function",
    "evaluate": "genbench.runner.scoring",
    "explain": "genbench.runner.explain",
    "load_plugin": "genbench.core.registry",
    "load_run": "genbench.store.loaded",
    "load_runs": "genbench.store.loaded",
    "load_suite": "genbench.suite.load",
    "merged": "genbench.analyse.merge",
    "metric": "genbench.measures.from_function",
    "plots": "genbench.report.figures.catalogue",
    "read_records": "genbench.store.journal",
    "render": "genbench.report.render",
    "render_comparison": "genbench.report.render",
    "run": "genbench.runner.job",
    "sample": "genbench.runner.sample",
    "to_frame": "genbench.store.frame",
    "write_explanation": "genbench.report.explanation.page",
    "write_plots": "genbench.report.figures.catalogue",
}

__all__ = [
    "GenbenchError",
    "Record",
    "RunResult",
    "Suite",
    "assert_not_worse",
    "build_report",
    "build_tables",
    "compare_models",
    "compare_runs",
    "dataset",
    "evaluate",
    "explain",
    "load_plugin",
    "load_run",
    "load_runs",
    "load_suite",
    "merged",
    "metric",
    "plots",
    "read_records",
    "render",
    "render_comparison",
    "run",
    "sample",
    "to_frame",
    "write_explanation",
    "write_plots",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'genbench' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
