"""What can be read off each layer, linearly."""

from __future__ import annotations

from typing import Any

from genbench.report.explanation.board import SLIM
from genbench.report.explanation.content import Probe, Probes, Subject
from genbench.report.explanation.words import listed, number, titled
from genbench.report.figures.figure import SMALL
from genbench.report.figures.layout import Room, sheet
from genbench.report.figures.plot import Plot
from genbench.report.figures.themed import GREY
from genbench.report.untrusted import clean

_COLORS = ("#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#56b4e9", "#ca9161", "#8a7a00")
_MARKERS = ("o", "s", "^", "D", "P", "X", "v", "p")


def draw_probes(content: Probes, subject: Subject) -> list[Plot]:
    """One figure: a panel a network, layers from left to right."""
    import pandas as pd

    networks = list(content.examples)
    targets = list(dict.fromkeys(probe.target for probe in content.probes))
    looks: dict[str, dict[str, Any]] = {
        target: {"color": _COLORS[i % len(_COLORS)], "marker": _MARKERS[i % len(_MARKERS)], "markersize": 4.5}
        for i, target in enumerate(targets)
    }
    dashed: dict[str, Any] = {"color": GREY, "linestyle": (0, (4, 2)), "linewidth": 0.9}
    legend = [
        *(({**looks[target], "linewidth": 1.2}, _score_of(target)) for target in targets),
        (dashed, "most frequent class, or the mean"),
    ]
    room = Room(left=0.42, between=0.35, above=0.22, below=0.5)
    figure, panels = sheet(titled(subject, "linear probes"), len(networks), 1, 1.5, room, legend, width=SLIM)
    for panel, network in zip(panels, networks, strict=True):
        own = [probe for probe in content.probes if probe.network == network]
        layers = list(dict.fromkeys(probe.layer for probe in own))
        for target in dict.fromkeys(probe.target for probe in own):
            line = [probe for probe in own if probe.target == target]
            x = [layers.index(probe.layer) for probe in line]
            # a probe that is worse than the mean is drawn at the lower edge
            panel.plot(x, [max(probe.score, -0.05) for probe in line], linewidth=1.2, **looks[target])
            panel.plot(x, [probe.trivial for probe in line], **dashed)
        panel.set_ylim(-0.06, 1.04)
        panel.set_xlim(-0.3, len(layers) - 0.7)
        panel.set_xticks(range(len(layers)), [clean(layer) for layer in layers], fontsize=SMALL, rotation=30)
        panel.tick_params(axis="y", labelsize=SMALL)
        panel.set_title(network, loc="left", fontsize=SMALL + 0.5)
    frame = pd.DataFrame(
        [
            {
                "network": probe.network,
                "layer": probe.layer,
                "target": probe.target,
                "score": probe.score,
                "trivial": probe.trivial,
            }
            for probe in content.probes
        ]
    )
    return [Plot(subject.run, subject.dataset, "probes", "Linear probes", _caption(content), figure, frame)]


def _score_of(target: str) -> str:
    return "class, accuracy" if target == "class" else f"{clean(target)}, R²"


def _caption(content: Probes) -> str:
    sizes = listed(
        [f"{network} {fitted:,} and {held:,}" for network, (fitted, held) in content.examples.items()]
    )
    last = []
    for network in content.examples:
        own = [probe for probe in content.probes if probe.network == network]
        best = max(own, key=lambda probe: probe.score)
        first = own[0].layer
        last.append(
            f"{network}: {_said(own, first)} in the {clean(first)}, at most {number(best.score)} "
            f"({_score_of(best.target)}) in {clean(best.layer)}"
        )
    without = ""
    if "generator" not in content.examples:
        without = " The generator is left out: its samples all have one label."
    return (
        "How well ridge regression reads classes or factors off each layer, on examples it was not fitted "
        f"to (fitted and held out: {sizes}). Of generated images the labels are those that "
        f"{clean(content.label_of)} reads off them, of test images the true ones; the dashed line is the "
        f"most frequent class, or 0 for R². {'; '.join(last)}.{without} What a probe can read the network "
        "need not use, and wide layers are read better than narrow ones whatever they have learned."
    )


def _said(own: list[Probe], layer: str) -> str:
    return listed([f"{probe.target} {number(probe.score)}" for probe in own if probe.layer == layer])
