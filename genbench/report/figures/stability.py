"""How generators moved while they were trained: a row a model, a thin line a seed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genbench.core.errors import GenbenchWarning, RecordError
from genbench.report.figures import captions
from genbench.report.figures.axes import few_log_ticks, few_ticks, scale, tidy
from genbench.report.figures.figure import PLAIN, style
from genbench.report.figures.frames import frame_of, text
from genbench.report.figures.layout import Entry, Room, name_of, sheet, wrapped
from genbench.report.figures.plot import Plot, Scope
from genbench.report.figures.themed import GREY
from genbench.report.untrusted import clean
from genbench.store.course import Course, Series, read_course

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = ("model", "seed", "step", "drift", "entropy", "coverage", "quality_a", "quality_b")
"""A row a snapshot, as ``stability.jsonl`` has it."""

_PANELS = 3
_LINE = 0.9  # points
_NAMED = 4  # damaged trials; more are counted
_TITLE_WIDTH = 1.9  # inches


@dataclass(frozen=True, slots=True)
class _Panel:
    """One of the panels of a row: its axis, and which series it shows, the second one dashed."""

    label: str
    solid: str
    dashed: str = ""
    log: bool = False


_DRIFT = _Panel("drift", "drift", log=True)
_VARIETY = _Panel("variety", "entropy", "coverage")
_QUALITY = _Panel("FD", "quality_b", log=True)

_Courses = Mapping[str, Mapping[int, Course]]


def stability(scope: Scope) -> Plot | None:
    """Draw drift, variety and quality at every snapshot, where the runs' folders have them."""
    found, damaged = _courses(scope)
    panels = [panel for panel in (_DRIFT, _VARIETY, _QUALITY) if _values(found, panel)]
    if not panels:
        return None
    title = f"{scope.where}: stability while training"
    names = [wrapped(name_of(model).replace("\n", " "), _TITLE_WIDTH, bold=True) for model in found]
    above = 0.08 + 0.13 * max(1 + name.count("\n") for name in names)
    room = Room(0.5, between=0.5, above=above)
    both = _VARIETY in panels and _has(found, _VARIETY.dashed)
    with style():
        figure, grid = sheet(
            title, len(panels) * len(found), len(panels), 0.85, room, _entries() if both else ()
        )
        for place, axes in enumerate(grid):
            line, column = divmod(place, len(panels))
            model, panel = list(found)[line], panels[column]
            for course in found[model].values():
                _draw(axes, course, panel, scope.looks[model].color)
            _limits(axes, found, panel)
            if not column:
                axes.set_title(names[line], fontsize=PLAIN, linespacing=1.0, loc="left")
            axes.set_xlabel("training steps")
            axes.set_ylabel(panel.label)
            tidy(axes)
    frame = frame_of(_rows(found), COLUMNS)
    caption = _caption(found, panels, damaged)
    return Plot(scope.summary.run, scope.summary.dataset, "stability", title, caption, figure, frame)


def _courses(scope: Scope) -> tuple[_Courses, Sequence[str]]:
    """By model and seed, those there are; and which trials have a damaged one, as people name them."""
    known = {r.trial: (r.model, r.seed) for r in scope.everything if r.seed is not None}
    by_model: dict[str, dict[int, Course]] = {}
    damaged: list[str] = []
    for trial, (model, seed) in known.items():
        directory = scope.trials.get(trial)
        try:
            course = read_course(directory.stability) if directory else None
        except RecordError as error:  # the other seeds are as good without it
            warnings.warn(GenbenchWarning(f"a course is left out: {error}"), stacklevel=2)
            damaged.append(f"{clean(model)}, seed {seed}")
            continue
        if course is not None and seed is not None:
            by_model.setdefault(model, {})[seed] = course
    found = {row.model: by_model[row.model] for row in scope.models if row.model in by_model}
    return found, damaged


def _series(course: Course, name: str) -> Series:
    series: Series = getattr(course, name) if name else ()
    return series


def _values(found: _Courses, panel: _Panel) -> list[float]:
    """Every number of a panel that can be drawn, in all models."""
    courses = [course for by_seed in found.values() for course in by_seed.values()]
    values = [v for course in courses for name in (panel.solid, panel.dashed) for v in _series(course, name)]
    return [value for value in values if value is not None and (value > 0 or not panel.log)]


def _has(found: _Courses, name: str) -> bool:
    courses = [course for by_seed in found.values() for course in by_seed.values()]
    return any(value is not None for course in courses for value in _series(course, name))


def _draw(axes: Axes, course: Course, panel: _Panel, color: str) -> None:
    for name, dashes in ((panel.solid, "-"), (panel.dashed, (0, (2.5, 1.5)))):
        values = [math.nan if v is None or (panel.log and v <= 0) else v for v in _series(course, name)]
        if not all(map(math.isnan, values)):
            axes.plot(course.steps, values, linestyle=dashes, linewidth=_LINE, color=color, alpha=0.75)


def _limits(axes: Axes, found: _Courses, panel: _Panel) -> None:
    """The same in a whole column, so that models compare."""
    last = max(course.steps[-1] for by_seed in found.values() for course in by_seed.values())
    axes.set_xlim(0, max(1, last) * 1.04)
    few_ticks(axes, "x", 3)
    values = _values(found, panel)
    if panel is _VARIETY:
        axes.set_ylim(-0.04, 1.06)
        few_ticks(axes, "y", 3)
    else:
        scale(axes, "y", values, log=panel.log)
        few_log_ticks(axes, "y")


def _entries() -> list[Entry]:
    """What the two lines of variety are."""
    plain = {"marker": "none", "color": GREY, "linewidth": 1.2}
    return [
        ({**plain, "linestyle": "-"}, "entropy of the classes"),
        ({**plain, "linestyle": (0, (2.5, 1.5))}, "variance of the factors"),
    ]


def _caption(found: _Courses, panels: Sequence[_Panel], damaged: Sequence[str]) -> str:
    counts = captions.count_of(map(len, found.values()), "seed")
    said = {
        _DRIFT.label: "drift, the squared distance of the samples of fixed latents to those of the snapshot "
        "before over that of two real examples (1: as different as these)",
        _VARIETY.label: _variety(found),
        _QUALITY.label: "the Fréchet distance of one half of these samples to one half of the test examples",
    }
    told = "; ".join(said[panel.label] for panel in panels)
    caption = f"A thin line a seed ({counts}), with the same axes for all models: {told}."
    if damaged:
        more = len(damaged) - _NAMED
        named = "; ".join(damaged[:_NAMED]) + (f"; and {more} more" if more > 0 else "")
        caption += f" Left out, because their stability.jsonl is damaged: {named}."
    return caption


def _variety(found: _Courses) -> str:
    """What the panel of variety shows of this data."""
    said = {
        "entropy": "the entropy of their classes as a share of the largest possible",
        "coverage": "dashed, the share of the factors' variance that they have",
    }
    return "variety: " + ", and ".join(told for name, told in said.items() if _has(found, name))


def _rows(found: _Courses) -> Iterator[Mapping[str, object]]:
    for model, by_seed in found.items():
        for seed, course in sorted(by_seed.items()):
            for place, step in enumerate(course.steps):
                series = {name: _series(course, name)[place] for name in COLUMNS[3:]}
                yield {"model": text(model), "seed": seed, "step": step, **series}
