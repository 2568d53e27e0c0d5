"""Test images beside the nearest sample that was found."""

from __future__ import annotations

import numpy as np

from genbench.report.explanation.board import Cell, Row, board, shown, signed
from genbench.report.explanation.content import Inversions, Subject
from genbench.report.explanation.words import number, titled
from genbench.report.figures.plot import Plot


def draw_inversions(content: Inversions, subject: Subject) -> list[Plot]:
    """One figure: best, median and worst."""
    import pandas as pd

    rows = []
    for title, x, found, error in zip(
        content.titles, content.images, content.found, content.shown, strict=True
    ):
        difference = (x.astype(np.float64) - found).mean(0)
        cells = [Cell(shown(x)), Cell(shown(found)), Cell(signed(difference, 1.0))]
        rows.append(Row(f"{title}\nerror {number(float(error))}", cells))
    figure, _ = board(
        titled(subject, "inversions of test images"), rows, ("x", "G(z*)", "x - G(z*)"), cell=0.7
    )
    low, high = np.quantile(content.errors, (0.25, 0.75), method="inverted_cdf")  # some may be infinite
    caption = (
        f"For {len(content.errors)} test images the latent z* was searched whose sample is nearest in "
        f"pixels ({content.steps} steps of Adam from the post-hoc encoder's guess and {content.restarts} "
        "draws, the best kept). Error: ||G(z*) - x||² over its mean for the mean image; 0 is perfect, 1 "
        f"no better than the mean image. Median {number(float(np.median(content.errors)))}, half of all "
        f"between {number(float(low))} and {number(float(high))}. Red: brighter in x. The search may miss "
        "the nearest sample, z* may lie where the prior seldom goes, and distance in pixels favours blur: "
        "an image that is found badly may still be within the model's reach."
    )
    frame = pd.DataFrame({"image": np.arange(1, len(content.errors) + 1), "error": content.errors})
    return [Plot(subject.run, subject.dataset, "inversions", "Inversions", caption, figure, frame)]
