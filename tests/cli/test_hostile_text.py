"""Text that was made to do harm comes out as text: in terminals, files, pages and file names."""

import contextlib
import csv
import io
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hostile_text import HOSTILE, hostile_records
from rich.cells import cell_len

from genbench.analyse.compare import Comparison, compare_models, compare_runs
from genbench.core.record import Record
from genbench.report.render import Format, render, render_comparison
from genbench.report.tables import Table, build_tables

Genbench = Callable[..., Any]
FORMATS: tuple[Format, ...] = ("rich", "md", "csv", "json", "latex")
NUMBERS = {
    "median",
    "low",
    "high",
    "value",
    "error",
    "step",
    "seed",
    "n",
    "lanes",
    "schema",
    "protocol.n_fake",
}


def harms(text: str) -> set[str]:
    """What a terminal would act on or hide; colours that are ours are not."""
    ours = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return {
        c for c in ours if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    }


EVERY = 7
"""Each text stands in some of the fields, and in each field stand some of the texts."""


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return hostile_records(HOSTILE, every=EVERY)


@pytest.fixture(scope="module")
def tables(records: list[Record]) -> tuple[Table, ...]:
    return tuple(build_tables(records))


@pytest.fixture(scope="module")
def comparison(records: list[Record]) -> Comparison:
    return compare_runs(records, hostile_records(HOSTILE, "new", 0.5, EVERY))


@pytest.fixture(scope="module")
def rendered(tables: tuple[Table, ...], comparison: Comparison) -> dict[tuple[str, str], str]:
    """By what and format."""
    within = compare_models(hostile_records(HOSTILE, every=5 * EVERY))
    return {
        **{("tables", kind): render(tables, kind, 80) for kind in FORMATS},
        **{("comparison", kind): render_comparison(comparison, kind, 80) for kind in FORMATS},
        **{("models", kind): render_comparison(within, kind, 80) for kind in FORMATS},
    }


WHAT = pytest.mark.parametrize("what", ["tables", "comparison", "models"])


@WHAT
@pytest.mark.parametrize("kind", FORMATS)
def test_no_format_has_what_a_terminal_acts_on(
    rendered: dict[tuple[str, str], str], what: str, kind: str
) -> None:
    assert harms(rendered[what, kind]) == set()


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("color", [False, True])
def test_tables_keep_to_the_terminal_and_have_no_colours_but_ours(
    tables: tuple[Table, ...], width: int, color: bool
) -> None:
    shown = render(tables, "rich", width, color=color)
    assert harms(shown) == set() and ("\x1b" in shown) == color
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert {line for line in plain.splitlines() if cell_len(line) > width} == set()
    assert "[bold]x[/bold]" in plain and not re.search("^error: forged", plain, re.MULTILINE)


def test_columns_of_wide_and_invisible_letters_are_aligned() -> None:
    texts = ("漢" * 6, "Z" + "\u0335" * 60, "z\u200be", "👩\u200d👧", "نموذج", "plain")
    (plain, *_) = (record for record in hostile_records(["plain"]) if record.metric == "quality.fid")
    (table,) = build_tables([replace(plain, model=text, unit="") for text in texts])
    *_, last = render([table], "rich", 80).partition("─\n")
    shown = last.splitlines()[: len(texts)]
    assert len(shown) == len(texts) and len({cell_len(line) for line in shown}) == 1


@WHAT
def test_markdown_has_no_links_pictures_or_html(rendered: dict[tuple[str, str], str], what: str) -> None:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table")
    kinds = {
        token.type
        for block in reader.parse(rendered[what, "md"])
        for token in (block, *(block.children or ()))
    }
    assert "table_open" in kinds
    assert not kinds & {
        "link_open",
        "image",
        "html_inline",
        "html_block",
        "code_inline",
        "fence",
        "code_block",
    }
    assert not re.search(r"(?<!\\)(?:https?|ftp)://|(?<!\\)www\.", rendered[what, "md"])


