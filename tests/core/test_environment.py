import re

import pytest

from genbench import __version__
from genbench.core import environment
from genbench.core.environment import PACKAGES, capture, code_version, environment_id, sources_hash


def test_what_is_captured_has_an_id_of_its_content() -> None:
    one, same, other = capture("cpu", 2), capture("cpu", 2), capture("cpu", 4)
    assert environment_id(one) == environment_id(same) != environment_id(other)
    assert re.fullmatch("[0-9a-f]{8}", environment_id(one))
    assert isinstance(one["packages"], dict) and set(one["packages"]) == set(PACKAGES)


def test_code_version_is_the_version_and_perhaps_a_commit() -> None:
    assert re.fullmatch(re.escape(__version__) + r"(\+g[0-9a-f]{7,}(-dirty)?)?", code_version())


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("0.1.0+gab12cd3", "{version}"),
        ("0.1.0+gab12cd3-dirty", "{version}.{sources}"),
        ("0.1.0", "{version}.{sources}"),
    ],
)
def test_code_without_a_commit_of_its_own_has_a_hash_of_its_sources(monkeypatch, version, told):
    monkeypatch.setattr(environment, "code_version", lambda: version)
    environment.code_identity.cache_clear()
    try:
        assert environment.code_identity() == told.format(version=version, sources=sources_hash())
    finally:
        environment.code_identity.cache_clear()
