"""genbench: a comparative benchmark suite of generative models."""

__version__ = "0.1.0"
