"""The page as text: well formed, escaped, complete, the same every time, needing nothing but itself."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from hostile_run import HOSTILE, hostile_records, write_run
from many_models import many_models
from matplotlib.figure import Figure

from genbench.core.record import OUTCOME, Record
from genbench.report.figures.plot import Plot
from genbench.report.page.protocol import protocol_of
from genbench.report.page.view import Anchors, figure_view

VOID = {"meta", "img", "wbr", "br", "link", "input", "hr"}


class Reader(HTMLParser):
    """Checks that tags are balanced, and gathers what tests look at."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {tag}"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader


def words(page: str) -> str:
    return " ".join(" ".join(read(page).text).split())


def between(page: str, start: str, end: str) -> str:
    return page.split(start, maxsplit=1)[1].split(end, maxsplit=1)[0]


def losses(page: str) -> str:
    return between(page, 'id="losses"', "</section>")


def test_tags_are_balanced_ids_unique_and_links_lead_somewhere(page: str) -> None:
    reader = read(page)
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) and len(ids) > 20
    assert all(name and re.fullmatch(r"[a-z][a-z0-9-]*", name) for name in ids)
    links = [a["href"] or "" for tag, a in reader.tags if tag == "a"]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    labels = {a["aria-labelledby"] for _, a in reader.tags if "aria-labelledby" in a}
    assert labels <= set(ids)
    assert page.startswith('<!doctype html>\n<html lang="en">')


def test_parts_come_in_the_order_of_a_reader(page: str) -> None:
    places = [
        page.index(f'id="{name}"')
        for name in ("answer", "contents", "mnist", "mnist-quality", "mnist-figure-quality", "mnist-samples",
                     "losses", "controls", "protocol", "again")
    ]  # fmt: skip
    assert places == sorted(places)


def test_what_files_and_records_say_is_text_and_never_markup(page: str) -> None:
    for bad in ("alert(1)</script>", "<script>alert", "</style><b>", "<b>this", "<img src=x", "<i>many"):
        assert bad not in page
    assert page.count("<script>") == page.count("</script>") == page.count("<style>") == 1
    said = words(page)
    assert "alert(1)" in said and 'Is </style><b>this</b> & that "safe"?' in said  # yet all of it is shown
    assert "<img src=x onerror=alert(3)>" in said and "</script><script>alert(2)</script>" in said
    assert not any(name.startswith("on") for _, attributes in read(page).tags for name in attributes)


