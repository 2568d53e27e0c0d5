"""Interpolations, and how fast the image changes on the way."""

from __future__ import annotations

import numpy as np

from genbench.report.explanation.board import Cell, Row, board, shown
from genbench.report.explanation.content import Paths, Subject, Walk
from genbench.report.explanation.words import listed, number, titled
from genbench.report.figures.figure import SMALL
from genbench.report.figures.plot import Plot
from genbench.report.figures.themed import GREY

_BLUE = "#0173b2"


def draw_paths(content: Paths, subject: Subject) -> list[Plot]:
    """A figure of walks between draws, and one of walks between test images."""
    plots = []
    for between, name in (("draws", "paths"), ("test images", "paths-between-test-images")):
        walks = [walk for walk in content.walks if walk.between == between]
        if walks:
            plots.append(_drawn(walks, between, name, content.curve, subject))
    return plots


def _drawn(walks: list[Walk], between: str, name: str, curve: str, subject: Subject) -> Plot:
    import pandas as pd

    rows: list[Row] = []
    for walk in walks:
        cells = [Cell(shown(image)) for image in walk.images]
        if walk.ends is not None and walk.errors is not None:
            start, end = (
                Cell(shown(image), f"error\n{number(float(error))}")
                for image, error in zip(walk.ends, walk.errors, strict=True)
            )
            cells = [start, *cells, end]
        rows.append(
            Row("", cells, before=0.06 if rows else 0.0, panel=0.85, aside=int(walk.ends is not None))
        )
    heads: tuple[str, ...] = ()
    if walks[0].ends is not None:
        heads = ("test\nimage", *("" for _ in walks[0].images), "test\nimage")
    figure, panels = board(titled(subject, f"paths between {between}"), rows, heads, cell=0.5)
    highest = max((float(np.nanmax(w.speeds)) for w in walks if np.isfinite(w.speeds).any()), default=1.0)
    for panel, walk in zip(panels, walks, strict=True):
        panel.plot(walk.places, walk.speeds, color=_BLUE, linewidth=1.2)
        panel.axhline(1, color=GREY, linewidth=0.8, linestyle=(0, (4, 2)))
        panel.set_xlim(0, 1)
        panel.set_ylim(0, 1.08 * max(highest, 1.0))
        panel.set_ylabel("speed", fontsize=SMALL)
        panel.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "¼", "½", "¾", "1"], fontsize=SMALL)
        panel.tick_params(axis="y", labelsize=SMALL)
        if not np.isfinite(walk.speeds).any():
            panel.text(0.5, 0.5, "both ends give one image", ha="center", fontsize=SMALL)
    lengths = [float(np.mean(walk.speeds)) for walk in walks]
    fastest = [float(np.max(walk.speeds)) for walk in walks]
    what = (
        "between two draws of the prior"
        if between == "draws"
        else "between the latents that were found for two test images, which stand outside with "
        "the normalised error of what was found (0 is the image itself, 1 the mean image)"
    )
    way = "On great circles (slerp)" if curve == "slerp" else "On straight lines"
    caption = (
        f"{way} {what}. Below each, the speed ||dG/dt|| over the distance of the two ends: 1 (dashed) is "
        "the straight way in pixels at constant speed, a peak is a sudden change. Lengths of the paths "
        f"over the distance of their ends: {listed([number(x) for x in lengths])}; highest speeds: "
        f"{listed([number(x) for x in fastest])}. A smooth path does not mean a good model: one that makes "
        "the same image everywhere is the smoothest, and between two classes a good one has to jump."
    )
    frame = pd.concat(
        [
            pd.DataFrame({"path": i, "between": between, "place": walk.places, "speed": walk.speeds})
            for i, walk in enumerate(walks, 1)
        ],
        ignore_index=True,
    )
    return Plot(subject.run, subject.dataset, name, f"Paths between {between}", caption, figure, frame)
