"""A suite that uses every kind of key."""

SUITE = """
name = "tiny"
question = "Does it run?"
seeds = 2
samples = 100
measures = ["modes", "quality"]

[train]
steps = 20
batch_size = 32
compile = "never"

[[dataset]]
name = "mnist"
fallback = "digits"

[[model]]
name = "gan"
latent = 8
generator = { hidden = [16] }

[[model]]
name = "vae"
label = "vae-4.5"
latent = 4
"""
