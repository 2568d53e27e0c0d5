import re

from genbench import __version__
from genbench.core.environment import PACKAGES, capture, code_version, environment_id


def test_what_is_captured_has_an_id_of_its_content() -> None:
    one, same, other = capture("cpu", 2), capture("cpu", 2), capture("cpu", 4)
    assert environment_id(one) == environment_id(same) != environment_id(other)
    assert isinstance(one["packages"], dict) and set(one["packages"]) == set(PACKAGES)


def test_code_version_is_the_version_and_perhaps_a_commit() -> None:
    assert re.fullmatch(re.escape(__version__) + r"(\+g[0-9a-f]{7,}(-dirty)?)?", code_version())