@WHAT
def test_latex_has_no_commands_but_ours(rendered: dict[tuple[str, str], str], what: str) -> None:
    ours = {
        *(
            "begin",
            "end",
            "centering",
            "footnotesize",
            "scriptsize",
            "setlength",
            "tabcolsep",
            "caption",
            "label",
        ),
        *(
            "toprule",
            "midrule",
            "bottomrule",
            "addlinespace",
            "textit",
            "textbf",
            "boldmath",
            "textsuperscript",
        ),
        *("par", "smallskip", "medskip", "raggedright", "noindent", "emph", "ref", "multicolumn", "cmidrule"),
        *(
            "textbackslash",
            "textasciicircum",
            "textasciitilde",
            "textless",
            "textgreater",
            "textbar",
            "usepackage",
        ),
        *(
            "pm",
            "uparrow",
            "downarrow",
            "to",
            "times",
            "infty",
            "approx",
            "le",
            "ge",
            "alpha",
            "kappa",
            "rho",
        ),
    }
    text = rendered[what, "latex"]
    assert set(re.findall(r"\\([A-Za-z]+)", text)) <= ours
    assert "^^" not in text
    comments = [line for line in text.splitlines() if re.search(r"(?<!\\)(?:\\\\)*%", line)]
    assert comments == [r"% needs \usepackage{booktabs}"]


def cells(text: str) -> Iterator[tuple[str, str]]:
    """Every cell with the head of its column, and the heads themselves."""
    heads, *rows = csv.reader(io.StringIO(text))
    yield from (("", head) for head in heads)
    for row in rows:
        assert len(row) == len(heads)
        yield from zip(heads, row, strict=True)


def assert_no_formulas(text: str) -> None:
    assert harms(text) == set()
    for head, shown in cells(text):
        if re.match(r"[=+\-@\t\r＝＋－＠]", shown):
            assert head and math.isfinite(float(shown)), (head, shown)
        assert not re.search(r";[=+\-@]", shown)


@WHAT
def test_csv_has_no_formulas(rendered: dict[tuple[str, str], str], what: str) -> None:
    assert_no_formulas(rendered[what, "csv"])
    if what == "tables":
        assert ",-1.5," in rendered[what, "csv"] and "'=" in rendered[what, "csv"]


@WHAT
def test_json_is_read(rendered: dict[tuple[str, str], str], what: str) -> None:
    assert json.loads(rendered[what, "json"])["schema"] == 1


def test_exports_keep_numbers_and_defuse_texts(records: list[Record]) -> None:
    import pandas as pd

    from genbench.report.as_frame import frame_csv, frame_json, frame_parquet

    text = frame_csv(records)
    assert_no_formulas(text)
    assert harms(frame_json(records)) == set()
    frame = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values={"value": [""]})
    assert frame["value"].dtype == float and frame["step"].dtype == int
    assert frame["value"].min() == -1.5 == min(r.value for r in records if r.value is not None)
    models = frame["model"].str.replace(r"(^|;)'(?='*[=+\-@＝＋－＠])", r"\1", regex=True)
    same = pd.read_parquet(io.BytesIO(frame_parquet(records)))
    assert list(models) == list(same["model"])


def write(folder: Path, records: Iterable[Record]) -> Path:
    """A run directory that is hostile wherever it can be."""
    folder.mkdir(parents=True)
    text = "".join(
        f"{json.dumps(json.loads(record.to_json()))}\n" for record in records
    )  # surrogates escaped
    (folder / "records.jsonl").write_text(text)
    said = "".join(each for each in HOSTILE if each.isprintable())
    (folder / "suite.toml").write_text(f"name = {json.dumps(said)}\nquestion = {json.dumps(said)}\n")
    (folder / "resolved.json").write_text(
        json.dumps({"question": "".join(HOSTILE), "given": {"set": list(HOSTILE), "model": list(HOSTILE)}})
    )
    (folder / "environment.json").write_text(
        json.dumps({"id": HOSTILE[0], **dict.fromkeys(HOSTILE, HOSTILE[5])})
    )
    (folder / "timing.json").write_text(
        json.dumps([{"wall_s": 1.0, "phases_s": dict.fromkeys(HOSTILE, 1.0)}])
    )
    return folder


