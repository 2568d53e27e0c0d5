"""What stands below a table of stability: the spread over seeds, and what failures allow."""

from genbench.core.record import OUTCOME, Better, Record, Status
from genbench.report.notes import spread_notes
from genbench.report.tables import build_tables

REASON = "collapsed: class entropy below 0.5 of what is possible"


def record(metric, value, seed, status=Status.DONE, reason="", model="gan"):
    return Record(
        run="r", suite="s", trial=f"{model}{seed}", model=model, dataset="d", seed=seed, step=10,
        metric=metric, value=value, error=None, unit="", better=Better.LOWER, n=1, lanes=5, status=status,
        reason=reason, env="e", code="c", at="now",
    )  # fmt: skip


def seeds(scores, failed, lost=()):
    """A model's records: a score and a failure a seed; those that were lost diverged."""
    records = []
    for seed, (score, bad) in enumerate(zip(scores, failed, strict=True)):
        how = (Status.DIVERGED, "not finite") if seed in lost else (Status.DONE, "")
        gone = seed in lost
        records += [
            record("stability.score", None if gone else score, seed, *how),
            record("stability.failed", None if gone else float(bad), seed, how[0], how[1] or REASON * bad),
            record(OUTCOME, 10.0, seed, *how),
        ]
    return records


def test_the_spread_of_good_seeds_and_what_no_failure_means():
    (about, note) = spread_notes(seeds([10.0, 12.0, 14.0, 16.0, 18.0], [0] * 5))
    assert about.startswith("failed: the share of seeds")
    assert note == (
        "gan: FD 14, lowest to highest of 5 seeds [10, 18], interquartile range 0.29 of the median; "
        "0 of 5 failed, which a rate of failure of up to 43 % allows."
    )


def test_failed_seeds_stay_in_and_are_left_out_beside_it():
    note = spread_notes(seeds([10.0, 12.0, 50.0, 99.0], [0, 0, 1, 0], lost=[3]))[1]
    assert "FD 12, lowest to highest of 3 seeds [10, 50]" in note
    assert "median of those that did not fail 11" in note
    assert "2 of 4 failed, which a rate of 15 to 85 % allows" in note


def test_one_seed_has_no_spread_and_other_tables_no_such_note():
    assert "FD 10 of one seed; 0 of 1 failed" in spread_notes(seeds([10.0], [0]))[1]
    assert spread_notes([record("quality.fid", 1.0, 0)]) == []
    other = [record("stability.score", value, seed, model="vae") for seed, value in enumerate((1.0, 3.0))]
    (*_, last) = spread_notes([*seeds([10.0], [0]), *other])
    assert last.startswith("vae: FD 2, lowest") and "failed" not in last
    assert spread_notes(seeds([1.0, 2.0], [0, 0], lost=[0, 1]))[1] == (
        "gan: 2 of 2 failed, which a rate of 34 to 100 % allows."
    )


def test_the_table_shows_the_share_with_its_reasons():
    records = seeds([10.0, 12.0, 50.0, 60.0, 70.0], [0, 0, 0, 1, 1])
    (table,) = build_tables(records)
    cell = table.rows[0].cells[0]
    assert (table.columns[0].label, cell.estimate.median, cell.estimate.n) == ("failed", 0.4, 5)
    assert table.footnotes[cell.mark - 1] == f"failed (seeds 3–4): {REASON}"
    assert any(note.startswith("gan: FD 50") for note in table.notes)
