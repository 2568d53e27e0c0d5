"""Real processes are killed at random moments and continued: they end with what they would have had.

``GENBENCH_KILLS`` and ``GENBENCH_KILL_SEED`` make longer campaigns, and other ones.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from random import Random

import pytest
from chains import COMPILED, GROUPS, SUITE, Campaign, nursery, table
from unscathed import faults

pytestmark = [
    pytest.mark.run,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(sys.platform != "linux", reason="forks, and asks /proc what a file is called"),
]

KILLS = int(os.environ.get("GENBENCH_KILLS", "30"))
SEED = int(os.environ.get("GENBENCH_KILL_SEED", "0"))


@pytest.fixture(scope="module")
def forked(tmp_path_factory):
    with nursery(tmp_path_factory.mktemp("nursery")) as made:
        yield made


@pytest.fixture(scope="module")
def undisturbed(forked):
    return forked.leave_alone("undisturbed", SUITE)


def test_killed_at_thirty_moments_and_continued_it_is_the_same_run(forked, undisturbed, tmp_path):
    campaign = Campaign(forked, undisturbed, tmp_path, Random(SEED))
    wanted = GROUPS.keys() - {"compiling"}
    while len(campaign.ended) < KILLS or wanted - {shot.group for shot in campaign.ended}:
        campaign.chain(campaign.rng.randint(4, 6))
        assert not campaign.faults, f"seed {SEED}\n{table(campaign.shots)}\n" + "\n".join(campaign.faults)
    print(f"seed {SEED}\n{table(campaign.shots)}")


@pytest.mark.skipif(shutil.which("g++") is None, reason="no compiler")
def test_killed_while_compiling_and_in_compiled_training_it_is_the_same_run(forked, tmp_path):
    compiled = forked.leave_alone("compiled", COMPILED)
    campaign = Campaign(forked, compiled, tmp_path, Random(SEED))
    campaign.chain(3, ("compiling", "compiling", "training"))
    assert not campaign.faults, f"seed {SEED}\n{table(campaign.shots)}\n" + "\n".join(campaign.faults)
    assert "compiling" in {shot.group for shot in campaign.ended}
    print(table(campaign.shots))


@pytest.fixture
def small_disk(tmp_path):
    """A disk whose size can be changed."""
    folder = tmp_path / "disk"
    (folder / "out").mkdir(parents=True)

    def mount(*options):
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", folder / "out"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    if not mount("size=64k"):
        pytest.skip("only root can mount a disk")
    yield folder, lambda size: mount("remount", f"size={size}")
    subprocess.run(["umount", "-l", folder / "out"], check=True)


def test_a_disk_that_fills_again_and_again_costs_nothing_but_time(forked, undisturbed, small_disk, tmp_path):
    folder, resize = small_disk
    whole = sum(path.stat().st_size for path in undisturbed.run.rglob("*") if path.is_file())
    rng = Random(SEED)
    ended = []
    for share in [
        *sorted(rng.uniform(0.1, 3.0) for _ in range(4)),
        40.0,
    ]:  # what is in training needs room too
        assert resize(int(share * whole))
        ended.append(forked.run(replace(undisturbed.request(folder), output=f"output-{len(ended)}")))
    codes = [end.code for end in ended]
    assert codes[-1] == 0 and set(codes[:-1]) == {3}, [(end.code, end.output[-1000:]) for end in ended]
    assert all("No space left on device" in end.output and "continues it" in end.output for end in ended[:-1])
    (run,) = (folder / "out").glob("*/*")
    assert not faults(run, undisturbed.run, tmp_path / "view")
