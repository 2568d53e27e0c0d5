"""How samples spread over modes or classes, as the figures of it read the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genbench.core.record import EXPECTED, MODE_SHARE, Record, Status

LOST_BELOW = 0.1
"""A mode with less than this share of its share in the reference counts as lost."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of samples in each mode, beside those of the reference.

    Attributes:
        reference: share of the reference in each mode, by its number.
        found: by (model, mode), the share of each seed; control rows have draws in place of seeds.
    """

    reference: Mapping[int, float]
    found: Mapping[tuple[str, int], Mapping[int, float]]

    def ratios(self, model: str, mode: int) -> list[float]:
        """Each seed's share as a multiple of the reference's; none where the reference has nothing there."""
        whole = self.reference.get(mode, 0.0)
        return [share / whole for share in self.found.get((model, mode), {}).values()] if whole else []


def shares_of(records: Sequence[Record]) -> Shares | None:
    """Read final records; ``None`` where they have no shares, or none of the reference."""
    reference: dict[int, float] = {}
    found: dict[tuple[str, int], dict[int, float]] = {}
    for record in records:
        mode = mode_of(record.metric)
        if mode is None or record.value is None or record.status is not Status.DONE:
            continue
        if record.model == EXPECTED:
            reference[mode] = record.value
        else:
            found.setdefault((record.model, mode), {})[record.seed if record.seed is not None else 0] = (
                record.value
            )
    return Shares(reference, found) if found and any(share > 0 for share in reference.values()) else None


def mode_of(metric: str) -> int | None:
    """Which mode a metric counts; ``None`` for any other metric."""
    number = metric.removeprefix(MODE_SHARE)
    return (
        int(number)
        if number != metric and number.isascii() and number.isdigit() and len(number) < 6
        else None
    )
