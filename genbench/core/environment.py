"""Where numbers come from: machine, software, and the state of genbench's own code."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from genbench import __version__
from genbench.core.ids import JSON, bytes_hash, content_hash

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "pandas", "safetensors", "pydantic")
"""Packages whose version can move a number."""


def capture(device: str, threads: int) -> dict[str, JSON]:
    """Describe this machine and its software.

    Args:
        device: name of the device that trains, as the trainer tells it.
        threads: threads that the trainer uses on the CPU.
    """
    versions: dict[str, JSON] = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return {
        "device": device,
        "threads": threads,
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "python": sys.version.split()[0],
        "packages": versions,
    }


def environment_id(environment: dict[str, JSON]) -> str:
    """Short hash of a description: equal ids are equal machines and software."""
    return content_hash(environment, digits=8)


@cache
def code_version() -> str:
    """genbench's version, and the commit it was run from where that can be told: "0.1.0+g1a2b3c4-dirty"."""
    folder = Path(__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        # A repository that merely contains the environment genbench is installed in is not its own.
        if git("ls-files", "--", Path(__file__).name) == "":
            return __version__
        commit = git("rev-parse", "--short=7", "HEAD")
        dirty = "-dirty" if git("status", "--porcelain", "--", str(folder.parent)) else ""
    except (OSError, subprocess.SubprocessError):
        return __version__
    return f"{__version__}+g{commit}{dirty}"


@cache
def code_identity() -> str:
    """As ``code_version``; without a commit, or with changes to it, with a hash of all source files."""
    version = code_version()
    if "+g" in version and not version.endswith("-dirty"):
        return version
    return f"{version}.{sources_hash()}"


def sources_hash() -> str:
    """Hash of genbench's source files as they are now."""
    sources = sorted(Path(__file__).parents[1].rglob("*.py"))
    return bytes_hash(*(source.read_bytes() for source in sources))
