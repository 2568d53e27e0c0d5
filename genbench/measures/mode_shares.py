"""How samples spread over single modes or classes: the histogram behind the numbers of mode coverage."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from genbench.core.record import MODE_SHARE, Better, Column
from genbench.measures.evidence import Reading, Reference
from genbench.measures.stamp import Protocol, versions

MOST = 100
"""With more modes than this no histogram is kept: a record a mode would be most of what a run writes."""


def share_readings(reference: Reference, shares: Tensor, n: int, stamp: Protocol) -> Iterator[Reading]:
    """A reading for each mode; none where there are more than ``MOST``.

    Args:
        reference: the real side.
        shares: (K,) share of the samples at each mode, 0 to 1; what is near no mode is in none of them.
        n: how many samples; 0 where the shares are computed.
        stamp: protocol of the measure.
    """
    if len(shares) > MOST:
        return
    for mode, share in enumerate(shares.double().tolist()):
        column = Column(
            f"{MODE_SHARE}{mode}", "", Better.NEITHER, low=0.0, high=1.0, meaning="share of samples there"
        )
        yield Reading(column, share, n=n, versions=versions(reference, column), protocol=stamp)
