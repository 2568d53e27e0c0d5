"""What all cohorts on one dataset stand on: the reference, how many samples are drawn, the stamps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from genbench.measures.evidence import Reference
from genbench.runner.attempt import Job, run_cohort
from genbench.runner.control_rows import untrained_of
from genbench.runner.prepare import Loaded
from genbench.suite.plan import Cohort


@dataclass(frozen=True, eq=False)
class Ground:
    """A job on one dataset.

    Attributes:
        job: whose records say it where the dataset stands in for another.
        reference: the real side of every comparison.
        samples: drawn from each lane.
    """

    job: Job
    reference: Reference
    samples: int

    def work_on(self, cohort: Cohort) -> None:
        """Train and measure what is left of a cohort; what goes wrong costs this cohort only."""
        run_cohort(self.job, cohort, self.reference, self.samples)


def ground_of(job: Job, item: Loaded, plan: Sequence[Cohort]) -> Ground:
    """The ground of a dataset.

    Args:
        job: of the run.
        item: the dataset that is really used.
        plan: all cohorts on it.
    """
    if item.fallback:
        stamped = replace(job.scribe, protocol={**job.scribe.protocol, "fallback_for": item.asked})
        job = replace(job, scribe=stamped)
    # no more than there are training examples, so that the control row `real` has no repeated one
    samples = min(job.suite.samples, len(item.data.train_examples))
    reference = Reference(item.data, job.device, untrained_of(plan, job.measures, item.data, job.device))
    return Ground(job, reference, samples)
