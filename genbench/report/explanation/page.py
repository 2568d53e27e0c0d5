"""From what is known of a model to a page, with every figure and its numbers beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from genbench import __version__
from genbench.report.csv_of_frame import csv_of_frame
from genbench.report.explanation.attributions import draw_attributions
from genbench.report.explanation.content import Explanation, Missing, Paths, Subject
from genbench.report.explanation.directions import draw_directions
from genbench.report.explanation.inversions import draw_inversions
from genbench.report.explanation.neighbours import draw_neighbours
from genbench.report.explanation.paths import draw_paths
from genbench.report.explanation.probes import draw_probes
from genbench.report.explanation.traversals import draw_traversals
from genbench.report.explanation.units import draw_units
from genbench.report.figures.figure import save_png, style
from genbench.report.figures.plot import Plot
from genbench.report.page.template import rendered
from genbench.report.page.view import Anchors, FigureView, figure_view
from genbench.report.untrusted import clean
from genbench.store.atomic import write_text

PAGE = "index.html"


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of the page; ``reason`` says what is missing of it."""

    anchor: str
    title: str
    figures: tuple[FigureView, ...]
    reason: str


def write_explanation(explanation: Explanation, folder: str | Path) -> Path:
    """Write ``index.html``, one file with everything in it, and each figure as PNG and CSV beside it.

    Args:
        explanation: what ``genbench.explain`` found.
        folder: where to; made if need be.

    Returns:
        The page.

    Raises:
        OutputError: a file cannot be written.
    """
    folder = Path(folder)
    anchors, files = Anchors(), set[str]()
    for place in ("main", "answer", "contents", "contents-title", "again", "again-title"):
        anchors(place)
    sections = []
    for title, content, draw in _sections(explanation):
        anchor = anchors(title)
        anchors(f"{anchor}-title")
        figures = []
        for plot in [] if isinstance(content, Missing) else draw():
            with style():
                view = figure_view(plot, anchors, anchor, files)
                stem = folder / view.file.removesuffix(".csv")
                save_png(plot.figure, stem.with_name(f"{stem.name}.png"))
            write_text(stem.with_name(f"{stem.name}.csv"), csv_of_frame(plot.frame))
            figures.append(view)
        sections.append(_Section(anchor, title, tuple(figures), _lacking(content)))
    page = folder / PAGE
    write_text(page, _page(explanation.subject, sections))
    return page


def _sections(explanation: Explanation) -> list[tuple[str, object, Callable[[], list[Plot]]]]:
    """Title, content and what draws it, in the order of the page."""
    subject = explanation.subject

    def part(
        title: str, content: object, draw: Callable[..., list[Plot]]
    ) -> tuple[str, object, Callable[[], list[Plot]]]:
        def drawn() -> list[Plot]:
            with style():
                return draw(content, subject)

        return title, content, drawn

    return [
        part("Samples and nearest training images", explanation.neighbours, draw_neighbours),
        part("Latent traversals", explanation.traversals, draw_traversals),
        part("Interpolations", explanation.paths, draw_paths),
        part("Directions", explanation.directions, draw_directions),
        part("Attribution of the realness score", explanation.attributions, draw_attributions),
        part("Units", explanation.units, draw_units),
        part("Information by layer", explanation.probes, draw_probes),
        part("Inversions", explanation.inversions, draw_inversions),
    ]


def _lacking(content: object) -> str:
    if isinstance(content, Missing):
        return clean(f"Not made: {content.reason}")
    if isinstance(content, Paths) and content.without_real:
        return clean(f"No paths between test images: {content.without_real}")
    return ""


def _page(subject: Subject, sections: list[_Section]) -> str:
    label, dataset = clean(subject.label), clean(subject.dataset)
    place = f"{clean(subject.run)}/{clean(subject.trial)}" if subject.run else "CHECKPOINT"
    law = "N(0, 1)" if subject.distribution == "normal" else "U(-1, 1)"
    return rendered(
        "explanation.html.j2",
        {
            "version": __version__,
            "title": f"{label} on {dataset}",
            "facts": [
                f"training seed {subject.seed}",
                f"{subject.step:,} steps",
                f"latent of {subject.latent}, {law}",
                "one trained model, not a comparison",
            ],
            "warnings": _warnings(subject),
            "sections": sections,
            "origin": [
                ("model", clean(subject.model)),
                ("label", label),
                ("data set", dataset),
                ("run", clean(subject.run) or "none"),
                ("trial", clean(subject.trial)),
                ("seed of what is drawn here", str(subject.draws)),
            ],
            "command": f"genbench explain {place} --seed {subject.draws}",
        },
        ("style.css", "explanation.css"),
    )


def _warnings(subject: Subject) -> list[str]:
    found = []
    if subject.ended:
        found.append(f"The training did not come to its end: {clean(subject.ended)}")
    if subject.collapsed:
        found.append(
            f"This model has {clean(subject.collapsed)}. What is drawn of its latent space flatters it: a "
            "model that makes one image is perfectly smooth, and every unit of it goes with something."
        )
    if subject.without_data:
        found.append(f"Made without the data set: {clean(subject.without_data)}")
    return found
