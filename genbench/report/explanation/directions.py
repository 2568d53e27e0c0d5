"""Directions found without labels, beside directions drawn at random."""

from __future__ import annotations

import numpy as np

from genbench.report.explanation.board import Cell, Row, board, shown
from genbench.report.explanation.content import Directions, Subject
from genbench.report.explanation.words import number, place, titled
from genbench.report.figures.plot import Plot


def draw_directions(content: Directions, subject: Subject) -> list[Plot]:
    """One figure: strips by method, the random ones last."""
    import pandas as pd

    rows, before = [], ""
    for strip in content.strips:
        label = f"{strip.method} {strip.number}\nchange {number(strip.change)}"
        space = 0.08 if before not in ("", strip.method) else 0.0
        rows.append(Row(label, [Cell(shown(image)) for image in strip.images], before=space))
        before = strip.method
    figure, _ = board(
        titled(subject, "directions"),
        rows,
        [place(float(value)) for value in content.places],
        cell=0.46,
    )
    by_random = [strip.change for strip in content.strips if strip.method == "random"]
    reach = f"{content.places.max():.3g}"
    caption = (
        "Samples along directions of the latent space, from one draw: eigenvectors of AᵀA, where A is "
        "what the first layer multiplies the latent by (SeFa; Shen and Zhou 2021), principal components "
        "of the last hidden layer's activations brought back to the latent by least squares (GANSpace; "
        f"Härkönen et al. 2020), and random ones as a control. Columns: from −{reach} to +{reach} lengths "
        "of a standard deviation. Change: mean of ||G(z + v) - G(z - v)||² / ||G(z)||² with v one "
        f"standard deviation long; random directions have {number(float(np.mean(by_random)))} on average. "
        "Sign and order mean nothing, and a direction that looks meaningful here is no sign of a "
        "disentangled model while random ones look as meaningful."
    )
    frame = pd.DataFrame(
        [{"method": strip.method, "number": strip.number, "change": strip.change} for strip in content.strips]
    )
    return [Plot(subject.run, subject.dataset, "directions", "Directions", caption, figure, frame)]
