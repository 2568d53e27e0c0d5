"""Losses and gradient norms while training: a panel a player, a line a model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from genbench.report.figures import captions
from genbench.report.figures.axes import LOG_FROM, few_ticks, scale, tidy
from genbench.report.figures.figure import style
from genbench.report.figures.frames import frame_of, text
from genbench.report.figures.layout import Room, name_of, sheet
from genbench.report.figures.marks import bands, model_entries, model_mark
from genbench.report.figures.plot import Plot, Scope
from genbench.store.curves import Curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = ("model", "player", "log", "step", "median", "low", "high", "n")
"""``low`` and ``high`` are the lowest and the highest of ``n`` seeds."""

_LOSS, _NORM = ".loss", ".gradient_norm"
_MOST = 120  # steps of a line; more cannot be told apart
_COLUMNS = 2
_NAMED = 4  # damaged trials; more are counted
_RARE = 40  # one band in so many may reach beyond its panel


@dataclass(frozen=True, slots=True)
class _Spot:
    step: int
    median: float
    low: float
    high: float
    n: int


_Line = Sequence[_Spot]


def losses(scope: Scope) -> Plot | None:
    """Draw the losses of all players, where the runs' folders have them."""
    caption = (
        "Losses of different models are different functions: compare their courses, not their heights. "
        "Where these are far apart, a player has a panel for each height."
    )
    return _plot(scope, "losses", "losses while training", "loss", _LOSS, caption)


def gradients(scope: Scope) -> Plot | None:
    """Draw the norms of all players' gradients, where the runs' folders have them."""
    caption = "The Euclidean norm of all gradients of a player, before the optimizer sees them."
    return _plot(scope, "gradients", "gradients while training", "gradient norm", _NORM, caption)


def _plot(scope: Scope, name: str, about: str, what: str, ending: str, note: str) -> Plot | None:
    found = {model: _lines(curves, ending) for model, curves in scope.curves.items()}
    panels = list(_panels(found, apart=ending == _LOSS))
    if not panels:
        return None
    title = f"{scope.where}: {about}"
    drawn = [row for row in scope.models if found.get(row.model)]
    columns = min(_COLUMNS, len(panels))
    with style():
        figure, grid = sheet(
            title, len(panels), columns, 1.7, Room(0.66, between=0.66, above=0.24),
            model_entries(scope, drawn, line=True),
        )  # fmt: skip
        for axes, (player, lines) in zip(grid, panels, strict=True):
            _draw(axes, scope, lines)
            _scale(axes, lines, log=ending == _NORM)
            axes.set_title(player, fontsize=8)
            axes.set_xlabel("training steps")
            axes.set_ylabel(what)
            tidy(axes)
    counts = captions.count_of((len(curves) for curves in scope.curves.values()), "seed")
    caption = f"Median over {counts}, bands from the lowest to the highest of them. {note}"
    if scope.damaged:
        caption += f" Left out, because their curves.jsonl is damaged: {_named(scope.damaged)}."
    frame = frame_of(_rows(found, ending), COLUMNS)
    return Plot(scope.summary.run, scope.summary.dataset, name, title, caption, figure, frame)


def _named(trials: Sequence[str]) -> str:
    more = len(trials) - _NAMED
    return "; ".join(trials[:_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _lines(curves: Sequence[Curves], ending: str) -> dict[str, list[_Spot]]:
    """By player, the seeds' values at each step at which any has one, thinned out evenly."""
    names = dict.fromkeys(name for each in curves for name in each.values if name.endswith(ending))
    lines = {}
    for name in names:
        by_step: dict[int, list[float]] = {}
        for each in curves:
            for step, value in zip(each.steps, each.values.get(name, ()), strict=False):
                if value is not None:
                    by_step.setdefault(step, []).append(value)
        steps = sorted(by_step)
        every = math.ceil(len(steps) / _MOST)
        kept = steps[::-1][::every][::-1] if steps else []
        if kept:
            lines[name.removesuffix(ending)] = [
                _Spot(step, median(mine := by_step[step]), min(mine), max(mine), len(mine)) for step in kept
            ]
    return lines


def _panels(
    found: Mapping[str, Mapping[str, _Line]], *, apart: bool
) -> Iterator[tuple[str, Mapping[str, _Line]]]:
    """A title and lines by model: those of one player together, unless they are far apart."""
    for player in dict.fromkeys(player for lines in found.values() for player in lines):
        mine = {model: lines[player] for model, lines in found.items() if player in lines}
        groups: list[list[str]] = []
        for model in sorted(mine, key=lambda model: _size(mine[model])):
            near = groups and _size(mine[model]) <= LOG_FROM * _size(mine[groups[-1][0]])
            if near or (groups and not apart):
                groups[-1].append(model)
            else:
                groups.append([model])
        for place, group in enumerate(groups, start=1):
            title = name_of(player) + (f" ({place} of {len(groups)})" if len(groups) > 1 else "")
            yield title, {model: line for model, line in mine.items() if model in group}


def _size(line: _Line) -> float:
    return median(abs(spot.median) for spot in line)


def _draw(axes: Axes, scope: Scope, lines: Mapping[str, _Line]) -> None:
    """Lines with a mark here and there, not all at the same steps, and bands."""
    steps = {model: [spot.step for spot in spots] for model, spots in lines.items()}
    bands(
        axes,
        list(steps.values()),
        [[spot.low for spot in spots] for spots in lines.values()],
        [[spot.high for spot in spots] for spots in lines.values()],
        [scope.looks[model].color for model in lines],
        0.16 if len(lines) <= 8 else 0.05,
    )
    for place, (model, spots) in enumerate(lines.items()):
        every = max(1, len(spots) // 8)
        axes.plot(
            steps[model], [spot.median for spot in spots], linewidth=1.1, label=model,
            markevery=(place * every // 4 % every, every), **model_mark(scope.looks[model], 3.5),
        )  # fmt: skip


def _scale(axes: Axes, lines: Mapping[str, _Line], *, log: bool) -> None:
    """Limits that show all medians, but not the few steps at which one seed went far off."""
    spots = [spot for line in lines.values() for spot in line]
    rare = len(spots) // _RARE
    lows, highs = sorted(spot.low for spot in spots)[rare:], sorted(spot.high for spot in spots)
    values = [*(spot.median for spot in spots), lows[0], highs[len(highs) - 1 - rare]]
    positive = [value for value in values if value > 0]
    scale(axes, "y", positive if log and positive else values, log=log and bool(positive))
    axes.set_xlim(0, max(spot.step for spot in spots) * 1.04)
    few_ticks(axes, "x", 4)


def _rows(found: Mapping[str, Mapping[str, _Line]], ending: str) -> Iterator[Mapping[str, object]]:
    for model, lines in found.items():
        for player, spots in lines.items():
            for spot in spots:
                yield {
                    "model": text(model), "player": text(player), "log": ending[1:], "step": spot.step,
                    "median": spot.median, "low": spot.low, "high": spot.high, "n": spot.n,
                }  # fmt: skip
