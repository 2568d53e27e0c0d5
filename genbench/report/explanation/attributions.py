"""Maps of attribution, explainers side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genbench.report.explanation.board import Cell, Picture, Row, board, framed, shown, signed
from genbench.report.explanation.content import Attributions, Subject
from genbench.report.explanation.words import number, percent, titled
from genbench.report.figures.plot import Plot

if TYPE_CHECKING:
    import pandas as pd

COMPLETE = 1e-2
"""Integrated gradients whose completeness error is larger are no integral, and are not shown."""

_INTEGRAL = "integrated-gradients"
_NAMES = {
    _INTEGRAL: "integrated\ngradients",
    "kernel-shap": "KernelSHAP",
    "lime": "LIME",
    "ablation": "ablation",
}


def draw_attributions(content: Attributions, subject: Subject) -> list[Plot]:
    """One figure: a row an image, a column an explainer."""
    rows = []
    for i, kind in enumerate(content.kinds):
        planted = content.patch if kind == "planted" else np.zeros_like(content.patch)
        cells = [
            Cell(framed(shown(content.images[i]), planted), f"f(x) = {number(float(content.scores[i]), 3)}")
        ]
        for m in range(len(content.methods)):
            error, infidelity = float(content.completeness[m, i]), float(content.infidelity[m, i])
            said = f"error {percent(error)}\nNI {number(infidelity)}"
            if kind == "planted":
                said += f"\ninside {percent(float(content.inside[m, i]))}"
            if _refused(content, m, i):
                cells.append(Cell(_blank(content), f"not shown\n{said}"))
                continue
            scale = float(np.abs(content.maps[m, i]).max())
            cells.append(Cell(framed(signed(content.maps[m, i], scale), planted), said))
        rows.append(Row(kind, cells, before=0.05))
    heads = ["image", *(_NAMES.get(method, method) for method in content.methods)]
    figure, _ = board(titled(subject, "what makes an image count as real"), rows, heads, cell=0.92)
    return [
        Plot(
            subject.run,
            subject.dataset,
            "attributions",
            "Attribution of the realness score",
            _caption(content),
            figure,
            _frame(content),
        )
    ]


def _refused(content: Attributions, m: int, i: int) -> bool:
    error = float(content.completeness[m, i])
    return content.methods[m] == _INTEGRAL and not error <= COMPLETE


def _blank(content: Attributions) -> Picture:
    height, width = content.patch.shape
    picture: Picture = np.full((height, width, 3), 0.9)
    return picture


def _caption(content: Attributions) -> str:
    score = (
        "the discriminator's logit or critic value"
        if content.scored_by == "discriminator"
        else "the bound on ln p(x), in nats"
    )
    refused = sum(
        _refused(content, m, i) for m in range(len(content.methods)) for i in range(len(content.kinds))
    )
    dropped = (
        f" {refused} of {len(content.kinds)} maps of integrated gradients are not shown: their completeness "
        f"error is above {percent(COMPLETE)}, or cannot be had, so the integral has not converged."
        if refused
        else ""
    )
    best = {
        method: float(np.nanmedian(content.infidelity[m]))
        for m, method in enumerate(content.methods)
        if np.isfinite(content.infidelity[m]).any()
    }
    medians = "; ".join(f"{_NAMES.get(k, k).replace(chr(10), ' ')} {number(v)}" for k, v in best.items())
    area = float(content.patch.mean())
    return (
        f"f is {score}; a map shares out f(x) - f(black image), where f(black) = "
        f"{number(content.baseline, 3)}. Red raises the score, blue lowers it, white is 0, each map on its "
        "own symmetric scale. Error: |Σa - (f(x) - f(black))| over the difference, 0 only of methods that "
        "promise it (integrated gradients in the limit, KernelSHAP). NI: normalised infidelity over "
        f"{content.masks} random halves of the superpixels set to black; 0 is exact, 1 is a map of zeros, "
        f"more is worse than no explanation. Medians of NI: {medians or 'none'}. Planted: the same image "
        f"with the bright patch inside the orange line ({percent(area)} of the area); inside: the share of "
        f"|a| there.{dropped} Maps explain the score, not the image: a score that is easy to explain is no "
        "sign of a good model, and an image that counts as real need not look so."
    )


def _frame(content: Attributions) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {
            "image": i + 1,
            "kind": kind,
            "score": content.scores[i],
            "score_of_black": content.baseline,
            "method": method,
            "completeness_error": content.completeness[m, i],
            "normalised_infidelity": content.infidelity[m, i],
            "share_inside_patch": content.inside[m, i],
            "largest": np.abs(content.maps[m, i]).max(),
            "shown": not _refused(content, m, i),
        }
        for i, kind in enumerate(content.kinds)
        for m, method in enumerate(content.methods)
    ]
    return pd.DataFrame(rows)
