"""Pure functions from tensors to numbers: the public numeric API."""
