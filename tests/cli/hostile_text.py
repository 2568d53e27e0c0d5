"""Text that somebody would put into a name to do harm with it, and runs that are full of it."""

from collections.abc import Iterator, Sequence

from genbench.core.record import OUTCOME, Better, Record, Status

HOSTILE = (
    # terminals: colour, cursor, title, hyperlink, clipboard, bell, backspace, overwriting, C1 forms of these
    "a\x1b[31mred\x1b[2J\x1b[1;1H", "b\x1b]0;title\x07",
    "c\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "d\x1b]52;c;cm0gLXJm\x07", "e\x07\x08\x08\x7f", "f\rerror: forged", "g\x9b31m\x9d52;c;eA==\x9c",
    "h\x1bP1$q\x1b\\",
    "i\x1b]52;c;never ended", "j\nerror: forged\nline",
    "k\ttab\x0bvertical\x0cfeed\x85next\u2028line\u2029paragraph",
    # rich
    "[bold]x[/bold]", "[link=http://evil.example]y[/link]", "[/]", "[[red]", "x\\[", ":boom:",
    "{task.description}",
    # what is not seen, or seen elsewhere than where it stands
    "\u202eevil\u202c", "\u2066isolate\u2069", "z\u200be\u200dr\ufeffo", "\u115f\u3164\uffa0", "Z\u0335" * 60,
    "a" + "\u0301" * 500, "\u0300alone", "\ud800surrogate\udfff", "tag\U000e0041\U000e007f", "nonchar\uffff",
    # HTML, SVG
    "<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "</style><script>alert(3)</script>",
    "</title><svg onload=alert(4)>", "javascript:alert(5)", "&lt;script&gt;&#x3c;", "<!--", "]]>",
    "' onfocus='alert(6)",
    "{{ 7*7 }}{% raw %}",
    # Markdown
    "a|b|c", "[text](http://evil.example)", "![image](http://evil.example/x.png)", "<http://evil.example>",
    "http://evil.example", "www.evil.example", "`code`", "# heading", "***", "- item", "[^1]", "@somebody",
    "| --- |",
    # LaTeX
    "\\input{/etc/passwd}", "\\write18{id}", "\\immediate\\openin", "%", "$x$", "\\\\", "a&b#c_d^e~f{g}h",
    "^^5cinput",
    # CSV
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "=HYPERLINK(\"http://evil.example\")", "x;=1+1",
    "\uff1d1+1",
    "=cmd|' /C calc'!A0", "'=1", '"=1"', " =1+1", "-1.5", "+inf", "nan", "-", "1e5",
    # file names
    "../../x", "/etc/passwd", "NUL", "con", "-rf", ".", "..", "~", "a/b", "a\\b", "C:\\x", "x\x00y",
    ".hidden", "*",
    # sizes and scripts; rows that look like others
    "n" * 300,
    "漢" * 60, "👩\u200d👩\u200d👧" * 20, "نموذج عربي", "шаблон", "", " ", "real\u200b", "None",
)  # fmt: skip
"""One harm each."""

_SEEDS = (0, 1)


def hostile_records(
    texts: Sequence[str], run: str = "run", shift: float = 0.0, every: int = 1
) -> list[Record]:
    """A dataset for each of the texts, or for every so many; they stand in every field of records in turn."""
    places = range(0, len(texts), every)
    return [record for place in places for record in _of_dataset(texts, place, run, shift)]


def _of_dataset(texts: Sequence[str], place: int, run: str, shift: float) -> Iterator[Record]:
    def text(offset: int) -> str:
        return texts[(place + offset) % len(texts)]

    stamps = {"versions": {text(5): text(6)}, "protocol": {"n_fake": 10, text(7): text(8), "quick": False}}
    about = {
        "run": run,
        "suite": text(9),
        "dataset": text(0),
        "env": text(10),
        "code": text(11),
        "at": text(12),
    }
    metrics = (("quality.fid", "x"), (f"quality.{text(3)}", text(4)))
    for number, model in enumerate(dict.fromkeys((text(1), text(2)))):
        for seed in _SEEDS:
            mine = {"model": model, "seed": seed, "trial": f"t{place}-{number}-{seed}", "step": 5, **about}
            for metric, unit in metrics:
                value = 10.0 * number + seed + 0.1 * place + shift
                yield _record(**mine, **stamps, metric=metric, unit=unit, value=value)
            lost = number and not seed
            how = (Status.FAILED, None, text(13) or "why") if lost else (Status.DONE, 5.0, "")
            ended = dict(zip(("status", "value", "reason"), how, strict=True))
            yield _record(**{**mine, "metric": OUTCOME, "better": Better.NEITHER, **ended})
        yield _record(
            **about, model=model, seed=None, trial="t", step=5, metric="throughput.s_per_1000_steps",
            unit="s",
            value=None, reason=text(14) or "why", status=Status.SKIPPED,
        )  # fmt: skip
    yield _record(
        **about, **stamps, model="real", seed=None, trial="c", step=0, metric="quality.fid", value=-1.5
    )


def _record(**given: object) -> Record:
    usual = {
        "value": 1.0, "error": None, "unit": "", "better": Better.LOWER, "n": 10, "lanes": 3,
        "status": Status.DONE, "reason": "", "versions": {}, "protocol": {},
    }  # fmt: skip
    return Record(**{**usual, **given})  # type: ignore[arg-type]