@pytest.mark.run
def test_verbs_print_and_write_hostile_runs(genbench: Genbench, fresh_folder: Path) -> None:
    texts = ("=1+1", "<script>alert(1)</script>", "../../x", "\x1b]52;c;eA==\x07\u202e[bold]", "\ud800")
    for name, shift in (("one", 0.0), ("\x1b[31m=two;[red]\u202e", 0.5)):
        write(Path("results/s") / name, hostile_records(texts, name, shift))
    runs = sorted(str(path) for path in Path("results/s").iterdir())
    for command in (
        ["show", runs[0]], ["show", *runs], ["show", runs[0], "--format", "json"], ["compare", *runs],
        ["compare", *runs, "--format", "md"], ["compare", *runs, "--gate"],
        ["export", runs[0], "--format", "csv"],
        ["export", runs[0], "--format", "csv", "-o", "\x1b[31mout.csv"],
        ["export", *runs, "--to", "tensorboard", "-o", "logs"], ["export", runs[0]],
        ["plot", runs[0], "-o", "plots", "--figure", "seeds", "--format", "svg"],
    ):  # fmt: skip
        said = genbench(*command)
        assert said.code in (0, 2), said
        assert harms(said.out + said.err) == set(), command
    inside = {"tiny.toml", "cache", "results", "logs", "plots", "\x1b[31mout.csv"}
    assert {path.name for path in fresh_folder.iterdir()} <= inside
    for file in [*Path("logs").rglob("*"), *Path("plots").iterdir()]:
        assert harms(file.name) == set() and not file.name.startswith((".", "-"))
    for table in Path("plots").glob("*.csv"):
        assert_no_formulas(table.read_text())


@pytest.mark.parametrize(
    "command",
    [
        ["run", "tiny.toml", "--dry-run", "--set", "{}=1"],
        ["run", "tiny.toml", "--dry-run", "--model", "{}"],
        ["show", "{}"],
        ["export", "{}", "--format", "{}"],
        ["sample", "x", "-o", "{}"],
        ["compare", "x", "--metrics", "{},"],
        ["eval", "{}", "--dataset", "digits"],
        ["list", "{}"],
        ["{}"],
        ["show", "--{}"],
    ],
    ids=" ".join,
)
def test_what_was_typed_is_told_harmlessly(genbench: Genbench, command: list[str]) -> None:
    typed = "a\x1b[31m\x1b]52;c;eA==\x07\u202e\x9b\r[bold]\nb"
    said = genbench(*(part.replace("{}", typed) for part in command))
    assert said.code == 2 and said.err
    assert harms(said.out + said.err) == set()


def test_lists_are_harmless(genbench: Genbench, fresh_folder: Path) -> None:
    text = json.dumps("\x1b[31m[bold]\u202e" + "=1+1")
    (fresh_folder / "suites").mkdir()
    suite = (fresh_folder / "tiny.toml").read_text().replace('"Does it [run]?"', text)
    (fresh_folder / "suites" / "good\x1b[2J.toml").write_text(suite)
    (fresh_folder / "suites" / "bad.toml").write_text(suite.replace("latent = 4", f"{text} = "))
    for more in ([], ["--json"]):
        said = genbench("list", "suites", *more)
        assert said.code == 0 and harms(said.out) == set() and "[bold]" in said.out and "broken" in said.out


def test_progress_is_harmless() -> None:
    from rich.console import Console

    from genbench.runner.progress import Lines, Live, Quiet

    for kind in (Live, Lines, Quiet):
        out = io.StringIO()
        reporter = kind(Console(file=out, force_terminal=kind is Live, width=80))
        for text in HOSTILE:
            reporter.note(text)
            reporter.warn(text)
            reporter.begin(text, 10)
            reporter.step(5, 1.0, {text: [1.0]})
            reporter.end()
        moves = r"\x1b\[(?:\?25[lh]|2K|1A|\d*[AG])|\r"  # how a bar is drawn again in its place
        assert harms(re.sub(moves, "", out.getvalue())) == set()
        if kind is not Quiet:
            assert re.search(r"^\[bold\]x\[/bold\](: 10 steps)?", out.getvalue(), re.MULTILINE)


