"""Genbench against eager PyTorch scripts: networks and loops of the scripts, cases, contestants, rounds."""
