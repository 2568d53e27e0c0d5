"""Latent traversals: a row a latent."""

from __future__ import annotations

import numpy as np

from genbench.report.explanation.board import Cell, Row, board, shown
from genbench.report.explanation.content import Subject, Traversals
from genbench.report.explanation.words import percent, place, titled
from genbench.report.figures.plot import Plot


def draw_traversals(content: Traversals, subject: Subject) -> list[Plot]:
    """One figure: rows of latents, the most sensitive first."""
    import pandas as pd

    shares = content.sensitivity / content.sensitivity.sum() if content.sensitivity.sum() > 0 else None
    share_of = {
        int(latent): float(shares[latent - 1]) if shares is not None else float("nan")
        for latent in content.latents
    }
    rows = [
        Row(f"z{latent}, {percent(share_of[latent])}", [Cell(shown(image)) for image in images])
        for latent, images in zip(content.latents.tolist(), content.images, strict=True)
    ]
    figure, _ = board(
        titled(subject, "latent traversals"),
        rows,
        [place(float(value)) for value in content.places],
        cell=0.46,
    )
    every = len(content.sensitivity)
    reach = f"{content.places.max():.3g}"
    which = "all latents" if len(rows) == every else f"the {len(rows)} most sensitive of {every} latents"
    caption = (
        f"One latent moves in each row, from −{reach} to +{reach} standard deviations through the "
        "quantiles of the prior; the others keep the values of one draw, the same in all rows. Rows: "
        f"{which}, ordered by the mean of ||∂G/∂zᵢ||² over {content.draws} draws, whose share of the whole "
        "is printed. A row that changes one thing only does not show that this latent stands for it: "
        "another draw may change otherwise, and a prior that looks the same from all sides prefers no "
        "axis."
    )
    middle = content.images[:, content.images.shape[1] // 2]
    change = np.square(content.images - middle[:, None]).sum((2, 3, 4))
    frame = pd.DataFrame(
        {
            "latent": np.repeat(content.latents, len(content.places)),
            "place": np.tile(content.places, len(content.latents)),
            "sensitivity": np.repeat(content.sensitivity[content.latents - 1], len(content.places)),
            "squared_change_from_middle": change.ravel(),
        }
    )
    return [Plot(subject.run, subject.dataset, "traversals", "Latent traversals", caption, figure, frame)]