def test_logs_are_harmless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import logging

    from genbench.runner.logfile import logging_to

    # pytest would keep the line too, and a lone surrogate cannot be sent from one of its processes to another
    monkeypatch.setattr(logging.getLogger("genbench"), "propagate", False)
    with logging_to(tmp_path / "log.txt"), contextlib.suppress(ValueError):
        try:
            raise ValueError("".join(HOSTILE))
        except ValueError:
            logging.getLogger("genbench").exception("trial \x1b[31m failed")
            raise
    log = (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert harms(log) == set() and '\n  File "' in log and "[bold]x[/bold]" in log


class Elements(HTMLParser):
    """Names, attributes and addresses of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in ("href", "src", "srcset", "action", "formaction", "xlink:href", "data", "poster"):
                self.addresses.add((value or "").split(",")[0])


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report on a run of which every text is hostile."""
    from genbench.analyse.merge import merged
    from genbench.report.page.page import build_report
    from genbench.store.loaded import load_runs

    texts = [text for text in HOSTILE if re.search(r"[<>&'\"]|javascript|\{\{|\x1b", text)]
    some = hostile_records(["<script>alert(1)</script>", *texts], every=5)
    return build_report(merged(load_runs([write(tmp_path_factory.mktemp("page") / "run", some)])))


@pytest.mark.run
def test_the_page_has_no_elements_but_ours(page: str) -> None:
    found = Elements(page)
    assert found.tags.count("script") == found.tags.count("style") == 1
    assert not set(found.tags) & {"iframe", "object", "embed", "form", "base", "link", "svg", "math", "video"}
    assert not {name for name in found.attributes if name.startswith("on")}
    kinds = {re.sub(r"(?<=^#).*|;.*", "", address) for address in found.addresses}
    assert kinds <= {"#", "data:image/svg+xml", "data:text/csv", "data:image/png"}
    assert not harms(page.replace("\t", ""))


@pytest.mark.run
def test_a_browser_runs_and_loads_nothing_of_it(page: str, tmp_path: Path) -> None:
    import os
    import shutil

    driver = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine")
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    address = (tmp_path / "page.html").as_uri()
    seen: list[str] = []
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"] if root else [])
        tab = browser.new_page()
        tab.on("console", lambda said: seen.append(said.text))
        tab.on("pageerror", lambda error: seen.append(str(error)))
        tab.on("dialog", lambda dialog: seen.append(dialog.message))
        tab.on("request", lambda request: seen.append(request.url))
        tab.goto(address)
        for summary in tab.query_selector_all("summary"):
            summary.evaluate("element => element.click()")
        assert "<script>alert(1)</script>" in tab.inner_text("body")
        browser.close()
    assert {told for told in seen if told != address and not told.startswith("data:")} == set()


@pytest.mark.run
def test_figures_have_no_active_content(tmp_path: Path) -> None:
    import xml.etree.ElementTree as ET

    from genbench.analyse.merge import merged
    from genbench.report.figures.catalogue import write_plots
    from genbench.store.loaded import load_runs

    texts = ["</style><script>alert(3)</script>", "../../x=1+1"]
    run = merged(load_runs([write(tmp_path / "run", hostile_records(texts))]))
    written = write_plots(run, tmp_path / "out", kinds=("svg", "pdf"))
    assert {path.parent for path in written} == {tmp_path / "out"}
    assert {path.name for path in tmp_path.iterdir()} == {"run", "out", "tiny.toml"}
    for path in written:
        if path.suffix == ".svg":
            for element in ET.fromstring(path.read_text()).iter():
                assert element.tag.rpartition("}")[2] not in {
                    "script",
                    "foreignObject",
                    "a",
                    "animate",
                    "set",
                }
                for name, value in element.attrib.items():
                    assert not name.startswith("on")
                    assert not name.endswith("href") or value.startswith(("#", "data:image/png"))
        elif path.suffix == ".pdf":
            assert not re.search(rb"/(?:JavaScript|JS|URI|Launch|OpenAction)\b", path.read_bytes())
        else:
            assert_no_formulas(path.read_text())
