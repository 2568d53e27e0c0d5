"""Units of the last hidden layers: top samples, and what goes with each unit."""

from __future__ import annotations

import math

import numpy as np

from genbench.report.explanation.board import SLIM, Cell, Row, board, shown
from genbench.report.explanation.content import Layer, Numbers, Subject, Unit, Units
from genbench.report.explanation.words import number, percent, titled
from genbench.report.figures.figure import SMALL
from genbench.report.figures.layout import Room, sheet
from genbench.report.figures.plot import Plot
from genbench.report.figures.themed import GREY
from genbench.report.untrusted import clean

_BLUE = "#0173b2"


def draw_units(content: Units, subject: Subject) -> list[Plot]:
    """Top samples of each layer, and the effects of ablation of all of them."""
    return [*(_top(layer, content, subject) for layer in content.layers), _ablation(content, subject)]


def effective(effects: Numbers) -> float:
    """exp(H(e / Σe)) over the number of units: 1 where all count alike; NaN where none has an effect."""
    total = float(effects.sum())
    if not (math.isfinite(total) and total > 0):
        return math.nan
    shares = effects[effects > 0] / total
    return float(np.exp(-(shares * np.log(shares)).sum()) / len(effects))


def _top(layer: Layer, content: Units, subject: Subject) -> Plot:
    import pandas as pd

    name = clean(layer.name)
    rows, before = [], False
    for unit in layer.shown:
        rows.append(
            Row(
                _label(unit),
                [Cell(shown(image)) for image in unit.images],
                before=0.1 if unit.control and not before else 0.0,
            )
        )
        before = unit.control
    figure, _ = board(titled(subject, f"units of layer {name}: most active samples"), rows, (), cell=0.5)
    related = [unit for unit in layer.shown if math.isfinite(unit.correlation)]
    and_rho = (
        " and ρ, the largest |Spearman| of a unit's activity with a class's probability or a factor"
        if related
        else ""
    )
    caption = (
        f"Of {content.draws:,} samples, those at which a unit of layer {name} is most active (a channel: "
        "its mean). First the units whose ablation changes samples most, then units drawn at random as a "
        "control. Printed are e, the mean squared change of the image without the unit over the mean "
        f"squared image{and_rho}. Top samples that look alike do not make a unit a concept: compare with "
        "the random ones, and in a collapsed model every unit goes with something."
    )
    frame = pd.DataFrame(
        [
            {
                "layer": layer.name,
                "unit": unit.number,
                "drawn_at_random": unit.control,
                "effect": unit.effect,
                "goes_with": unit.related,
                "abs_spearman": unit.correlation,
            }
            for unit in layer.shown
        ]
    )
    stem = f"units-{layer.name}".replace(".", "-")
    return Plot(subject.run, subject.dataset, stem, f"Units of layer {name}", caption, figure, frame)


def _label(unit: Unit) -> str:
    lines = [f"{'random' if unit.control else 'unit'} {unit.number}", f"e {percent(unit.effect)}"]
    if math.isfinite(unit.correlation):
        lines.append(f"ρ {number(unit.correlation)} {clean(unit.related)}")
    return "\n".join(lines)


def _ablation(content: Units, subject: Subject) -> Plot:
    import pandas as pd

    titles = [clean(layer.name) for layer in content.layers]
    room = Room(left=0.55, between=0.5, above=0.22, below=0.42)
    figure, panels = sheet(titled(subject, "ablation of single units"), len(titles), 1, 1.2, room, width=SLIM)
    for panel, layer, title in zip(panels, content.layers, titles, strict=True):
        effects = np.sort(np.nan_to_num(layer.effects))[::-1]
        panel.bar(np.arange(1, len(effects) + 1), 100 * effects, width=1.0, color=_BLUE, linewidth=0)
        panel.axhline(100 * float(effects.mean()), color=GREY, linewidth=0.8, linestyle=(0, (4, 2)))
        panel.set_xlim(0.5, len(effects) + 0.5)
        panel.set_ylim(0, max(1.05 * 100 * float(effects.max()), 1e-9))
        panel.set_title(title, loc="left", fontsize=SMALL + 0.5)
        panel.set_xlabel("unit, by effect", fontsize=SMALL)
        panel.set_ylabel("change e, %", fontsize=SMALL)
        panel.tick_params(labelsize=SMALL)
        panel.grid(visible=False, axis="x")
    said = "; ".join(
        f"{title}: {len(layer.effects)} of {layer.units} units ablated, effective units "
        f"{percent(effective(layer.effects))} of these, dead {percent(layer.dead)} of all"
        for title, layer in zip(titles, content.layers, strict=True)
    )
    caption = (
        f"How much samples change when one unit is set to 0, over {content.ablated} draws; dashed is the "
        f"mean. {said}. Effective units are exp(H(e / Σe)), H the entropy; dead are those active in fewer "
        "than 1 % of samples. Neither many nor few effective units are better, and a unit without effect "
        "alone may matter together with others."
    )
    frame = pd.concat(
        [
            pd.DataFrame({"layer": layer.name, "unit": layer.tested, "effect": layer.effects})
            for layer in content.layers
        ],
        ignore_index=True,
    )
    return Plot(subject.run, subject.dataset, "ablation", "Ablation of single units", caption, figure, frame)
