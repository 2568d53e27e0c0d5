from itertools import pairwise

import pytest
from matplotlib.figure import Figure

from genbench.report.figures.layout import Room, name_of, sheet, text_width, wrapped
from genbench.report.figures.lines import draw_lines, height_of, label_of, lines_of
from genbench.report.figures.marks import entry


def test_panels_stand_in_lines_of_equal_size_within_the_sheet():
    figure, panels = sheet("title", 5, 3, 1.0, Room(1.5, between=0.3))
    boxes = [panel.get_position() for panel in panels]
    assert len({round(box.width, 6) for box in boxes}) == len({round(box.height, 6) for box in boxes}) == 1
    assert [round(box.y0, 3) for box in boxes][:3] == [round(boxes[0].y0, 3)] * 3
    assert boxes[3].y1 < boxes[0].y0 and boxes[2].x1 < 1 and boxes[3].y0 > 0
    wide = figure.get_size_inches()[0]
    assert boxes[0].x0 * wide == pytest.approx(1.5)
    assert [(right.x0 - left.x1) * wide for left, right in pairwise(boxes[:3])] == pytest.approx([0.3, 0.3])


def test_a_legend_fills_columns_and_makes_the_sheet_higher():
    entries = [({"marker": "o", "linestyle": "none"}, f"model {n}") for n in range(20)]
    bare, _ = sheet("title", 1, 1, 1.0, Room(0.5))
    full, _ = sheet("title", 1, 1, 1.0, Room(0.5), entries)
    places = {text.get_text(): text.get_position() for text in full.texts[1:]}
    assert len(places) == 20 and len({x for x, _ in places.values()}) > 3
    assert places["model 0"][1] > places["model 1"][1]
    assert full.get_size_inches()[1] > bare.get_size_inches()[1] + 0.3


def test_text_is_measured_and_folded_to_its_width():
    assert text_width("mmmm") == pytest.approx(4 * text_width("m"), rel=0.05)
    assert text_width("m\nmmm\nm") == text_width("mmm")
    assert text_width("m", bold=True) > text_width("m")
    folded = wrapped("a name that is far too long for one line of this width", 1.0)
    assert "\n" in folded and text_width(folded) <= 1.0
    assert folded.replace("\n", "") == "a name that is far too long for one line of this width"


def test_very_long_names_keep_both_ends():
    name = name_of("model-" + "x" * 100 + "-lr-0.1").replace("\n", "")
    assert name.startswith("model-x") and name.endswith("-lr-0.1") and "…" in name and len(name) < 50
    assert name_of("") == "?" and name_of("a\x1b[31mb") == "ab"


def test_rows_stand_below_each_other_as_high_as_their_names():
    lines = lines_of(["one", "two\nlines", "three"], [False, False, True])
    assert lines.height == pytest.approx(sum(map(height_of, lines.labels)))
    assert lines.centres[0] == pytest.approx(height_of("one") / 2)
    assert lines.centres[1] - lines.centres[0] == pytest.approx(
        (height_of("one") + height_of("two\nlines")) / 2
    )
    assert lines_of(["one"], least=1.0).centres == (0.5,)
    # a line between models and controls, and the name of each row beside it
    axes = Figure().add_subplot()
    draw_lines(axes, lines, named=True)
    assert axes.get_ylim() == (lines.height, 0)
    assert [(text.get_text(), text.xy[1]) for text in axes.texts] == [
        *zip(lines.labels, lines.centres, strict=True)
    ]
    (between,) = axes.lines
    assert between.get_ydata() == pytest.approx([(lines.centres[1] + lines.centres[2]) / 2] * 2)


def test_seeds_that_are_missing_stand_beside_a_short_name_and_below_a_long_one():
    from made_scopes import scope_of, trained

    records = trained("gan", {"quality.fid": [1.0]}, lost=[1]) + trained(
        "w" * 28, {"quality.fid": [1.0]}, lost=[1]
    )
    assert [label_of(row) for row in scope_of(records).models] == [
        "gan (1 of 2 seeds)",
        "w" * 28 + "\n(1 of 2 seeds)",
    ]


def test_names_in_a_legend_are_level_whatever_letters_they_have():
    legend = [entry(name, marker="o", linestyle="none") for name in ("gan", "real", "collapsed")]
    figure, _ = sheet("title", 1, 1, 1.0, Room(0.2), legend)
    told = [text for text in figure.texts if text.get_text() != "title"]
    assert {text.get_va() for text in told} == {"baseline"} and len(
        {text.get_position()[1] for text in told}
    ) == 1