def test_nothing_is_loaded_and_only_our_own_script_and_style_may_run(page: str) -> None:
    reader = read(page)
    for tag, attributes in reader.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
        assert "style" not in attributes
    outside = re.sub(r'(?:src|href)="data:[^"]*"', "", page)
    assert not re.search(r"https?://|@import|url\(", outside)
    (policy,) = (a["content"] for _, a in reader.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy and policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy and "http:" not in policy and "*" not in policy
    for tag in ("script", "style"):
        text = between(page, f"<{tag}>", f"</{tag}>")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_pictures_have_words_for_those_who_do_not_see_them(page: str) -> None:
    pictures = [attributes for tag, attributes in read(page).tags if tag == "img"]
    assert len(pictures) >= 5
    for picture in pictures:
        assert len(picture["alt"] or "") > 20 and int(picture["width"] or 0) > 50
    assert any("Samples of gan on mnist" in (picture["alt"] or "") for picture in pictures)


def test_the_numbers_behind_a_figure_can_be_taken_away(page: str) -> None:
    files = {a["download"]: a["href"] or "" for tag, a in read(page).tags if tag == "a" and "download" in a}
    csv = unquote(files["mnist-quality.csv"].partition(",")[2])
    assert "gan" in csv and HOSTILE in csv and len(csv.splitlines()) > 20
    assert all(file.endswith(".csv") for file in files)


@pytest.mark.run
def test_the_same_records_make_the_same_bytes(quick_page: Callable[..., str], run_folder: Path) -> None:
    code = (
        "import sys\nfrom genbench.report.page.page import build_report\n"
        "from genbench.analyse.merge import merged\nfrom genbench.store.loaded import load_runs\n"
        "import genbench.report.figures.catalogue as catalogue\ncatalogue.plots = lambda _: iter(())\n"
        f"sys.stdout.write(build_report(merged(load_runs([{str(run_folder)!r}]))))\n"
        "assert 'torch' not in sys.modules"
    )
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert again == quick_page(run_folder)


def test_controls_have_a_body_of_their_own_and_numbers_sort_by_the_median(page: str) -> None:
    table = between(page, 'id="mnist-quality"', "</table>")
    models, controls = table.split('<tbody class="controls">')
    assert "gan</th>" in models and "real</th>" not in models and "real</th>" in controls
    assert re.search(r'<td data-sort="-?[\d.]+(?:e-?\d+)?"', models)
    assert 'data-first="ascending"><span class="label">FD' in table
    assert 'data-first="descending"><span class="label">precision' in table


def test_losses_are_listed_one_by_one_or_there_are_none(
    page: str, quick_page: Callable[..., str], tmp_path: Path
) -> None:
    listing = losses(page)
    for cell in ("<td>wgan</td>", '<td class="number">1</td>', '<td class="number">812</td>', "diverged"):
        assert cell in listing
    assert "the critic&#39;s loss is not finite at step 812" in listing
    fine = many_models(1, 1, 3)
    whole = quick_page(write_run(tmp_path / "fine", fine))
    assert "None: every training came to its end." in losses(whole)
    cut = [r for r in fine if not (r.metric == OUTCOME and r.seed == 2)]
    unfinished = losses(quick_page(write_run(tmp_path / "cut", cut)))
    assert "unfinished" in unfinished and '<td class="number">2</td>' in unfinished


def test_how_it_was_measured_and_how_to_do_it_again(page: str) -> None:
    said = words(page)
    assert "Environment e41f09" in said and "torch 2.13" in said
    assert "Time spent: 8 min 54 s" in said and "training 5 min 53 s" in said
    assert "n real 10000" in said and "precision float32" in said and "steps 2,000" in said
    assert "genbench run suite.toml --set seeds=5 --model gan" in said
    assert "That is the command as far as the files of this run tell it" in said
    assert re.search(r"genbench compare /\S+/many/run '<i>many</i>/latest'", said)
    assert re.search(r"This page: genbench report /\S+/many/run$", said.partition(" Made from records")[0])
    assert '"latent": 2' in said and "t0" not in said


def test_what_is_damaged_is_told_and_fails_nothing(quick_page: Callable[..., str], tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", many_models(1, 1, 2))
    (folder / "timing.json").write_text('[{"wall_s": 1, "phases_s": [2]}]')
    (folder / "environment.json").write_text("{")
    page = quick_page(folder)
    assert "environment.json is damaged" in page and "timing.json is damaged" in page
    assert "resolved.json is damaged" not in page and "Time spent: 1.0 s" in words(page)


def test_a_lone_file_of_records_has_a_page_too(quick_page: Callable[..., str], tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", many_models(2, 1, 3))
    lone = tmp_path / "lone.jsonl"
    shutil.copy(folder / "records.jsonl", lone)
    page = quick_page(lone)
    read(page)
    assert "Only a file of records was given" in page and "cannot be given here" in page
    assert f"genbench report {lone}<" in page and f"genbench compare {lone} many/latest" in page
    assert '-samples"' not in page


@pytest.mark.run
def test_several_runs_and_datasets_have_sections_of_their_own(
    quick_page: Callable[..., str], tmp_path: Path
) -> None:
    def other(record: Record) -> Record:
        protocol = {**record.protocol, "n_fake": 7}
        return replace(record, run="20260901T101500Z-ffffff0", protocol=protocol)

    records = many_models(2, 2, 3)
    one = write_run(tmp_path / "one", records)
    two = write_run(tmp_path / "two", [other(record) for record in records if record.dataset == "mnist"])
    page = quick_page(one, two)
    reader, said = read(page), words(page)
    sections = [a["id"] for tag, a in reader.tags if tag == "section" and a.get("class") == "results"]
    assert len(sections) == 3 and len(set(sections)) == 3
    assert "Run: many/one" in said and "Run: many/two" in said and "2 runs" in said
    assert "18 trainings" in said and "mnist (run one)" in said and "mnist (run two)" in said
    assert "Where runs stand apart, their numbers do not compare" in said and "n fake" in said
    assert said.count("genbench run suite.toml") == 2


def test_runs_in_a_folder_of_results_are_named_as_every_checkout_has_them(
    quick_page: Callable[..., str], tmp_path: Path
) -> None:
    page = quick_page(write_run(tmp_path / "results" / "other" / "a run", many_models(1, 1, 2)))
    assert "genbench compare &#39;other/a run&#39; many/latest" in page and str(tmp_path) not in page


def test_a_command_that_was_written_down_is_no_guess(quick_page: Callable[..., str], tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", many_models(1, 1, 2))
    resolved = json.loads((folder / "resolved.json").read_text())
    given = {"set": ["train.evaluate_every=400"], "model": [], "seeds": None, "quick": False}
    (folder / "resolved.json").write_text(json.dumps({**resolved, "given": given}))
    page = quick_page(folder)
    assert "<code>genbench run suite.toml --set train.evaluate_every=400</code>" in page
    assert "as far as the files of this run tell it" not in page


def test_runs_of_two_machines_share_quality_and_are_not_counted_twice(
    quick_page: Callable[..., str], tmp_path: Path
) -> None:
    records = many_models(3, 1, 3)

    def elsewhere(r: Record) -> Record:
        device = {"device": "other"} if r.metric.startswith(("throughput", "cost")) else {}
        return replace(r, run="20260901T101500Z-ffffff0", protocol={**r.protocol, **device})

    here = [replace(r, protocol={**r.protocol, "device": "one"})
            if r.metric.startswith(("throughput", "cost")) else r for r in records]  # fmt: skip
    page = quick_page(
        write_run(tmp_path / "a" / "mnist", here),
        write_run(tmp_path / "b" / "mnist", [elsewhere(r) for r in records]),
    )
    said = words(page)
    assert "6 models" in said and "18 trainings" in said
    headings = re.findall(r'<h2 id="[^"]*-title">(mnist[^<]*)</h2>', page)
    assert len(headings) == len(set(headings)) == 3
    assert "sample quality" in headings[0] and "a/mnist + b/mnist" in headings[0]
    assert headings[1].startswith("mnist (run a/mnist): ") and "throughput and cost" in headings[1]
    assert page.count("<dt>Lost seeds</dt>") == 1 and losses(page).count("<td>diverged</td>") == 2


def test_files_of_figures_have_names_of_their_own_whatever_the_file_system() -> None:
    taken: set[str] = set()
    files = [
        figure_view(plot, Anchors(), "s", taken, run).file
        for plot, run in ((made_plot("A/b"), ""), (made_plot("a_B"), ""), (made_plot("a_b"), "one"))
    ]
    assert files == ["A_b-seeds.csv", "a_B-seeds-2.csv", "one-a_b-seeds.csv"]


def made_plot(dataset: str) -> Plot:
    return Plot("run", dataset, "seeds", "t", "c", Figure(), pd.DataFrame({"x": [1]}))


@pytest.mark.parametrize(
    ("seeds", "told"),
    [((4,), "4"), ((0, 1), "0, 1"), ((0, 1, 2), "0 to 2"), ((3, 4, 5, 6), "3 to 6"), ((0, 1, 3), "0, 1, 3")],
)
def test_the_protocol_names_its_seeds(seeds: tuple[int, ...], told: str) -> None:
    (*_, end) = (one for one in many_models(1, 1, 1) if one.metric == OUTCOME)
    assert dict(protocol_of([replace(end, seed=seed) for seed in seeds]))["seeds"] == told


def test_shares_of_single_modes_are_not_in_the_protocol() -> None:
    (one, *_) = many_models(1, 1, 1)
    share = replace(one, metric="mode_share.3", protocol={**one.protocol, "n_real": 7})
    assert "7" not in dict(protocol_of([one, share]))["n real"]


def test_quick_runs_and_fallbacks_are_told_first_and_loudly(
    quick_page: Callable[..., str], tmp_path: Path
) -> None:
    stamp = {"quick": True, "fallback_for": "mnist"}
    records = [replace(r, protocol={**r.protocol, **stamp}) for r in many_models(2, 1, 3)]
    page = quick_page(write_run(tmp_path / "run", records))
    assert "genbench compare" not in page  # which would refuse
    answer = page.split('id="answer"')[1]
    first = answer.index('<p class="loud"')
    assert first < answer.index("<dl") and "This was a quick run" in answer[first : first + 200]
    assert "mnist was asked for and could not be had" in answer
    assert "is best" not in answer and "share the first place" not in answer
    section = answer.split('class="results"')[1]
    assert "QUICK RUN: not for comparison; fallback for mnist" in section[:1500]


def test_what_is_said_of_every_dataset_is_said_once(quick_page: Callable[..., str], tmp_path: Path) -> None:
    page = quick_page(write_run(tmp_path / "run", many_models(2, 3, 3)))
    assert page.count("seeds a model. First places") == 1 and page.count("<dt>Best</dt>") <= 3


def test_huge_texts_are_cut(quick_page: Callable[..., str], tmp_path: Path) -> None:
    records = [replace(r, reason="y" * 5000 if r.reason else "") for r in hostile_records(3)]
    folder = write_run(tmp_path / "run", records)
    (folder / "suite.toml").write_text("# " + "x" * 500_000)
    page = quick_page(folder)
    assert "[cut: 500,002 characters]" in page and len(page) < 300_000
