"""When a model found or lost a mode: a panel a model, modes downwards, training to the right."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from genbench.analyse.estimates import Estimate
from genbench.analyse.standing import Spot, courses
from genbench.core.record import OUTCOME, Record
from genbench.report.figures import captions
from genbench.report.figures.axes import is_of_points
from genbench.report.figures.figure import PLAIN, style
from genbench.report.figures.frames import frame_of, text
from genbench.report.figures.heat import SCALE_HEIGHT, mean, mesh, scale_bar
from genbench.report.figures.layout import Room, name_of, sheet, wrapped
from genbench.report.figures.plot import Plot, Scope
from genbench.report.figures.shares import LOST_BELOW, mode_of, shares_of
from genbench.report.numbers import prefix_of, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = ("model", "step", "mode", "reference", "mean", "low", "high", "n", "lost")
"""As in ``modes``, at each step."""

_COLUMNS = 3
_LEFT = 0.48
_TITLE_WIDTH = 1.9

_Courses = Mapping[str, Mapping[int, Sequence[Spot]]]


def modes_while_training(scope: Scope) -> Plot | None:
    """Draw the shares of all modes at every evaluation, where models were evaluated on the way."""
    shares = shares_of(scope.records)
    if shares is None:
        return None
    found = _courses(scope)
    drawn = [row.model for row in scope.models if len(_steps(found.get(row.model, {}))) > 1]
    if not drawn:
        return None
    numbers = sorted(shares.reference)
    kind = "mode" if is_of_points(scope.summary) else "class"
    title = f"{scope.where}: {kind}{'s' if kind == 'mode' else 'es'} while training"
    columns = min(_COLUMNS, len(drawn))
    named = [wrapped(name_of(model).replace("\n", ""), _TITLE_WIDTH, bold=True) for model in drawn]
    above = 0.08 + 0.13 * max(1 + name.count("\n") for name in named)
    cells = len(numbers) * sum(len(_steps(found[model])) for model in drawn)
    with style():
        room = Room(_LEFT, between=0.25, above=above, right=0.15)
        figure, grid = sheet(title, len(drawn), columns, 1.25, room, tail=SCALE_HEIGHT)
        for place, (axes, model, name) in enumerate(zip(grid, drawn, named, strict=True)):
            _panel(axes, found[model], shares.reference, cells)
            axes.set_title(name, fontsize=PLAIN, linespacing=1.0)
            axes.set_xlabel("training steps")
            if place % columns:
                axes.set_yticklabels([])
            else:
                axes.set_ylabel(kind)
        scale_bar(figure, _LEFT)
    counts = captions.count_of(
        (len(spot.values) for model in drawn for spots in found[model].values() for spot in spots), "seed"
    )
    caption = (
        f"Share of a model's samples in each {kind} as a multiple of the reference's share, at each "
        f"evaluation: the mean over {counts}; white is none."
    )
    frame = frame_of(_rows(found, drawn, shares.reference, numbers), COLUMNS)
    return Plot(
        scope.summary.run, scope.summary.dataset, "modes-while-training", title, caption, figure, frame
    )


def _courses(scope: Scope) -> dict[str, dict[int, tuple[Spot, ...]]]:
    """Every mode's course of every model, read beside the records that say how trials ended."""
    by_mode: dict[int, list[Record]] = {}
    others: list[tuple[int, Record]] = []
    places: dict[int, list[int]] = {}
    for place, record in enumerate(scope.everything):
        if (mode := mode_of(record.metric)) is not None:
            by_mode.setdefault(mode, []).append(record)
            places.setdefault(mode, []).append(place)
        elif record.metric == OUTCOME:
            others.append((place, record))
    found: dict[str, dict[int, tuple[Spot, ...]]] = {}
    for mode, records in by_mode.items():
        mixed = sorted([*zip(places[mode], records, strict=True), *others], key=lambda pair: pair[0])
        for model, spots in courses([record for _, record in mixed], records[0].metric).items():
            found.setdefault(model, {})[mode] = spots
    return found


def _steps(by_mode: Mapping[int, Sequence[Spot]]) -> list[int]:
    return sorted({spot.step for spots in by_mode.values() for spot in spots})


def _panel(
    axes: Axes, by_mode: Mapping[int, Sequence[Spot]], reference: Mapping[int, float], cells: int
) -> None:
    numbers, steps = sorted(reference), _steps(by_mode)
    column = {step: place for place, step in enumerate(steps)}
    ratios = np.full((len(numbers), len(steps)), math.nan)
    for line, number in enumerate(numbers):
        for spot in by_mode.get(number, ()):
            if reference[number]:
                ratios[line, column[spot.step]] = mean(spot.values) / reference[number]
    mesh(axes, ratios, cells=cells)
    every = math.ceil(len(steps) / 4)
    shown = list(range(len(steps) - 1, -1, -every))[::-1]  # the last step is always named
    prefix = prefix_of([Estimate(float(steps[-1]), None, None, 1)])
    axes.set_xticks(shown, [f"{steps[place] / scale_of(prefix):.6g}{prefix}" for place in shown])
    every = math.ceil(len(numbers) / 5)
    axes.set_yticks(range(0, len(numbers), every), [str(number) for number in numbers[::every]])


def _rows(
    found: _Courses, drawn: Sequence[str], reference: Mapping[int, float], numbers: Sequence[int]
) -> Iterator[Mapping[str, object]]:
    for model in drawn:
        for number in numbers:
            for spot in found[model].get(number, ()):
                yield {
                    "model": text(model), "step": spot.step, "mode": number, "reference": reference[number],
                    "mean": mean(spot.values), "low": min(spot.values), "high": max(spot.values),
                    "n": len(spot.values),
                    "lost": sum(value < LOST_BELOW * reference[number] for value in spot.values),
                }  # fmt: skip
