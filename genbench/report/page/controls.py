"""What the rows are that no model made, and how to read a table by them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from genbench.core.record import CONTROLS


@dataclass(frozen=True, slots=True)
class ControlRow:
    """A control: what it is, and what its numbers tell."""

    name: str
    made: str
    read: str


_ROWS = (
    ControlRow(
        "expected",
        "Computed, not sampled: what a perfect model scores on average at these sizes, if training and test "
        "data were independent draws of one distribution.",
        "Where real differs from it, the two splits differ.",
    ),
    ControlRow(
        "real",
        "Real examples, scored as if a model had made them.",
        "The best that can be asked for. A model beyond it is not better than real data: the metric does not "
        "see what is wrong with it, or it is chance.",
    ),
    ControlRow(
        "memorized",
        "Examples of the training data, replayed.",
        "As good as real data, and nothing new. Only metrics of memorization tell it apart; a model close to "
        "it there has copied.",
    ),
    ControlRow(
        "collapsed",
        "Real examples of a single class or mode.",
        "What mode collapse scores: precision and density as of real data, recall and coverage low. "
        "A model close to it in these has lost modes.",
    ),
    ControlRow(
        "gaussian",
        "Draws of a normal distribution with the mean and covariance of the training data.",
        "Right in two moments and in nothing else. A model that is no better has learnt no more than these, "
        "and a metric in which it looks like real data looks at little more.",
    ),
    ControlRow(
        "noise",
        "Uniform noise.",
        "What an untrained model scores. A model that is no better in a metric has learnt nothing of what "
        "that metric sees.",
    ),
    ControlRow(
        "oracle",
        "The data's own renderer, with one latent for each factor and one for the class.",
        "The best that these instruments can see: read a model's number as a share of this row's.",
    ),
    ControlRow(
        "oracle-pair",
        "The same renderer, two of its factors mixed by a turn of 45 degrees of their latents.",
        "Between oracle and oracle-rotated wherever a metric measures that latents are factors.",
    ),
    ControlRow(
        "oracle-rotated",
        "The same renderer behind a random rotation of the latents: the same images, no latent a factor.",
        "What luck of the axes scores. A Gaussian prior has no preferred axes, so that a generator has no "
        "reason to do better.",
    ),
    ControlRow(
        "oracle-drop",
        "The same renderer, one of whose factors never varies.",
        "Only coverage tells it from oracle.",
    ),
    ControlRow(
        "oracle-constant",
        "One image for every latent.",
        "What total collapse scores, and which numbers are then withheld.",
    ),
    ControlRow(
        "untrained",
        "The suite's first model with its networks as they are before training.",
        "What is there without learning. A model that is no better has not learnt what the metric measures.",
    ),
    ControlRow(
        "pixels",
        "Images as they are, every pixel a feature.",
        "A representation that is no better was not worth learning for this purpose.",
    ),
    ControlRow(
        "pca", "The principal components of the images.", "The best linear summary, learnt in no time."
    ),
    ControlRow(
        "random-map",
        "A random attribution map.",
        "What an explanation scores that explains nothing.",
    ),
)


def control_rows(names: Iterable[str]) -> tuple[ControlRow, ...]:
    """Those of the controls that are named, in the order of the tables."""
    wanted = set(names) & set(CONTROLS)
    return tuple(row for row in _ROWS if row.name in wanted)
