"""The fixture ``not_worse``, as a user's own repository has it."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

SUITE = """
name = "mine"
seeds = 6
samples = 100
measures = ["modes"]

[train]
steps = {steps}
batch_size = 16
compile = "never"
precision = "float32"

[[dataset]]
name = "digits"

[[model]]
name = "vae"
latent = 2
encoder = {{ hidden = [16] }}
decoder = {{ hidden = [16] }}

[[gate]]
metric = "modes.kl"
allow = "1%"
"""

TESTS = """
def test_as_it_was(not_worse):
    found = not_worse("mine.toml", "base", device="cpu")
    assert found.judgement.passed and found.path.is_dir()

def test_a_bound_it_cannot_keep(not_worse):
    not_worse("strict.toml", "base")
"""


@pytest.mark.run
def test_a_users_test_passes_and_fails_with_the_lines_of_the_gate(pytester):
    import genbench

    pytester.makefile(".toml", mine=SUITE.format(steps=20))
    strict = SUITE.format(steps=20) + "at_most = 0.0001\n"
    pytester.makefile(".toml", strict=strict)
    made = genbench.run(
        genbench.load_suite(pytester.path / "mine.toml"), device="cpu", out=pytester.path / "out"
    )
    made.path.rename(pytester.path / "base")
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess("--genbench-device=cpu", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*GateFailed: mine against *", "E *ABOVE  vae on digits: KL (modes.kl) *"])
    result.stdout.no_fnmatch_line("*genbench/runner/regression.py:*: in *")  # not our insides


def test_the_fixture_is_listed_with_what_it_does(pytester):
    result = pytester.runpytest_inprocess("--fixtures", "-v")
    result.stdout.fnmatch_lines(["not_worse*", "*run a suite, fail the test if it breaks a gate*"])


def test_the_plugin_costs_other_tests_nothing():
    code = (
        "import sys, pytest, genbench.pytest_plugin; "
        "print({'torch', 'numpy', 'pydantic', 'scipy'} & set(sys.modules))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "set()\n"
    )


@pytest.mark.parametrize("option", ["--genbench-confirm", "--genbench-device"])
def test_its_options_are_told(pytester, option):
    pytester.runpytest_inprocess("--help").stdout.fnmatch_lines([f"*{option}*"])
