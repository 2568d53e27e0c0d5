"""The variational autoencoder (Kingma & Welling 2014, arXiv:1312.6114, Algorithm 1 with one draw of z)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt
from torch import Tensor, nn

from genbench.core.datainfo import DataInfo
from genbench.core.registry import models
from genbench.models.backbone import Backbone
from genbench.models.losses import bernoulli_log_likelihood, gaussian_kl, gaussian_log_likelihood
from genbench.models.mlp import MLP
from genbench.models.optim import Adam, Optimizer
from genbench.models.protocol import Batch, Logs, Nets, Noise, Player


@models.register("vae")
@dataclass(frozen=True, kw_only=True)
class VAE:
    """Variational autoencoder: Gaussian posterior q(z|x), prior N(0, I), Bernoulli likelihood p(x|z).

    Grey levels count as the probabilities of white pixels, and a sample is the mean of p(x|z), as it is
    usually shown. For points p(x|z) is a Gaussian whose mean and variance the decoder gives, and a sample
    is drawn from it.
    """

    version: ClassVar[str] = "2"

    # Networks: the mirror image of the GANs'. Latent size and learning rate: the best of six settings by
    # Fréchet distance to held-out images, docs/search.md; 20 latents do as well within the spread of seeds.
    latent: Annotated[int, Gt(0)] = 10
    encoder: Backbone = MLP(hidden=(512, 256))
    decoder: Backbone = MLP(hidden=(256, 512))
    optimizer: Optimizer = Adam(lr=2e-3, betas=(0.9, 0.999))

    def prior(self, data: DataInfo) -> Noise:
        """z ~ N(0, I); for points followed by the noise of drawing x from p(x|z)."""
        return Noise((self.latent if data.is_image else self.latent + data.size,))

    @property
    def posterior_noise(self) -> Mapping[str, Noise]:
        """epsilon ~ N(0, I) of the reparameterization z = mu + sigma epsilon."""
        return {"epsilon": Noise((self.latent,))}

    @property
    def players(self) -> tuple[Player, ...]:
        """Encoder and decoder climb the same bound."""
        return (
            Player(
                name="autoencoder",
                trains=("encoder", "decoder"),
                loss=self.loss,
                optimizer=self.optimizer,
                noise=self.posterior_noise,
            ),
        )

    def networks(self, data: DataInfo) -> Mapping[str, nn.Module]:
        """Encoder: to mean and log variance of z; decoder: to logits, or to mean and log variance of x."""
        return {
            "encoder": self.encoder.encoder(data.shape, 2 * self.latent),
            "decoder": self.decoder.decoder(self.latent, data.shape if data.is_image else (2 * data.size,)),
        }

    def loss(self, nets: Nets, batch: Batch) -> tuple[Tensor, Logs]:
        """Minus the bound, averaged over the batch, in nats."""
        log_likelihood, kl = self._terms(nets, batch)
        return (kl - log_likelihood).mean(), {"log p(x|z)": log_likelihood.mean(), "KL": kl.mean()}

    def elbo(self, nets: Nets, batch: Batch) -> Tensor:
        """E_q log p(x|z) - KL(q(z|x) || p(z)) with one draw of z: (B,), nats. Equation 10."""
        log_likelihood, kl = self._terms(nets, batch)
        return log_likelihood - kl

    def log_weight(self, nets: Nets, batch: Batch) -> Tensor:
        """log p(x, z) - log q(z|x) at one draw of z: (B,), nats. Its mean is the bound too, with more noise.

        Burda et al. 2016 (arXiv:1509.00519), equation 7: what the importance-weighted bound averages.
        """
        mean, log_var = self._posterior(nets, batch.x)
        epsilon = batch.noise["epsilon"]
        z = mean + (0.5 * log_var).exp() * epsilon
        prior_over_posterior = 0.5 * (epsilon.square() + log_var - z.square()).sum(1)
        return self._log_likelihood(nets, batch.x, z) + prior_over_posterior

    def encode(self, nets: Nets, x: Tensor) -> Tensor:
        """Examples (B, ...) to the means of q(z|x), (B, latent)."""
        return self._posterior(nets, x)[0]

    def sample(self, nets: Nets, z: Tensor) -> Tensor:
        """The mean of p(x|z) from [0, 1] to [-1, 1] for images; a draw of p(x|z) for points."""
        z, noise = z[:, : self.latent], z[:, self.latent :]
        x = nets.decoder(z)
        if x.ndim == 4:
            return 2 * x.sigmoid() - 1
        mean, log_var = x.chunk(2, 1)
        return mean + (0.5 * log_var).exp() * noise

    def _terms(self, nets: Nets, batch: Batch) -> tuple[Tensor, Tensor]:
        mean, log_var = self._posterior(nets, batch.x)
        z = mean + (0.5 * log_var).exp() * batch.noise["epsilon"]
        return self._log_likelihood(nets, batch.x, z), gaussian_kl(mean, log_var)

    @staticmethod
    def _posterior(nets: Nets, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_var = nets.encoder(x).chunk(2, 1)  # (B, latent) each
        return mean, log_var

    @staticmethod
    def _log_likelihood(nets: Nets, x: Tensor, z: Tensor) -> Tensor:
        decoded = nets.decoder(z)
        if x.ndim == 4:
            return bernoulli_log_likelihood((x + 1) / 2, decoded)  # from [-1, 1] to [0, 1]
        return gaussian_log_likelihood(x, *decoded.chunk(2, 1))
