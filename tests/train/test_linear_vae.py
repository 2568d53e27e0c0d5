"""A linear VAE is probabilistic PCA: its optimum is known, and training has to get there."""

import pytest
import torch
from torch import nn

from genbench.core.datainfo import DataInfo
from genbench.models.optim import Adam
from genbench.models.vae import VAE
from genbench.train.settings import Settings
from genbench.train.state import lane_tensors
from genbench.train.trainer import train

D, LATENT, N = 5, 2, 4000


class _Constant(nn.Module):
    """What does not depend on the input: (B, outputs)."""

    def __init__(self, outputs):
        super().__init__()
        self.value = nn.Parameter(torch.zeros(outputs))
        self.outputs = outputs

    def forward(self, x):
        return self.value.expand(len(x), -1)


class _Both(nn.Module):
    """A linear mean beside a constant log variance, one for all coordinates of an example."""

    def __init__(self, inputs, outputs, shared):
        super().__init__()
        self.mean, self.log_var = nn.Linear(inputs, outputs), _Constant(1 if shared else outputs)
        self.outputs = outputs

    def forward(self, x):
        return torch.cat((self.mean(x), self.log_var(x).expand(-1, self.outputs)), 1)


class LinearVAE(VAE):
    """Encoder and decoder without hidden layers."""

    def networks(self, data):
        return {
            "encoder": _Both(data.size, self.latent, shared=False),
            "decoder": _Both(self.latent, data.size, shared=True),
        }


@pytest.mark.run
def test_it_reaches_the_principal_subspace_and_the_discarded_variance():
    """Tipping and Bishop 1999, eq. 7 and 8; Lucas et al. 2019 (arXiv:1911.02469)."""
    random = torch.Generator().manual_seed(0)
    loadings = torch.randn(D, LATENT, generator=random) * torch.tensor([2.0, 1.0])
    x = torch.randn(N, LATENT, generator=random) @ loadings.T + 0.5 * torch.randn(N, D, generator=random)
    x = x - x.mean(0)
    model = LinearVAE(latent=LATENT, optimizer=Adam(lr=5e-3, betas=(0.9, 0.999)))
    settings = Settings(steps=3000, batch_size=256, device=torch.device("cpu"), compile="never")
    training = train(model, DataInfo("gaussian", (D,)), x, (3,), settings)
    decoder = lane_tensors(training.state, 0)["decoder"]
    values, vectors = torch.linalg.eigh(x.T @ x / N)
    principal = vectors[:, -LATENT:]
    found, _ = torch.linalg.qr(decoder["mean.weight"])
    cosines = torch.linalg.svdvals(principal.T @ found)
    assert cosines.min() > 0.995  # the largest angle is below 6 degrees
    sigma2 = decoder["log_var.value"].exp().item()
    assert sigma2 == pytest.approx(values[: D - LATENT].mean().item(), rel=0.1)
