import subprocess
import sys
from pathlib import Path

import pytest

from genbench.core.errors import OutputError
from genbench.store.claim import claimed, finish, is_claimed, maker_of, tried_again
from genbench.store.rundir import RunDirectory

HOLDER = """
import sys, time
from pathlib import Path
from genbench.store.claim import begin, claimed
from genbench.store.rundir import RunDirectory
run = RunDirectory(Path(sys.argv[1]))
with claimed(run):
    begin(run, again=7, maker={"code": "1"})
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_and_a_killed_one_forgotten(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_claimed(run)
        with (
            pytest.raises(OutputError, match=rf"another process \({holder.pid} on \S+, since 2"),
            claimed(run),
        ):
            pass
        left = tmp_path / "trials" / ".curves.jsonl.abc.tmp"
        left.parent.mkdir()
        left.write_text("half")
        holder.kill()
        holder.wait()
    assert not is_claimed(run) and tried_again(run) == 7
    assert maker_of(run) == {"code": "1"}
    with claimed(run):
        assert is_claimed(run)
        assert not left.exists()  # what the killed process was writing
        finish(run)
        finish(run)
    assert tried_again(run) is None and not is_claimed(run)


def test_a_mark_that_says_nothing_is_no_trouble(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    with claimed(run):
        run.unfinished.write_text("{half")
        with pytest.raises(OutputError, match="by another process\\. Wait"), claimed(run):
            pass
        assert tried_again(run) == 0


def test_a_directory_that_is_gone(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "file" / "run")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"), claimed(run):
        pass
    assert not is_claimed(run)
