"""A process that has imported everything and forks a run of genbench for each line that it is sent.

Each run is a process of its own, with its own arguments, folder, output and signals, that calls the entry
point of the command; only the seconds of importing are shared. Run as ``python nursery.py FILES ADDRESS``;
requests and answers are lines of JSON on standard input and output.
"""

import importlib
import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from moments import Aim, Watch
from small_mnist import published

ASKING = (signal.SIGINT, signal.SIGTERM)
"""Signals that ask a process to end; the third kind, SIGKILL, does not ask."""

SMALL = {
    "genbench.train.streams": {"BLOCK": 8},
    "genbench.train.standing": {"BATCHES": 4},
    "genbench.train.latency": {"CALLS": 5, "WARMUP": 2},
    "genbench.train.peak": {"_SIZES": {"cpu": (32, 64)}},
    "genbench.train.trace": {"LATENTS": 40},
    "genbench.features.extractor": {"_BATCH": 64},
    "genbench.measures.fresh_critic": {"STEPS": 10},
    "genbench.report.figures.catalogue": {"KINDS": ()},  # pictures enough without
    "genbench.runner.progress": {"LOG_EVERY_S": 0.0},  # a line for every block of steps
}
"""What is made small before anything has taken it from there: many blocks, and nothing that takes long."""


@dataclass(frozen=True)
class Request:
    """A run of genbench.

    Attributes:
        arguments: of the command line.
        folder: where it runs; results go to ``folder/out``.
        cache: genbench's own.
        compiled: the compiler's cache.
        aim: when it is to end itself, as ``Aim`` has it.
        witness: a file for the moments that were seen, if it comes to its end.
        output: a file in the folder for what it prints.
    """

    arguments: list[str]
    folder: str
    cache: str
    compiled: str
    aim: dict | None = None
    witness: str = ""
    output: str = "output"


def prepare(files: Path, address: str) -> None:
    """Import what a run needs, and make small what would take long and is looked at elsewhere."""
    sys.modules["pyarrow"] = (
        None  # pandas takes it where it is there, and with it a thread; a run needs neither
    )
    for module, values in SMALL.items():
        for name, value in values.items():
            setattr(importlib.import_module(module), name, value)
    for module in ("genbench.cli.verbs", "genbench.runner.job"):
        importlib.import_module(module)
    import torch

    from genbench.core.environment import code_version

    torch.set_num_threads(1)
    code_version()  # the same for all, whatever is edited meanwhile
    published(files, address)


def run(request: Request) -> int:
    """In the child: be a run of genbench."""
    from genbench.cli.app import main

    folder = Path(request.folder)
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    output = os.open(folder / request.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for here, there in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(here, there)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ |= {"GENBENCH_CACHE": request.cache, "TORCHINDUCTOR_CACHE_DIR": request.compiled}
    sys.argv = ["genbench", *request.arguments]
    caches = {request.compiled: "compiled", request.cache: "download"}
    aim = Aim(**request.aim) if request.aim else None
    watch = Watch(folder / "out", caches, aim, folder / "met")
    watch.install()
    code: object = 0
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKING)
        main()
    except SystemExit as ending:
        code = ending.code
    except KeyboardInterrupt:  # a moment before or after the command was there to see it
        code = 130
    except BaseException:
        traceback.print_exc()
        code = 70
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    if request.witness:
        Path(request.witness).write_text(json.dumps({"seen": watch.seen, "modules": sorted(sys.modules)}))
    return code if isinstance(code, int) else int(code is not None)


def serve() -> None:
    """Fork a run for each request, one after the other."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing but answers goes to whoever asks
    prepare(Path(sys.argv[1]), sys.argv[2])
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if modules := request.get("import"):
            for module in modules:
                with suppress(Exception):  # what was loaded there and cannot be here is loaded by the run
                    importlib.import_module(module)
            print(json.dumps({"imported": len(modules)}), file=answers, flush=True)
            continue
        sys.stdout.flush()
        sys.stderr.flush()
        if len(list(Path("/proc/self/task").iterdir())) > 1:
            raise RuntimeError("the nursery has threads, and a fork would not take them along")
        signal.pthread_sigmask(signal.SIG_BLOCK, ASKING)  # until the child is ready for them
        child = os.fork()
        if not child:
            code = 71
            try:
                code = run(Request(**request))
            finally:
                os._exit(code)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKING)
        print(json.dumps({"child": child}), file=answers, flush=True)
        _, status, used = os.wait4(child, 0)
        code = os.waitstatus_to_exitcode(status)
        print(json.dumps({"code": code, "cpu": used.ru_utime + used.ru_stime}), file=answers, flush=True)


def as_json(request: Request) -> str:
    """A line for the nursery."""
    return json.dumps(asdict(request))


if __name__ == "__main__":
    serve()
