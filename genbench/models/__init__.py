"""Generative models, one a file, named as in their papers; losses and backbones beside them."""
