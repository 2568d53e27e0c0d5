"""What a model may offer besides samples: a judge, an encoder, a bound of the likelihood."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.func import grad

from genbench.models.protocol import Bounded, Encoding, Judging
from genbench.runner.check.finding import Fault, NotRun
from genbench.runner.check.subject import BATCH, SEEDS, Subject, blamed, described, nets_of
from genbench.train.sampling import elbo, log_weights
from genbench.train.update import as_seen


def judge(subject: Subject) -> str:
    """Examples to one number each, differentiable in the example."""
    model = subject.model
    if not isinstance(model, Judging):
        raise NotRun("the model has no `judge`, so what a network makes of examples is not measured")
    nets, x = nets_of(subject, subject.ready), as_seen(subject.examples[:BATCH], torch.float64)
    with blamed(subject, "`judge`", "It takes (nets, x) with examples (B, ...) as losses see them."):
        scores = model.judge(nets, x)
    _check_each(scores, (BATCH,), "judge")
    _check_mates(lambda some: model.judge(nets, some), x, scores, "judge")
    if not grad(lambda some: model.judge(nets, some).sum())(x).abs().max() > 0:
        raise Fault("`judge` has no gradient in the example", "Call the network on x without .detach().")
    return "one number of each example, differentiable"


def encode(subject: Subject) -> str:
    """Examples to latents."""
    model = subject.model
    if not isinstance(model, Encoding):
        raise NotRun("the model has no `encode`, so inferred latents are not measured")
    nets, x = nets_of(subject, subject.ready), as_seen(subject.examples[:BATCH], torch.float64)
    with blamed(subject, "`encode`", "It takes (nets, x) with examples (B, ...) as losses see them."):
        codes = model.encode(nets, x)
    if not isinstance(codes, Tensor) or codes.ndim != 2:
        raise Fault(
            f"`encode` gives {described(codes)}, expected one of shape ({BATCH}, latent)",
            "Return the mean of the latents of each example.",
        )
    _check_each(codes, (BATCH, codes.shape[1]), "encode")
    _check_mates(lambda some: model.encode(nets, some), x, codes, "encode")
    return f"{codes.shape[1]} numbers of each example"


def bound(subject: Subject) -> str:
    """The bound is of each example alone, and its two forms agree in size."""
    model, x = subject.model, subject.examples
    if not isinstance(model, Bounded):
        raise NotRun("the model has no `elbo`, so no likelihood is bounded")
    with blamed(subject, "`elbo`", "It takes (nets, batch) with noise as `posterior_noise` declares it."):
        bounds = elbo(model, subject.data, subject.ready, 1, SEEDS[1], x)
    _check_each(bounds, (len(x),), "elbo")
    with blamed(
        subject, "`log_weight`", "It takes (nets, batch) with noise as `posterior_noise` declares it."
    ):
        weights = log_weights(model, subject.data, subject.ready, 1, SEEDS[1], x, 2)
    _check_each(weights, (2, len(x)), "log_weight")
    changed = x.clone()
    changed[0] = 255 - changed[0] if subject.data.is_image else changed[0] + 1
    if not torch.allclose(
        elbo(model, subject.data, subject.ready, 1, SEEDS[1], changed)[1:], bounds[1:], rtol=1e-9, atol=0
    ):
        raise Fault(
            "the bound of an example depends on the others of its batch",
            "Sum over pixels or coordinates, not over the batch.",
        )
    return "of each example alone"


def _check_each(values: object, expected: tuple[int, ...], what: str) -> None:
    if not isinstance(values, Tensor) or tuple(values.shape) != expected:
        raise Fault(
            f"`{what}` gives {described(values)}, expected one of shape {expected}",
            "Keep the batch as the first axis, and drop axes of length one with `.squeeze(1)`.",
        )
    if not values.isfinite().all():
        raise Fault(
            f"`{what}` gives numbers that are not finite", "Look for log, exp or division that runs away."
        )


def _check_mates(function: object, x: Tensor, together: Tensor, what: str) -> None:
    single = function(x[:1])  # type: ignore[operator]
    if not torch.allclose(single, together[:1], rtol=1e-9, atol=1e-12):
        raise Fault(
            f"`{what}` of an example depends on the others of its batch",
            "Use no mean, norm or ranking over the batch.",
        )
