"""Oracles through the real renderer and the real factor reader: the measures say what is true of them."""

import pytest
import torch

from genbench.core.record import ORACLES
from genbench.data.strokes import Strokes
from genbench.measures import factor_columns
from genbench.measures.collapse_gate import collapse, coverage
from genbench.measures.evidence import Evidence, Reference
from genbench.measures.made import made
from genbench.measures.oracles import oracle
from genbench.measures.stability_course import course_of
from genbench.measures.trace import Trace
from genbench.measures.training_failure import failures

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def reference():
    return Reference(Strokes(images=600, test_images=600, instrument_images=10).load(), CPU)


def evidence(reference, name, n=300):
    generator = oracle(name, reference.dataset, 6, 2, CPU)
    return Evidence(reference, made(generator, generator.draw(n, "here"))[0], generator=generator)


@pytest.mark.run
def test_the_more_the_factors_are_mixed_the_less_is_gained(reference, monkeypatch):
    monkeypatch.setattr(factor_columns, "_LATENTS", 64)
    monkeypatch.setattr(factor_columns, "ROTATIONS", 9)
    found = {
        name: {r.column.metric.split(".")[1]: r for r in factor_columns.readings(evidence(reference, name))}
        for name in ORACLES
    }
    gains = {name: found[name]["axis_gain"].value for name in ORACLES}
    assert gains["oracle"] > 0.4
    assert gains["oracle"] > gains["oracle-pair"] + 0.05
    assert gains["oracle-pair"] > gains["oracle-rotated"] + 0.1
    assert found["oracle"]["axis_percentile"].value == 0.1
    assert found["oracle-drop"]["coverage"].value < found["oracle"]["coverage"].value - 0.15
    assert gains["oracle-constant"] is None and "collapsed" in found["oracle-constant"]["axis_gain"].reason


@pytest.mark.run
def test_a_dropped_factor_is_not_covered_and_the_others_are(reference):
    covered = coverage(evidence(reference, "oracle-drop"))
    dropped = 2  # the seed's
    assert covered[dropped] < 0.05
    assert min(c for factor, c in enumerate(covered) if factor != dropped) > 0.85


@pytest.mark.run
def test_data_of_one_class_are_no_collapse():
    data = Strokes(variant="one-class", images=60, test_images=60, instrument_images=10).load()
    one = Reference(data, CPU)
    images = torch.from_numpy(data.train_examples[:40])
    norms = {"generator": torch.ones(9)}
    trace = Trace(
        tuple(range(9)), 1, images.expand(9, -1, -1, -1, -1), torch.ones(9), 1.0, 4, norms, "generator"
    )
    seen = Evidence(one, images, trace=trace)
    course = course_of(seen)
    assert course.entropy == (None,) * 9
    assert min(course.coverage) > 0.5
    assert collapse(seen) == ""
    assert "collapsed" not in failures(seen)
