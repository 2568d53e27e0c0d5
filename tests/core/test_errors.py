import pytest

from genbench.core import errors
from genbench.core.errors import GenbenchError, choose_from


def test_nearest_match_first_then_all_choices_sorted() -> None:
    assert choose_from("model", "wgna", ["wgan", "gan", "vae"]) == (
        "unknown model 'wgna'. Did you mean 'wgan'? Valid: gan, vae, wgan."
    )


def test_nothing_near_gets_no_guess() -> None:
    assert "Did you mean" not in choose_from("model", "transformer", ["vae"])


def test_no_choices_are_said() -> None:
    assert choose_from("run", "x", []) == "unknown run 'x'. There are none."


@pytest.mark.parametrize(
    "kind",
    [
        *(errors.SuiteError, errors.DataError, errors.CheckpointError, errors.RecordError),
        *(errors.OutputError, errors.PluginError, errors.UnknownName),
    ],
)
def test_one_except_catches_all_that_a_user_can_mend(kind: type[Exception]) -> None:
    assert issubclass(kind, GenbenchError)


def test_a_warning_is_not_an_error() -> None:
    assert not issubclass(errors.GenbenchWarning, GenbenchError)
    assert issubclass(errors.GenbenchWarning, UserWarning)
