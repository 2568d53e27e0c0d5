"""Wrong usage, wrong suites and wrong input: one paragraph, exit code 2, nothing made."""

import re

import pytest


@pytest.mark.parametrize(
    "arguments",
    [
        ["nope"],
        ["run"],
        ["run", "tiny.toml", "--bogus"],
        ["run", "tiny.toml", "--seeds", "x"],
        ["run", "tiny.toml", "--device", "tpu"],
        ["show"],
        ["show", "x", "--format", "xml"],
        ["sample"],
        ["sample", "x", "-n", "0"],
        ["list"],
        ["list", "nothing"],
    ],
)
def test_wrong_usage_exits_2(genbench, arguments):
    said = genbench(*arguments)
    assert said.code == 2 and "Usage: genbench" in said.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["run", "nope.toml"], r"no suite file at nope.toml. There is tiny.toml"),
        (["run", "."], r"cannot read suite \.: Is a directory"),
        (["run", "tiny.toml", "--set", "trian.steps=3"], r"trian: unknown key 'trian'. Did you mean 'train'"),
        (["run", "tiny.toml", "--set", "train.steps=x"], r"train.steps: expected a whole number \(got 'x'\)"),
        (
            ["run", "tiny.toml", "--set", "model.gan.latnet=3"],
            r"model\[0\].latnet: unknown option .*'latent'",
        ),
        (
            ["run", "tiny.toml", "--set", "model.gan.latent=-3"],
            r"model\[0\].latent: expected a number above 0",
        ),
        (
            ["run", "tiny.toml", "--set", "model.gan.generator_optimizer.name=adma"],
            r"model\[0\].generator_optimizer.name: unknown name 'adma'. Did you mean 'adam'",
        ),
        (["run", "tiny.toml", "--model", "gna"], r"--model gna: .*Did you mean 'gan'"),
        (["run", "tiny.toml", "--seeds", "0"], r"seeds: expected a number above 0"),
        (["run", "tiny.toml", "--seeds", "99999999999"], r"seeds: expected a number of at most 1000"),
        (["run", "tiny.toml", "--resume", "nope"], r"unknown run 'nope'"),
        (["run", "tiny.toml", "--out", "tiny.toml/x"], r"cannot make the folder tiny.toml/x.*--out DIR"),
        (["run", "tiny.toml", "--plugin", "nope.py"], r"no plugin file at nope.py"),
        (
            ["run", "tiny.toml", "--set", "dataset.digits.name=mnist"],
            r"MNIST is not to be had. Tried: .*GENBENCH",
        ),
        (["run", "tiny.toml", "--set", "dataset.digits.name=idx"], r"dataset\[0\].train_images is missing"),
        (["show", "nope"], r"unknown run 'nope'. There are none"),
        (["show", "tiny.toml"], r"tiny.toml, line 1: not a record"),
        (["sample", "nope"], r"unknown run 'nope'"),
        (["sample", "tiny.toml"], r"checkpoint tiny.toml is damaged"),
        (["sample", "x", "-o", "x.gif"], r"-o x.gif: the name must end in .png .* or .npy"),
        (["sample", "x", "-o", "no/x.png"], r"-o no/x.png: there is no folder .*Make it first"),
    ],
)
def test_wrong_input_is_one_paragraph(genbench, fresh_folder, arguments, text):
    said = genbench(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("error: ") and said.err.count("\n") == 1
    assert re.search(text, said.err), said.err
    assert not (fresh_folder / "results").exists()


def test_damaged_images_are_told_with_their_file(genbench, fresh_folder, idx_files):
    path = fresh_folder / "train-images"
    path.write_bytes(path.read_bytes()[:-7])
    said = genbench("run", "tiny.toml", *idx_files)
    assert said.code == 2 and "train-images" in said.err and said.err.count("\n") == 1


@pytest.fixture
def idx_files(fresh_folder):
    """Four small IDX files, and the changes of the suite that name them."""
    import struct

    for split, count in (("train", 40), ("test", 30)):
        body = bytes(i % 256 for i in range(count * 64))
        (fresh_folder / f"{split}-images").write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, count, 8, 8) + body)
        labels = bytes(i % 2 for i in range(count))
        (fresh_folder / f"{split}-labels").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, count) + labels)
    keys = ("train_images", "train_labels", "test_images", "test_labels")
    changes = ["dataset.digits.name=idx", *(f"dataset.idx.{key}={key.replace('_', '-')}" for key in keys)]
    return [word for change in changes for word in ("--set", change)]


PLUGINS = {
    "import": ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
    "syntax": ("def f(", "SyntaxError"),
    "exit": ("raise SystemExit(0)", r"it calls sys\.exit\(0\) while it is imported"),
    "taken": (
        "from genbench.core.registry import models\n@models.register('vae')\nclass VAE: ...",
        r"two things call themselves model 'vae': genbench.models.vae and plugin .*plugin_taken.py",
    ),
}


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_that_cannot_be_used_is_told(genbench, fresh_folder, name):
    content, text = PLUGINS[name]
    path = fresh_folder / f"plugin_{name}.py"
    path.write_text(content)
    said = genbench("run", "tiny.toml", "--dry-run", "--plugin", str(path))
    announced, told = said.err.splitlines()
    assert announced == f"plugin: running the code of {path}"
    assert said.code == 2 and told.startswith("error: ") and re.search(text, told)


@pytest.mark.run
def test_a_plugin_may_build_on_a_model_that_nobody_has_imported(process, fresh_folder):
    (fresh_folder / "mine.py").write_text(
        "from dataclasses import dataclass\n"
        "from genbench.core.registry import models\n"
        "from genbench.models.vae import VAE\n"
        "@models.register('mine')\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Mine(VAE):\n"
        '    """A model of my own."""\n'
    )
    running = process("run", "tiny.toml", "--plugin", "mine.py", "--dry-run", "--set", "model.vae.name=mine")
    out, err = running.communicate()
    assert running.returncode == 0, err
    assert "mine on digits: seeds 0, 1" in out


@pytest.mark.usefixtures("forgotten")
def test_a_model_that_is_no_dataclass_is_told(genbench, fresh_folder):
    (fresh_folder / "plain.py").write_text(
        "from genbench.core.registry import models\n@models.register('plain')\nclass Plain: ...\n"
    )
    said = genbench("run", "tiny.toml", "--plugin", "plain.py", "--set", "model.gan.name=plain", "--dry-run")
    assert said.code == 2 and "model[0]: what is registered there is not a dataclass" in said.err
