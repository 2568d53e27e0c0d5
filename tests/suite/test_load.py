import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from a_suite import SUITE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genbench.core.errors import GenbenchError, SuiteError, UnknownName
from genbench.suite.load import load_suite
from genbench.suite.schema import Given

Write = Callable[..., Path]


def test_a_suite_is_read_with_its_defaults(write: Write) -> None:
    suite = load_suite(write())
    assert (suite.name, suite.seed_list, suite.samples) == ("tiny", (0, 1), 100)
    assert (suite.train.steps, suite.train.precision, suite.train.lanes) == (20, "auto", "auto")
    assert [model.label for model in suite.model] == ["gan", "vae-4.5"]
    assert suite.model[0].options == {"latent": 8, "generator": {"hidden": [16]}}
    assert suite.dataset[0].fallback == "digits"
    assert load_suite(str(write())) == suite
    assert not suite.quick


def test_the_smallest_suite_needs_a_name_a_dataset_and_a_model(write: Write) -> None:
    suite = load_suite(write('name = "a"\n[[dataset]]\nname = "digits"\n[[model]]\nname = "gan"\n'))
    assert suite.measures == ("throughput", "modes", "quality")
    assert (suite.question, suite.seeds, suite.samples, suite.alpha, suite.quick) == (
        "",
        5,
        10_000,
        0.05,
        False,
    )
    assert suite.target is None and suite.gate == () and suite.dataset[0].fallback is None
    assert suite.train.model_dump() == {
        "steps": 3000, "batch_size": 128, "precision": "auto", "compile": "auto", "lanes": "auto",
        "save_every": 0, "evaluate_every": 0,
    }  # fmt: skip
    with pytest.raises(SuiteError, match=r"name is missing; dataset is missing; model is missing"):
        load_suite(write(""))


