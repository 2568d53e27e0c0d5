"""Samples of any generator, measured like a run's: ``genbench eval``."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from genbench.core.environment import capture, code_version, environment_id
from genbench.core.errors import DataError, warnings_to
from genbench.core.ids import content_hash, is_plain_name
from genbench.core.record import CONTROLS, Record, Status
from genbench.core.registry import datasets, measures
from genbench.data.dataset import Dataset
from genbench.data.files import user_path
from genbench.data.samplefile import Range, SampleFile, check_range_is_used, open_samples
from genbench.measures.evidence import Evidence, Final, Measure, Reference
from genbench.metrics import expected_frechet_distance
from genbench.runner.control_rows import measure_controls
from genbench.runner.measuring import chosen_measures, take
from genbench.runner.prepare import load
from genbench.runner.progress import Quiet, Reporter
from genbench.runner.scribe import Scribe, Subject
from genbench.suite.options import build
from genbench.train.device import choose_device, device_name

_log = logging.getLogger("genbench")
_log.addHandler(
    logging.NullHandler()
)  # what a broken measure logs has no file here; its reason is in the table

SUITE = "eval"
"""What records say instead of the name of a suite."""

ENOUGH = 10
"""Samples a feature; where fewer at least double the Fréchet distance of a perfect generator, it is told."""


def evaluate(
    paths: Sequence[str | Path],
    dataset: str,
    *,
    options: Mapping[str, Any] | None = None,
    value_range: Range | None = None,
    device: str = "auto",
    reporter: Reporter | None = None,
) -> list[Record]:
    """Measure samples of any generator with the metrics, extractor and control rows of a run.

    Control rows have as many samples as the largest file, at most as many as there are training examples.

    Args:
        paths: ``.npy`` or ``.npz`` files or folders of images; each is a row named by its file.
        dataset: name of the data that they are compared with.
        options: of the dataset, as in a suite's ``[[dataset]]``.
        value_range: which numbers mean black and white in images that are not uint8, which is 0 to 255; with
            uint8 files only, another range is an error.
        device: ``auto``, ``cpu`` or ``cuda``.
        reporter: told of progress; by default only warnings are printed.

    Returns:
        Records as a run writes them, for ``build_tables``, without metrics that samples alone do not have.

    Raises:
        GenbenchError: the samples, the data or the device cannot be used. Nothing has been measured then.
    """
    reporter = reporter or Quiet(Console(stderr=True))
    with warnings_to(reporter.warn), ExitStack() as opened:
        opened.callback(reporter.end)  # also where something is wrong: a live line hides the cursor
        chosen_device = choose_device(device)
        source, _ = build(datasets.get(dataset), options or {}, dataset)
        data = load(source, dataset)
        reporter.begin("reading the samples", 0)
        files = [
            opened.enter_context(open_samples(user_path(str(path)), data.info, value_range)) for path in paths
        ]
        reporter.end()
        if not files:
            raise DataError("no samples were given. Name a .npy or .npz file, or a folder of images.")
        check_range_is_used(files, value_range)
        rows = dict(zip(_row_names(files), files, strict=True))
        reference = Reference(data, chosen_device)
        if not reference.extractor.pinned:
            reporter.note(f"{dataset} has no pinned features; {reference.extractor.id} was trained for it.")
        _warn_of_sizes(rows, reference, reporter)
        records: list[Record] = []
        scribe = Scribe(
            journal=records,
            run=content_hash([data.hash, *(file.hash for file in files)], digits=7),
            suite=SUITE,
            env=environment_id(capture(device_name(chosen_device), torch.get_num_threads())),
            code=code_version(),
            protocol={"quick": False},
        )
        chosen = [measure for measure in _suiting(data) if not measure.per_cohort]
        for name, file in rows.items():
            reporter.begin(f"measuring {name}", 0)
            evidence, subject = Evidence(reference, _Tensors(file)), _subject(name, file, data)
            for measure in chosen:
                take(measure, partial(measure, evidence), subject, scribe, reporter)
            reporter.end()
        reporter.begin(f"control rows of {data.info.name}", 0)
        samples = min(max(map(len, files)), len(data.train_examples))
        measure_controls(chosen, reference, samples, scribe, reporter)
        reporter.end()
    return list(_had(records))


@dataclass(frozen=True, slots=True)
class _Tensors:
    """Samples on disk as measures read them."""

    file: SampleFile

    def __len__(self) -> int:
        return len(self.file)

    def __getitem__(self, rows: slice) -> Tensor:
        return torch.from_numpy(self.file[rows])


def _suiting(data: Dataset) -> list[Measure]:
    """Every measure of samples, ours and of plugins, but those of which this data has no such modes.

    Installed packages are not asked: nobody has named anything of theirs.
    """
    without = set() if data.info.is_image else {"modes"}  # points are not classified
    if data.modes is None:
        without.add("known_modes")
    there = [name for name in measures.names() if measures.origin(name).startswith(("genbench.", "plugin "))]
    found = chosen_measures([name for name in there if name not in without])
    return [measure for measure in found if not isinstance(measure, Final)]


def _subject(name: str, file: SampleFile, data: Dataset) -> Subject:
    return Subject(
        trial=file.hash,
        model=name,
        model_version="",
        dataset=data.info.name,
        seed=None,
        step=0,
        lanes=1,
        protocol={},
    )


def _row_names(files: Sequence[SampleFile]) -> list[str]:
    """A plain name for each, none twice and none of a control row."""
    taken: set[str] = set(CONTROLS)
    names = []
    for file in files:
        stem = file.path.absolute().stem if file.path.is_file() else file.path.absolute().name
        plain = "".join(letter if is_plain_name(f"0{letter}") else "-" for letter in stem)
        plain = plain[:44].strip("._+-") or "samples"
        tries = (f"{plain}-{number}" if number > 1 else plain for number in range(1, len(files) + 2))
        names.append(next(name for name in tries if name not in taken))
        taken.add(names[-1])
    return names


def _warn_of_sizes(rows: Mapping[str, SampleFile], reference: Reference, reporter: Reporter) -> None:
    """Tell where the number of samples moves the scores, and by how much."""
    data = reference.dataset
    sizes = {name: len(file) for name, file in rows.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
        reporter.warn(
            f"the numbers of samples differ ({listed}), and so do the scores of equal generators: more "
            "samples score better. Compare rows of one size, and only those of the largest with the controls."
        )
    most = len(data.train_examples)
    if max(sizes.values()) > most:
        reporter.warn(
            f"the control rows have {most:,} samples, as many as {data.info.name} has training examples: a "
            "larger file scores a little better than they do for its size alone."
        )
    real = reference.features.values
    enough = ENOUGH * real.shape[1]
    plenty = expected_frechet_distance(real, enough)
    for name, size in sizes.items():
        if size <= real.shape[1]:
            reporter.warn(
                f"{name} has {size:,} samples, no more than there are features ({real.shape[1]}): its "
                f"Fréchet distance says little. Draw {enough:,} or more."
            )
        elif (floor := expected_frechet_distance(real, size)) > 2 * plenty:
            reporter.warn(
                f"{name} has {size:,} samples: even a perfect generator would score a Fréchet distance of "
                f"about {floor:.2g}; with {enough:,} samples, of {plenty:.2g}. Draw more, or compare it with "
                "rows of this size only."
            )


def _had(records: Sequence[Record]) -> Iterator[Record]:
    """Without metrics that no row has, such as a bound on the likelihood: a column of nothing."""
    kept = {r.metric for r in records if r.value is not None or r.status is not Status.SKIPPED}
    return (record for record in records if record.metric in kept)
