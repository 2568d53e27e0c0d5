import os

import pytest
import torch

from genbench.core.record import MODE_SHARE
from genbench.core.registry import datasets
from genbench.measures.controls import control_samples
from genbench.measures.evidence import Evidence, Reference


@pytest.fixture(scope="session")
def reference():
    """The test split of scikit-learn's digits in feature space."""
    return _reference("digits")


@pytest.fixture(scope="session")
def mnist():
    """MNIST's test split in feature space."""
    if "GENBENCH_DATA" not in os.environ:
        pytest.skip("needs MNIST: set GENBENCH_DATA")
    return _reference("mnist")


def _reference(name):
    return Reference(datasets.get(name)().load(), torch.device("cpu"))


@pytest.fixture(scope="session")
def control(reference):
    """Evidence of a control row of digits."""
    return lambda name, n=500, seed=3: _evidence(reference, name, n, seed)


def _evidence(reference, name, n, seed):
    drawn = control_samples(name, reference.dataset, n, seed)
    return Evidence(reference, drawn.samples, held_out=drawn.held_out)


@pytest.fixture(scope="session")
def read():
    """All readings of one measure but the histogram over modes, by metric."""

    def readings(measure, evidence):
        found = [r for r in measure(evidence) if not r.column.metric.startswith(MODE_SHARE)]
        assert tuple(reading.column for reading in found) == measure.columns
        return {reading.column.metric: reading for reading in found}

    return readings