@pytest.mark.run
def test_reading_a_suite_imports_no_torch(write: Write) -> None:
    code = (
        "import sys, genbench\n"
        f"suite = genbench.load_suite({str(write())!r}, quick=True)\n"
        "assert suite.quick\n"
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_quick_shortens_and_says_so(write: Write) -> None:
    head = 'name = "a"\nseeds = [7, 8, 9]\nsamples = 9999\n[train]\nsteps = 9999\nsave_every = 500\n'
    suite = load_suite(write(head + '[[dataset]]\nname = "digits"\n[[model]]\nname = "gan"\n'), quick=True)
    assert suite.quick
    assert suite.train.steps <= 100 and suite.samples <= 1000 and suite.train.compile == "never"
    assert suite.seed_list == (7, 8)
    assert suite.train.save_every <= suite.train.steps


def test_what_the_command_line_changed_is_kept_with_the_suite(write: Write) -> None:
    assert load_suite(write()).given == Given()
    suite = load_suite(write(), set_=["train.steps=9"], only=["gan"], seeds=3, quick=True)
    assert suite.given == Given(("train.steps=9",), ("gan",), 3, True)


def test_quick_keeps_what_is_asked_for_explicitly(write: Write) -> None:
    asked = load_suite(write(), set_=["train.steps=200"], seeds=5, quick=True)
    assert (asked.train.steps, len(asked.seed_list), asked.quick) == (200, 5, True)
    assert asked.samples <= 1000 and asked.train.compile == "never"


def test_quick_looks_on_the_way_too_and_keeps_the_target(write: Write) -> None:
    changes = ["train.evaluate_every=500", "target.metric=quality.fid", "target.value=10", "train.steps=5000"]
    asked = load_suite(write(), set_=changes)
    short = asked.shortened()
    assert (short.train.evaluate_every, short.train.steps, short.target) == (32, 64, asked.target)
    assert (
        load_suite(write(), set_=changes[:1]).shortened({"train.evaluate_every"}).train.evaluate_every == 500
    )
    assert load_suite(write()).shortened().train.evaluate_every == 0


def test_a_target_that_is_never_looked_for_is_refused(write: Write) -> None:
    with pytest.raises(
        SuiteError, match=r"target: whether it is reached is seen at evaluations .*every = 500"
    ):
        load_suite(write(), set_=["target.metric=quality.fid", "target.value=10"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("target.value=nan", r"target\.value: .*finite"),
        ("target.value='low'", r"target\.value: expected a number \(got 'low'\)"),
        ("target.stop=1", r"target\.stop: expected true or false \(got 1\)"),
        ("target.goal=1", r"target\.goal: unknown key 'goal'.*Valid: metric, stop, value"),
        ("target=10", r"target: expected a table \(got 10\)"),
        ("train.evaluate_every=-1", r"train\.evaluate_every: expected a number of at least 0 \(got -1\)"),
    ],
)
def test_a_wrong_target_is_told_with_its_key(write: Write, change: str, message: str) -> None:
    right = ["train.evaluate_every=5", "target.metric=quality.fid", "target.value=10"]
    with pytest.raises(SuiteError, match=message):
        load_suite(write(), set_=[*right, change])


@pytest.mark.parametrize(
    ("key", "least", "most"),
    [
        ("seeds", 1, 1000), ("samples", 1, 10**7), ("train.steps", 1, 10**9), ("train.lanes", 1, 1000),
        ("train.batch_size", 1, 2**16), ("train.save_every", 0, None), ("train.evaluate_every", 0, None),
    ],
)  # fmt: skip
def test_a_number_may_be_as_small_or_large_as_its_bounds(
    write: Write, key: str, least: int, most: int | None
) -> None:
    for value in (least, most):
        if value is not None:
            load_suite(write(), set_=[f"{key}={value}"])
    for value in (least - 1, None if most is None else most + 1):
        if value is not None:
            with pytest.raises(SuiteError, match=key):
                load_suite(write(), set_=[f"{key}={value}"])


def test_quick_never_lengthens(write: Write) -> None:
    suite = load_suite(write(), set_=["train.steps=3", "seeds=1", "samples=4"], quick=True)
    assert (suite.train.steps, suite.seed_list, suite.samples) == (3, (0,), 4)


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("{}", r"it looks at nothing: give it a `metric`, or `failures`"),
        ("{allow = 1.0}", "`allow` needs a `metric`"),
        ("{failures = 0.1, at_most = 1.0}", "`at_most` needs a `metric`"),
        ("{metric = 'a.b', at_least = 2.0, at_most = 1.9}", "`at_least` is above `at_most`"),
        ("{failures = 1.1}", r"failures: expected a number of at most 1"),
        ("{metric = 'quality.fid', model = 'gna'}", r"gate\[0\]\.model: .*Did you mean 'gan'"),
        ("{metric = 'quality.fid', dataset = 'mnits'}", r"gate\[0\]\.dataset: .*Did you mean 'mnist'"),
    ],
)
def test_a_gate_that_says_nothing_or_of_nobody_is_refused(write: Write, gate: str, said: str) -> None:
    with pytest.raises(SuiteError, match=said):
        load_suite(write(), set_=[f"gate=[{gate}]"])


def test_gates_are_of_models_and_datasets_by_any_name_in_the_records(write: Write) -> None:
    gates = "{failures = 0.0}", "{failures = 1.0, model = 'vae-4.5'}", "{metric = 'a.b', dataset = 'digits'}"
    gates += ("{metric = 'a.b', at_least = 2.0, at_most = 2.0}",)
    found = load_suite(write(), set_=[f"gate=[{', '.join(gates)}]"]).gate
    assert [gate.covers("mnist", "gan") for gate in found] == [True, False, False, True]
    assert [gate.covers("digits", "vae-4.5") for gate in found] == [True, True, True, True]


def test_models_are_chosen_by_label(write: Write) -> None:
    assert [m.label for m in load_suite(write(), only=["vae-4.5"]).model] == ["vae-4.5"]
    with pytest.raises(SuiteError, match=r"--model gna: .*Did you mean 'gan'\?"):
        load_suite(write(), only=["gna"])


