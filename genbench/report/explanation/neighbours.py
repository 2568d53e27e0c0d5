"""Samples and the training images nearest to them."""

from __future__ import annotations

import numpy as np

from genbench.report.explanation.board import Cell, Row, board, shown
from genbench.report.explanation.content import Neighbours, Subject
from genbench.report.explanation.words import number, titled
from genbench.report.figures.plot import Plot


def draw_neighbours(content: Neighbours, subject: Subject) -> list[Plot]:
    """One figure: samples above, nearest training images below, distances between them."""
    import pandas as pd

    typical = float(np.median(content.typical))
    low, high = np.quantile(content.typical, (0.05, 0.95))
    samples = [
        Cell(shown(image), number(float(distance)))
        for image, distance in zip(content.samples, content.distances, strict=True)
    ]
    figure, _ = board(
        titled(subject, "samples and the nearest training images"),
        [
            Row("sample\ndistance", samples),
            Row("nearest", [Cell(shown(image)) for image in content.nearest]),
        ],
        (),
        cell=0.5,
    )
    near = int((content.distances < low).sum())
    caption = (
        "Samples drawn without choosing, under each its Euclidean distance to the nearest of "
        f"{content.searched:,} training images in the features of {content.extractor}, and that image. "
        f"Test images are {number(typical)} from their nearest training image (median of "
        f"{len(content.typical)}; 90 % lie between {number(float(low))} and {number(float(high))}); {near} "
        f"of {len(content.distances)} samples are nearer than {number(float(low))}. A small distance does "
        "not prove a copy, nor a large one a new image: features forget what the classes do not need."
    )
    frame = pd.DataFrame(
        {
            "what": ["sample"] * len(content.distances) + ["test image"] * len(content.typical),
            "distance": np.concatenate([content.distances, content.typical]),
        }
    )
    return [
        Plot(subject.run, subject.dataset, "neighbours", "Nearest training images", caption, figure, frame)
    ]
