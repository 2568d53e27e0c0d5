"""The other side: training scripts in eager PyTorch, one seed each, as they are usually written.

``torch.nn`` modules, ``torch.optim``, a ``DataLoader`` over float images, ``loss.backward()``, float32. Noise
is fresh for D and for G, the fake is detached where D learns, and G's backward pass fills D's gradients too,
which the next ``zero_grad`` throws away.

A script is also run *tuned*, with what PyTorch offers for the asking: batches indexed from one tensor on the
device instead of a DataLoader's, and fused optimizers where there are such.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

IMAGE = (1, 28, 28)

Steps = Iterator[tuple[Tensor, ...]]
"""Each ``next`` makes one step and gives its losses."""


@dataclass(frozen=True, slots=True)
class Script:
    """A training script that can be stopped after each step.

    Attributes:
        networks: what it trains.
        steps: its loop.
    """

    networks: tuple[nn.Module, ...]
    steps: Steps

    @property
    def parameters(self) -> int:
        """Numbers that it trains."""
        return sum(p.numel() for net in self.networks for p in net.parameters())


@dataclass(frozen=True, slots=True)
class Given:
    """What a script is started with.

    Attributes:
        examples: (N, ...) float32 on the CPU; images in [-1, 1].
        batch_size: of every update.
        device: where it trains.
        tuned: without a DataLoader and with fused optimizers.
    """

    examples: Tensor
    batch_size: int
    device: torch.device
    tuned: bool = False

    def batches(self) -> Iterator[Tensor]:
        """Shuffled batches on the device, epoch after epoch, without end; an epoch's rest is dropped."""
        if self.tuned:
            examples, size = self.examples.to(self.device), self.batch_size
            while True:
                order = torch.randperm(len(examples), device=self.device)
                for start in range(0, len(examples) - size + 1, size):
                    yield examples[order[start : start + size]]
        loader = DataLoader(TensorDataset(self.examples), self.batch_size, shuffle=True, drop_last=True)
        while True:
            for (x,) in loader:
                yield x.to(self.device)

    def adam(self, net: nn.Module, lr: float, betas: tuple[float, float]) -> torch.optim.Optimizer:
        """Adam over a network."""
        return torch.optim.Adam(net.parameters(), lr=lr, betas=betas, fused=True if self.tuned else None)


def mlp_generator() -> nn.Module:
    """100-256-512-784 with batch normalization; no bias where that would subtract it."""
    return nn.Sequential(
        nn.Linear(100, 256, bias=False),
        nn.BatchNorm1d(256),
        nn.ReLU(),
        nn.Linear(256, 512, bias=False),
        nn.BatchNorm1d(512),
        nn.ReLU(),
        nn.Linear(512, 784),
        nn.Tanh(),
        nn.Unflatten(1, IMAGE),
    )


def mlp_discriminator() -> nn.Module:
    """784-512-256-1."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 512),
        nn.LeakyReLU(0.2),
        nn.Linear(512, 256),
        nn.LeakyReLU(0.2),
        nn.Linear(256, 1),
    )


def conv_generator() -> nn.Module:
    """InfoGAN's: 64-1024-(128, 7, 7)-(64, 14, 14)-(1, 28, 28) with batch normalization."""
    return nn.Sequential(
        nn.Linear(64, 1024, bias=False),
        nn.BatchNorm1d(1024),
        nn.LeakyReLU(0.2),
        nn.Linear(1024, 128 * 7 * 7, bias=False),
        nn.BatchNorm1d(128 * 7 * 7),
        nn.LeakyReLU(0.2),
        nn.Unflatten(1, (128, 7, 7)),
        nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1),
        nn.Tanh(),
    )


def conv_discriminator() -> nn.Module:
    """InfoGAN's without batch normalization: (64, 14, 14)-(128, 7, 7)-1024-1."""
    return nn.Sequential(
        nn.Conv2d(1, 64, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(64, 128, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(128 * 7 * 7, 1024),
        nn.LeakyReLU(0.2),
        nn.Linear(1024, 1),
    )


def ring_generator() -> nn.Module:
    """2-128-128-2."""
    return nn.Sequential(nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2))


def ring_discriminator() -> nn.Module:
    """2-128-128-1."""
    return nn.Sequential(
        nn.Linear(2, 128), nn.LeakyReLU(0.2), nn.Linear(128, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1)
    )


def ns_gan(G: nn.Module, D: nn.Module, latent: int, lr: float, given: Given) -> Script:
    """The non-saturating GAN: one update of D, one of G."""
    device, size = given.device, given.batch_size
    G, D = G.to(device), D.to(device)

    def steps() -> Steps:
        g_optimizer, d_optimizer = (given.adam(net, lr, (0.5, 0.999)) for net in (G, D))
        criterion = nn.BCEWithLogitsLoss()
        ones, zeros = torch.ones(size, 1, device=device), torch.zeros(size, 1, device=device)
        for real in given.batches():
            d_optimizer.zero_grad()
            fake = G(torch.randn(size, latent, device=device))
            d_loss = criterion(D(real), ones) + criterion(D(fake.detach()), zeros)
            d_loss.backward()
            d_optimizer.step()

            g_optimizer.zero_grad()
            fake = G(torch.randn(size, latent, device=device))
            g_loss = criterion(D(fake), ones)
            g_loss.backward()
            g_optimizer.step()
            yield d_loss.detach(), g_loss.detach()

    return Script((G, D), steps())


def wgan(G: nn.Module, D: nn.Module, latent: int, lr: float, given: Given) -> Script:
    """The Wasserstein GAN: five updates of the critic, weights clipped to 0.01 after each, one of G."""
    device, size = given.device, given.batch_size
    G, D = G.to(device), D.to(device)

    def steps() -> Steps:
        g_optimizer, d_optimizer = (torch.optim.RMSprop(net.parameters(), lr=lr) for net in (G, D))
        batches = given.batches()
        while True:
            for _ in range(5):
                real = next(batches)
                d_optimizer.zero_grad()
                fake = G(torch.randn(size, latent, device=device))
                d_loss = D(fake.detach()).mean() - D(real).mean()
                d_loss.backward()
                d_optimizer.step()
                for p in D.parameters():
                    p.data.clamp_(-0.01, 0.01)

            g_optimizer.zero_grad()
            g_loss = -D(G(torch.randn(size, latent, device=device))).mean()
            g_loss.backward()
            g_optimizer.step()
            yield d_loss.detach(), g_loss.detach()

    return Script((G, D), steps())


def vae(latent: int, given: Given) -> Script:
    """The VAE 784-512-256-latent and back, Bernoulli likelihood, images in [0, 1]."""
    device = given.device
    encoder = nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 512),
        nn.LeakyReLU(0.2),
        nn.Linear(512, 256),
        nn.LeakyReLU(0.2),
        nn.Linear(256, 2 * latent),
    ).to(device)
    decoder = nn.Sequential(
        nn.Linear(latent, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 784)
    ).to(device)
    both = nn.ModuleList([encoder, decoder])
    given = Given((given.examples + 1) / 2, given.batch_size, device, given.tuned)

    def steps() -> Steps:
        optimizer = given.adam(both, 2e-3, (0.9, 0.999))
        for x in given.batches():
            optimizer.zero_grad()
            mu, logvar = encoder(x).chunk(2, dim=1)
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
            flat = x.flatten(1)
            bce = functional.binary_cross_entropy_with_logits(decoder(z), flat, reduction="sum")
            kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
            loss = (bce + kl) / len(x)
            loss.backward()
            optimizer.step()
            yield (loss.detach(),)

    return Script((encoder, decoder), steps())
