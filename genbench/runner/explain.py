"""One trained model explained: everything on its page, computed."""

from __future__ import annotations

from pathlib import Path

from genbench.core.errors import DataError
from genbench.measures.collapse_gate import collapse
from genbench.measures.evidence import Evidence
from genbench.report.explanation.content import Explanation, Missing, Paths, Subject
from genbench.runner.explaining.attributing import attributions
from genbench.runner.explaining.directing import directions
from genbench.runner.explaining.dissecting import labelled_draws, units
from genbench.runner.explaining.inverting import Inverted, inversions, inverted
from genbench.runner.explaining.labelling import read_labels
from genbench.runner.explaining.looking import Lens, as_stored
from genbench.runner.explaining.neighbouring import neighbours
from genbench.runner.explaining.opening import Opened, open_trial
from genbench.runner.explaining.probing import probes
from genbench.runner.explaining.traversing import traversals
from genbench.runner.explaining.walking import curve_of, walk
from genbench.train.device import choose_device

WALKS = 2
"""Between draws, and as many between test images."""


def explain(
    trial: str | Path, *, seed: int = 0, device: str = "auto", results: str | Path = "results"
) -> Explanation:
    """Look into a trained trial; ``write_explanation`` makes a page of it.

    Args:
        trial: ``RUN/TRIAL`` (with ``SUITE/latest`` as a RUN), a trial's folder, or a checkpoint file.
        seed: another seed, other draws.
        device: ``auto``, ``cpu`` or ``cuda``.
        results: folder in which runs are looked for.

    Returns:
        Everything the page shows. The same trial and seed give the same numbers.

    Raises:
        CheckpointError: no such trial, or its checkpoint is damaged, diverged or of a model that is not here.
        GenbenchError: the model makes points instead of images.
        RecordError: no such run.
    """
    opened = open_trial(trial, Path(results), choose_device(device))
    lens, reference = Lens(opened, seed), opened.reference
    without_data = Missing(f"it needs the data set: {opened.without_data}")
    z = labelled_draws(lens)
    labels, unlabelled, collapsed = None, without_data, ""
    if reference:
        images = lens.decode(z)
        try:
            labels = read_labels(reference, images)
            collapsed = collapse(Evidence(reference, as_stored(images)))
        except DataError as error:  # no labels, so no extractor
            unlabelled = Missing(str(error))
    found = inverted(lens, reference) if reference else None
    return Explanation(
        subject=_subject(opened, seed, collapsed),
        neighbours=neighbours(lens, reference) if reference and labels else unlabelled,
        traversals=traversals(lens),
        paths=_paths(lens, found, without_data),
        directions=directions(lens),
        attributions=attributions(lens, reference),
        units=units(lens, labels),
        probes=probes(lens, reference, labels, z) if reference and labels else unlabelled,
        inversions=inversions(lens, found) if found else without_data,
    )


def _subject(opened: Opened, seed: int, collapsed: str) -> Subject:
    header = opened.header
    return Subject(
        label=header.label,
        model=header.model,
        dataset=header.data.name,
        run=f"{opened.run.path.parent.name}/{opened.run.name}" if opened.run else "",
        trial=header.trial,
        seed=header.seed,
        step=header.step,
        draws=seed,
        latent=opened.generator.latent,
        distribution=opened.generator.distribution,
        ended=opened.ended,
        collapsed=collapsed,
        without_data=opened.without_data,
    )


def _paths(lens: Lens, found: Inverted | None, without_data: Missing) -> Paths:
    """Walks between draws, and between test images.

    The images are taken as they come, not by how well they were found: that would flatter the model.
    """
    ends = lens.draw(2 * WALKS, "walks")
    walks = [walk(lens, ends[i], ends[i + 1]) for i in range(0, len(ends), 2)]
    if found is not None:
        for i in range(0, min(2 * WALKS, len(found.z) - 1), 2):
            pair = slice(i, i + 2)
            walks.append(walk(lens, *found.z[pair], ends=found.x[pair], errors=found.errors[pair]))
    return Paths(
        tuple(walks),
        curve_of(lens.generator.distribution),
        "" if found is not None else without_data.reason,
    )
