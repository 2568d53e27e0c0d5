"""No reader runs what it reads: ways of doing so are not in the package, but for those listed here."""

import ast
from pathlib import Path

import genbench

PACKAGE = Path(genbench.__file__).parent

FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "marshal",
    "shelve",
    "yaml",
    "code",
}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_METHODS = {
    "torch.load", "np.load", "numpy.load", "np.loadtxt", "np.fromfile", "os.system", "os.popen",
    "torch.hub.load", "pd.read_pickle", "shutil.unpack_archive", "tempfile.mktemp",
}  # fmt: skip
FORBIDDEN_ENDS = {"extractall", "extract", "read_pickle", "allow_pickle"}

ALLOWED = {
    ("core/environment.py", "subprocess"),  # asks git and the system, by fixed words
    ("runner/hand.py", "subprocess"),  # genbench itself, by fixed words
    ("train/device.py", "subprocess"),  # asks the compiler whether it is there, by fixed words
    ("core/registry.py", "exec_module"),  # plugins: their code is run, which is what they are for
}


def dotted(node):
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def found(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Call):
            text = dotted(node.func)
            yield text
            yield text.rpartition(".")[2] if "." in text else f"{text}("
            for option in node.keywords:
                if option.arg in ("allow_pickle", "shell", "weights_only"):
                    yield f"{option.arg}={ast.unparse(option.value)}"


def offences(name, text):
    bad = {
        *FORBIDDEN_MODULES,
        *FORBIDDEN_METHODS,
        *FORBIDDEN_ENDS,
        "exec_module",
        "subprocess",
        "allow_pickle=True",
    }
    bad |= {f"{call}(" for call in FORBIDDEN_CALLS} | {"shell=True", "weights_only=False"}
    return {(name, what) for what in found(ast.parse(text)) if what in bad}


def test_nothing_that_is_read_is_run():
    everywhere = set()
    for path in PACKAGE.rglob("*.py"):
        everywhere |= offences(path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8"))
    assert everywhere == ALLOWED


def test_what_runs_things_is_found():
    for text in (
        "import pickle", "from yaml import load", "torch.load('x')", "np.load('x')", "eval('1')", "exec(x)",
        "archive.extractall('x')", "np.save('x', y, allow_pickle=True)",
        "os.system('x')", "run('x', shell=True)",
    ):  # fmt: skip
        assert offences("x.py", text), text
    assert not offences("x.py", "network.eval()\nre.compile('x')\njson.loads('x')")
