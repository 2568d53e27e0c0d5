"""What is known of a model that never was."""

from dataclasses import replace

import numpy as np

from genbench.report.explanation.content import (
    Attributions,
    Direction,
    Directions,
    Explanation,
    Inversions,
    Layer,
    Missing,
    Neighbours,
    Paths,
    Probe,
    Probes,
    Subject,
    Traversals,
    Unit,
    Units,
    Walk,
)

HOSTILE = "<script>alert(1)</script>"
METHODS = ("integrated-gradients", "kernel-shap")


def images(*shape: int) -> np.ndarray:
    """Grey ramps (*shape, 1, 6, 6)."""
    ramp = np.linspace(0, 1, 36, dtype=np.float32).reshape(1, 6, 6)
    return np.broadcast_to(ramp, (*shape, 1, 6, 6)).copy()


def made_up(name: str = "vae") -> Explanation:
    """One of everything, small; ``name`` stands wherever a file or a person gives a name."""
    numbers = np.linspace(0.5, 1.5, 8)
    patch = np.zeros((6, 6), dtype=bool)
    patch[1:3, 1:3] = True
    return Explanation(
        subject=Subject(
            label=name,
            model=name,
            dataset=name,
            run=name,
            trial="abc",
            seed=3,
            step=600,
            draws=5,
            latent=2,
            distribution="normal",
            ended="",
            collapsed="",
            without_data="",
        ),
        neighbours=Neighbours(images(2), images(2), np.array([0.25, 4.5]), numbers, 77, name),
        traversals=Traversals(
            images(2, 3), np.array([2, 1]), np.array([1.0, 3.0]), np.array([-2.5, 0.0, 2.5]), 16
        ),
        paths=Paths(
            (
                Walk("draws", images(3), None, None, np.array([0.25, 0.75]), np.array([1.0, 2.0])),
                Walk(
                    "test images",
                    images(3),
                    images(2),
                    np.array([0.125, 0.5]),
                    np.array([0.25, 0.75]),
                    np.array([np.nan, np.nan]),
                ),
            ),
            "slerp",
            "",
        ),
        directions=Directions(
            tuple(Direction(method, 1, images(3), 0.5) for method in ("SeFa", "GANSpace", "random")),
            np.array([-3.0, 0.0, 3.0]),
        ),
        attributions=Attributions(
            kinds=("real", "planted"),
            images=images(2),
            scores=np.array([1.5, np.nan]),
            baseline=-0.25,
            scored_by="discriminator",
            methods=METHODS,
            maps=np.linspace(-1, 1, 144).reshape(2, 2, 6, 6),
            completeness=np.array([[0.003, 0.04], [0.0, np.nan]]),
            infidelity=np.array([[0.2, 0.4], [np.nan, np.nan]]),
            inside=np.array([[np.nan, 0.6], [np.nan, 0.5]]),
            patch=patch,
            masks=64,
        ),
        units=Units(
            (
                Layer(
                    name,
                    4,
                    (Unit(1, False, images(3), 0.5, name, 0.75), Unit(2, True, images(3), 0.0, "", np.nan)),
                    np.array([0, 1, 2, 3]),
                    np.array([0.5, 0.5, 0.0, 0.0]),
                    0.25,
                ),
            ),
            1024,
            32,
        ),
        probes=Probes(
            (
                Probe("generator", "latent", "class", 0.5, 0.1),
                Probe("generator", name, "class", 0.75, 0.1),
                Probe("generator", "latent", name, -3.0, 0.0),
            ),
            {"generator": (200, 100)},
            name,
        ),
        inversions=Inversions(
            ("best", "median", "worst"), images(3), images(3), np.array([0.1, 0.5, 2.0]), numbers, 200, 3
        ),
    )


def without_data(reason: str) -> Explanation:
    """What is left where the data cannot be had."""
    whole, missing = made_up(), Missing(reason)
    return replace(
        whole,
        subject=replace(
            whole.subject, run="", without_data=reason, ended="DIVERGED: a loss", collapsed="collapsed: 0"
        ),
        neighbours=missing,
        paths=Paths(whole.paths.walks[:1], "slerp", reason),
        attributions=missing,
        probes=missing,
        inversions=missing,
    )