@pytest.mark.parametrize(
    ("change", "get", "value"),
    [
        ("train.steps=500", lambda s: s.train.steps, 500),
        ("train.precision=float32", lambda s: s.train.precision, "float32"),
        ('train.precision="float32"', lambda s: s.train.precision, "float32"),
        (f"seeds=[0, {2**63 - 1}]", lambda s: s.seed_list, (0, 2**63 - 1)),
        ("seeds=[3, 5]", lambda s: s.seed_list, (3, 5)),
        ("model.gan.latent=64", lambda s: s.model[0].options["latent"], 64),
        ("model.gan.generator.hidden=[8]", lambda s: s.model[0].options["generator"], {"hidden": [8]}),
        (
            "model.gan.discriminator.hidden=[8]",
            lambda s: s.model[0].options["discriminator"],
            {"hidden": [8]},
        ),
        ("model.vae-4.5.latent=2", lambda s: s.model[1].options["latent"], 2),
        ("dataset.mnist.path=data=x", lambda s: s.dataset[0].options["path"], "data=x"),
        (" samples = 7 ", lambda s: s.samples, 7),
    ],
)
def test_set_changes_one_key(write: Write, change: str, get: Callable[..., object], value: object) -> None:
    assert get(load_suite(write(), set_=[change])) == value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("foo", r"--set foo: expected key=value"),
        ("=3", r"--set =3: expected key=value"),
        ("a..b=3", r"expected key=value"),
        ("trian.steps=3", r"trian: unknown key 'trian'. Did you mean 'train'\?"),
        ("train.stesp=3", r"train.stesp: unknown key 'stesp'. Did you mean 'steps'\?"),
        ("train.steps.x=3", r"--set train.steps.x=3: steps is a value"),
        ("train=3", r"train: expected a table \(got 3\)"),
        ("model=3", r"model: expected a list \(got 3\)"),
        ("model=[3]", r"model\[0\]: expected a table"),
        ("model.gan=3", r"--set model.gan=3: expected an option of it too, such as model.gan.OPTION"),
        ("model.vae-4.5=3", r"expected an option of it too"),
        ("model.gna.latent=3", r"--set model.gna.latent=3: unknown model 'gna'. Did you mean 'gan'\?"),
        ("train.steps=x", r"train.steps: expected a whole number \(got 'x'\)"),
        ("train.steps=1.5", r"train.steps: expected a whole number \(got 1.5\)"),
        ("train.steps=true", r"train.steps: expected a whole number \(got True\)"),
        ("train.steps=0", r"train.steps: expected a number above 0 \(got 0\)"),
        ("train.steps=99999999999", r"train.steps: expected a number of at most"),
        ("train.batch_size=99999999999", r"train.batch_size: expected a number of at most"),
        ("train.lanes=0", r"train.lanes: expected a number above 0 or 'auto' \(got 0\)"),
        ("train.precision=f16", r"train.precision: expected 'auto', 'float32' or 'bfloat16' \(got 'f16'\)"),
        ("seeds=99999999999", r"seeds: expected a number of at most 1000"),
        ("seeds=0", r"seeds: expected a number above 0"),
        ("seeds=[]", r"seeds: expected a whole number or a list of at least 1 \(got \[\]\)"),
        ("seeds=[-1]", r"tiny?.*seeds\[0\]: expected a number of at least 0 \(got -1\)"),
        ("seeds=[1, 1]", r"seeds appear twice: 1"),
        ("seeds=x", r"seeds: expected a whole number or a list \(got 'x'\)"),
        ("measures=quality", r"measures: expected a list \(got 'quality'\)"),
        ("measures=[]", r"measures: expected a list of at least 1"),
        ("measures=[3]", r"measures\[0\]: expected text in quotes \(got 3\)"),
        ("question=3", r"question: expected text in quotes \(got 3\)"),
        ("name=a/b", r"name: use 1 to 48 letters"),
        ("name=..", r"name: use 1 to 48 letters"),
        ("model.gan.label=real", r"model\[0\].label: 'real' is the name of a control row"),
        ("model.gan.label=vae-4.5", r"model labels appear twice: vae-4.5. Give one of them another `label`"),
        ("model.gan.label=../x", r"model\[0\].label: use 1 to 48 letters"),
        ("model.gan.name=3", r"model\[0\].name: expected text in quotes"),
    ],
)
def test_a_wrong_change_is_one_paragraph_with_its_key(write: Write, change: str, said: str) -> None:
    path = write(SUITE)
    with pytest.raises(SuiteError, match=said.replace("tiny?", "")) as caught:
        load_suite(path, set_=[change])
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value) or "--set" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("model.gan.name=gna", r"model\[0\].name: unknown model 'gna'. Did you mean 'gan'\?"),
        ("dataset.mnist.name=mnits", r"dataset\[0\].name: unknown dataset 'mnits'. Did you mean 'mnist'\?"),
        ("dataset.mnist.fallback=digit", r"dataset\[0\].fallback: unknown dataset 'digit'.*'digits'\?"),
        ('measures=["qualty"]', r"measures\[0\]: unknown measure 'qualty'. Did you mean 'quality'\?"),
    ],
)
def test_an_unknown_name_gets_the_nearest(write: Write, change: str, said: str) -> None:
    with pytest.raises(UnknownName, match=said):
        load_suite(write(), set_=[change])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name = ", "is not valid TOML: .*at end of document"),
        (b"name = 'a'\nname = 'b'\n", "is not valid TOML: .*line 2"),
        (b"name = '\xff'", "byte 8 is not UTF-8 text. Save the file as UTF-8"),
        (b"a = " + b"[" * 100_000, "nests tables or lists too deeply"),
        (b"a = " + b"[" * 17 + b"]" * 17, "lie more than 16 deep"),
        (b"a = " + b"[" * 16 + b"]" * 16, "a: unknown key 'a'"),
        (b"a = 9223372036854775808", "a whole number of more than 64 bits"),
        (b"a = -9223372036854775808", "a: unknown key 'a'"),
        (b"\x7fELF\0\0", "is not valid TOML"),
        (b"model = 3\n[dataset]\n", "model: expected a list.*"),
        (b"model = 'x'\n", "model: expected a list"),
    ],
)
def test_a_file_that_is_no_suite(write: Write, content: bytes, said: str) -> None:
    path = write(content)
    with pytest.raises(SuiteError, match=said) as caught:
        load_suite(path)
    assert str(path) in str(caught.value)


