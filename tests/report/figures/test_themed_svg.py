import re
import xml.etree.ElementTree as ET

import pytest
from made_scopes import control, scope_of, trained

from genbench.report.figures.figure import as_svg
from genbench.report.figures.quality import quality
from genbench.report.figures.themed import GREY, GRID, INK, PAPER, themed

NUMBERS = {"quality.fid": [1.23456, 2.0, 3.0]}
ODD = "0.123456 : #262626 font: 'DejaVu Sans'"


@pytest.fixture(scope="module")
def svg():
    records = trained(ODD, NUMBERS) + control("real", {"quality.fid": [1.5, 1.5, 1.6]})
    plot = quality(scope_of(records + control("noise", {"quality.fid": [0.00123456] * 3})))
    return as_svg(plot.figure, plot.title)


def test_it_is_one_xml_element_without_prolog_metadata_and_date(svg):
    assert svg.startswith("<svg ") and svg.endswith("</svg>")
    assert ET.fromstring(svg).find("{*}title").text == "data: samples and modes"
    assert "metadata" not in svg and "<?xml" not in svg and "DOCTYPE" not in svg


def test_text_stays_text_letter_by_letter(svg):
    told = " ".join("".join(ET.fromstring(svg).itertext()).split())
    assert "0.123456 : #262626" in told and "'DejaVu Sans'" in told  # a name, folded
    assert "0.00123" in told  # a number beyond the edge keeps its digits
    fonts = set(re.findall(r"font-family: ([^;\"]*)", svg))
    assert fonts == {"'DejaVu Sans', Verdana, sans-serif"}


def test_colors_that_turn_on_a_dark_screen_are_variables_and_there_is_no_paper(svg):
    sheet = svg[svg.index("<style>") : svg.index("</style>")]
    assert sheet.index("prefers-color-scheme:dark") < sheet.index("@media print")
    tags = "".join(re.findall(r"<[^>]*>", svg[svg.index("</style>") :]))
    for color in (INK, GRID, GREY, PAPER):
        assert color not in tags
    assert {"--ink", "--grid", "--grey", "--paper"} <= set(re.findall(r"--\w+", tags))
    assert "fill: #ffffff" not in tags


def test_numbers_of_paths_are_short_and_twice_the_same(svg):
    tags = "".join(re.findall(r"<[^>]*>", svg))
    assert not re.search(r"\d\.\d{3}", tags)
    assert len(svg) < 60_000
    plot = quality(scope_of(trained("gan", NUMBERS)))
    assert as_svg(plot.figure, "t") == as_svg(plot.figure, "t")


def test_a_picture_inside_is_left_as_it_is():
    image = '<image xlink:href="data:image/png;base64,ab\ncd: #262626;1.23456" x="1"/>'
    assert image in themed(f'<?xml?>\n<svg a="1.23456">\n <g>{image}</g>\n</svg>', "x")


def test_a_title_is_text():
    assert "<title>a &lt;b&gt; &amp; c</title>" in themed("<svg></svg>", "a <b> & c")
