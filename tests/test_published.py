import json
import shutil
from pathlib import Path

import findings
import pytest
import rebuild

from genbench.core.errors import GenbenchError

RESULTS = Path(__file__).parents[1] / "results"
PAGE = f"# Results\n\n{findings._BEGIN}\nold\n{findings._END}\n\nmore\n"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder of results with one run: the baseline of suites/ci.toml, its gan and vae."""
    folder = tmp_path_factory.mktemp("results")
    run = folder / "ci" / "baseline"
    run.mkdir(parents=True)
    lines = (RESULTS / "ci" / "baseline" / "records.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["model"] in ("real", "collapsed", "ns_gan", "vae")]
    (run / "records.jsonl").write_text("".join(kept))
    (folder / "README.md").write_text(PAGE)
    return folder


def found(results, text, *claims):
    quoted = ", ".join(f"'{claim}'" for claim in claims)
    finding = f'[[finding]]\nrun = "ci/baseline"\ntext = """{text}"""\nholds = [{quoted}]\n'
    (results / "findings.toml").write_text(finding)
    return findings.learned(PAGE, results)


def test_numbers_come_from_the_records(results):
    page = found(
        results, "The real row has {digits modes.covered real}.", "digits modes.covered: real at least 10"
    )
    assert (
        "- The real row has 10 [10, 10] classes. ([ci/baseline](ci/baseline/tables.md): modes covered)"
        in page
    )
    assert "old" not in page
    assert page.startswith("# Results")
    assert page.endswith("more\n")


def test_models_of_a_chain_do_not_tie_where_a_test_tells_them_apart(results, tmp_path):
    """Eight seeds of a, b and c: b is apart from neither, a from c; so there are no ranks."""
    run = tmp_path / "ci" / "baseline"
    run.mkdir(parents=True)
    (tmp_path / "README.md").write_text(PAGE)
    lines = (results / "ci" / "baseline" / "records.jsonl").read_text().splitlines()
    first = next(r for r in map(json.loads, lines) if (r["model"], r["metric"]) == ("vae", "quality.fid"))
    made = [
        {**first, "model": name, "trial": f"{name}{seed}", "seed": seed, "value": seed + shift}
        for name, shift in (("a", 0.0), ("b", 2.5), ("c", 5.0))
        for seed in range(8)
    ]
    (run / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in made))
    found(tmp_path, "So it is.", "digits quality.fid: b ties a, c")
    for claim in ("a ties c", "c ties a", "a beats c"):
        with pytest.raises(GenbenchError, match="it does not hold that"):
            found(tmp_path, "So it is.", f"digits quality.fid: {claim}")


def test_to_write_it_twice_changes_nothing(results):
    page = found(results, "Once.", "digits modes.covered: real at least 10")
    assert findings.learned(page, results) == page


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("digits quality.fid: vae beats ns_gan", True),
        ("digits quality.fid: ns_gan beats vae", False),
        ("digits quality.fid: vae ties ns_gan", False),
        ("digits quality.fid: vae ties vae", True),
        ("digits modes.covered: vae ties real", False),
        ("digits modes.covered: collapsed at most 2", True),
        ("digits modes.covered: collapsed, real at most 2", False),
        ("digits modes.covered: real at least 11", False),
    ],
)
def test_claims(results, claim, holds):
    if holds:
        found(results, "So it is.", claim)
    else:
        with pytest.raises(GenbenchError, match="it does not hold that"):
            found(results, "So it is.", claim)


@pytest.mark.parametrize(
    ("text", "claim", "message"),
    [
        ("x", "digits quality.fid: nobody beats vae", "has no quality.fid of nobody"),
        ("{digits quality.nothing vae}", "digits modes.covered: real at least 1", "has no quality.nothing"),
        ("x", "vae is best", "cannot read the claim"),
        ("{digits quality.elbo ns_gan}", "digits modes.covered: real at least 1", "has no value"),
    ],
)
def test_what_cannot_be_backed_is_refused(results, text, claim, message):
    with pytest.raises(GenbenchError, match=message):
        found(results, text, claim)


def test_a_page_without_room_for_findings(results):
    found(results, "x", "digits modes.covered: real at least 1")
    with pytest.raises(GenbenchError, match=r"README\.md has no lines"):
        findings.learned("# Results\n", results)


def test_only_runs_with_a_name_are_published(monkeypatch, tmp_path):
    for run in ("mnist/baseline", "mnist/20261120T144024Z-92d7cc0"):
        (tmp_path / run).mkdir(parents=True)
        (tmp_path / run / "records.jsonl").touch()
    monkeypatch.setattr(rebuild, "HERE", tmp_path)
    assert rebuild.published() == ["mnist/baseline"]


def test_an_error_is_one_line(results, monkeypatch, capsys):
    (results / "findings.toml").write_text('[[finding]]\nrun = "ci/nothing"\ntext = ""\nholds = []\n')
    monkeypatch.setattr(rebuild, "HERE", results)
    with pytest.raises(SystemExit) as stopped:
        rebuild.main(["--check"])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and "ci/nothing" in said and "Traceback" not in said


@pytest.mark.run
def test_what_is_out_of_date_is_told(results, monkeypatch, tmp_path, capsys):
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(rebuild, "HERE", tmp_path)
    found(tmp_path, "Ten: {digits modes.covered real}.", "digits modes.covered: real at least 10")
    run = tmp_path / "ci" / "baseline"

    def wrong():
        with pytest.raises(SystemExit) as stopped:
            rebuild.main(["--check"])
        assert stopped.value.code == 1
        *lines, remedy = capsys.readouterr().out.splitlines()
        assert "python results/rebuild.py" in remedy
        return [line.removeprefix(f"{tmp_path}/") for line in lines]

    assert "ci/baseline/tables.md is missing" in wrong()
    rebuild.main([])
    capsys.readouterr()
    rebuild.main(["--check"])
    assert "everything is what their records give" in capsys.readouterr().out

    (run / "plots" / "digits-seeds.png").unlink()
    (run / "plots" / "old.svg").touch()
    numbers = run / "plots" / "digits-quality.csv"
    numbers.write_text(numbers.read_text().replace(",0.", ",0.9", 1))
    table = run / "tables.md"
    table.write_text(table.read_text().replace("vae", "VAE"))
    page = run / "report.html"
    page.write_text(page.read_text().replace("</h1>", "!</h1>"))
    readme = tmp_path / "README.md"
    readme.write_text(readme.read_text().replace("Ten", "Eleven"))
    assert wrong() == [
        f"{readme} is out of date".removeprefix(f"{tmp_path}/"),
        "ci/baseline/tables.md is out of date",
        "ci/baseline/report.html is out of date",
        "ci/baseline/plots/digits-seeds.png is missing",
        "ci/baseline/plots/old.svg is made from nothing any more",
        "ci/baseline/plots/digits-quality.csv is out of date, and with it its pictures",
    ]
    rebuild.main([])
    capsys.readouterr()
    rebuild.main(["--check"])


def test_numbers_may_differ_in_their_last_digits(tmp_path):
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text("model,value\nvae,0.123456789012\n")
    for text, same in (("0.123456789013", True), ("0.1234568", False), ("", False)):
        other.write_text(f"model,value\nvae,{text}\n")
        assert rebuild._same_numbers(one, other) is same