def test_set_within_tables_that_are_none_is_told(write: Write) -> None:
    with pytest.raises(SuiteError, match=r"unknown model 'gan'\. There are none"):
        load_suite(write("model = 3\n"), set_=["model.gan.latent=3"])


def test_a_missing_file_names_its_neighbours(write: Write, tmp_path: Path) -> None:
    write()
    with pytest.raises(SuiteError, match=r"no suite file at .*siute.toml. There is .*suite.toml"):
        load_suite(tmp_path / "siute.toml")


def test_a_folder_is_not_a_suite(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=f"cannot read suite {re.escape(str(tmp_path))}: Is a directory"):
        load_suite(tmp_path)


KEYS = {
    "name": ("name",),
    "question": ("question",),
    "seeds": ("seeds",),
    "samples": ("samples",),
    "measures": ("measures",),
    "train": ("train",),
    "steps": ("train", "steps"),
    "batch_size": ("train", "batch_size"),
    "precision": ("train", "precision"),
    "compile": ("train", "compile"),
    "lanes": ("train", "lanes"),
    "save_every": ("train", "save_every"),
    "evaluate_every": ("train", "evaluate_every"),
    "target": ("target",),
    "metric": ("target", "metric"),
    "stop": ("target", "stop"),
    "dataset": ("dataset",),
    "model": ("model",),
    "quick": ("quick",),
}
# Of no type that any key takes, or far out of its range.
WRONG = st.sampled_from(["1e400", "-1", "-0.5", "nan", "2020-01-01", "{ a = 1 }", "[[]]", "[{ b = 2 }]"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(sorted(KEYS)), value=WRONG)
def test_any_wrong_value_is_an_error_that_names_its_key(write: Write, key: str, value: str) -> None:
    with pytest.raises(SuiteError, match=rf"\b{key}\b"):
        load_suite(write(), set_=[".".join(KEYS[key]) + f"={value}"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(["", "train."]), key=st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1))
def test_any_unknown_key_is_named(write: Write, place: str, key: str) -> None:
    if key not in KEYS:
        with pytest.raises(SuiteError, match=rf"{place}{key}: unknown key '{key}'"):
            load_suite(write(), set_=[f"{place}{key}=1"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, len(SUITE)), length=st.integers(0, 20), text=st.binary(max_size=6))
def test_a_damaged_file_is_a_suite_or_a_told_error(
    write: Write, start: int, length: int, text: bytes
) -> None:
    content = SUITE.encode()
    path = write(content[:start] + text + content[start + length :])
    try:
        load_suite(path)
    except GenbenchError as error:
        assert str(path) in str(error)
