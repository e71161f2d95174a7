"""The page is parsed as a browser would, not searched for what the template says."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import pytest

from reports import report
from vesalius.io.report_html import headline, render_report, write_report_html
from vesalius.results import Label, Warning

VOID = {"meta", "img", "br", "link", "input", "hr"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;"


class Page(HTMLParser):
    """Tags with their attributes, and text; it fails on a tag that is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def test_says_what_matters():
    page = Page(render_report(report()))
    for words in (
        "Brain: 2.00\N{NARROW NO-BREAK SPACE}ml", "the brain is small", "a.nii", "2 × 3 × 4 voxels", "brain, version 1",
        "MIT", "0" * 64, "openvino, f32, on cpu", "read", "0.10", "version 0.1.0", "2026-01-02 03:04 UTC",
        "not a medical device",
    ):  # fmt: skip
        assert words in page.text


def test_warnings_come_before_measurements_and_their_absence_is_said():
    warned, calm = report(), report()
    warned.warnings = [Warning(code="a", message="first"), Warning(code="b", message="second")]
    calm.warnings = []
    text = Page(render_report(warned)).text
    assert "2 warnings" in text
    assert text.index("first") < text.index("second") < text.index("Measurements")
    assert "No plausibility warning" in Page(render_report(calm)).text
    assert "No plausibility warning" not in text


def test_is_one_file_that_loads_nothing():
    picture = b"\x89PNG not really"
    html = render_report(report(), picture)
    page = Page(html)
    (image,) = page.all("img")
    assert base64.b64decode(image["src"].removeprefix("data:image/png;base64,")) == picture
    assert "brain" in image["alt"]
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    assert not re.findall(r"https?:|url\(|@import", html)
    assert not Page(render_report(report())).all("img")


def test_structure_for_assistive_technology():
    page = Page(render_report(report()))
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    assert all(attrs.get("scope") in ("row", "col") for attrs in page.all("th"))
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    assert {attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs} <= ids


def hostile():
    bad = report()
    bad.labels[1] = Label(name=HOSTILE, colour="#f3c300")
    bad.measurements = {HOSTILE: bad.measurements["brain"].model_copy(update={"intensity": {
        HOSTILE: bad.measurements["brain"].intensity["image"]}})}  # fmt: skip
    bad.input = bad.input.model_copy(update={"paths": (HOSTILE,), "channels": (HOSTILE,), "format": HOSTILE})
    bad.model = bad.model.model_copy(update={"name": HOSTILE, "licence": HOSTILE})
    bad.warnings = [Warning(code=HOSTILE, message=HOSTILE)]
    bad.scores = {HOSTILE: 0.5}
    bad.files = {HOSTILE: "javascript:alert(3)", "quoted": 'a" onclick="alert(4).nii'}
    return bad


def test_hostile_names_stay_text():
    page = Page(render_report(hostile(), b"png"))
    assert not page.all("script")
    assert len(page.all("img")) == 1
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert all(attrs["href"].startswith("./") for attrs in page.all("a"))
    assert page.text.count(HOSTILE) >= 8


def test_links_lead_to_the_files():
    full = report()
    full.files = {"segmentation": "my segmentation #1.nii.gz", "page": "report.html"}
    (link,) = Page(render_report(full)).all("a")
    assert link["href"] == "./my%20segmentation%20%231.nii.gz"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_of_text(scheme):
    """WCAG 2.2 level AA: at least 4.5 to 1."""
    blocks = re.findall(r":root \{([^}]*)\}", render_report(report()))
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", blocks[0 if scheme == "light" else 1]))
    pairs = [("ink", "sheet"), ("quiet", "sheet"), ("accent", "sheet"), ("warn", "warn-page"), ("good", "good-page")]
    for text, page in pairs:
        light, dark = sorted((luminance(colours[text]), luminance(colours[page])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, page)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    linear = [
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (b / 255 for b in bytes.fromhex(digits))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_headlines():
    space = "\N{NARROW NO-BREAK SPACE}"
    one = report()
    assert headline(one) == f"Brain: 2.00{space}ml"
    brain = one.measurements["brain"]
    one.measurements = {"brain": brain.model_copy(update={"volume_ml": 1953.3})}
    assert headline(one) == f"Brain: 1{space}953{space}ml"
    sizes = {f"part {n}": {"volume_ml": float(n), "voxel_count": n} for n in range(1, 6)}
    one.measurements = {name: brain.model_copy(update=size) for name, size in sizes.items()}
    assert headline(one) == f"5 structures, the largest: part 5, 5.00{space}ml"
    one.measurements = {"brain": brain.model_copy(update={"voxel_count": 0})}
    assert headline(one) == "Nothing was found"
    one.measurements = {"vessels": brain.model_copy(update={"volume_ml": None, "share": 0.0697})}
    assert headline(one) == f"Vessels: 7.0{space}% of the picture"


@pytest.mark.parametrize(
    ("pneumonia", "answer", "thresholds", "words"),
    [
        (0.8, "pneumonia", {"pneumonia": 0.6}, "Pneumonia: 80.0 %"),
        (0.3, "pneumonia", {"pneumonia": 0.25}, "Pneumonia: 30.0 %"),
        (0.55, "normal", {"pneumonia": 0.6}, "Normal: probability of pneumonia 55.0 %"),
        (0.8, "pneumonia", {}, "Pneumonia: 80.0 %"),
        (0.99997, "pneumonia", {}, "Pneumonia: >99.9 %"),
        (0.00003, "normal", {"pneumonia": 0.5}, "Normal: probability of pneumonia <0.1 %"),
    ],
)
def test_the_headline_of_a_classification(pneumonia, answer, thresholds, words):
    one = report()
    one.scores = {"normal": 1 - pneumonia, "pneumonia": pneumonia}
    one.answer, one.thresholds = answer, thresholds
    assert headline(one).replace("\N{NARROW NO-BREAK SPACE}", " ") == words


def test_scores_are_bars_and_only_the_label_with_a_threshold_has_it_marked():
    one = report()
    one.scores, one.measurements, one.labels = {"normal": 0.25, "pneumonia": 0.75}, {}, {}
    one.answer, one.thresholds, one.warnings = "pneumonia", {"pneumonia": 0.4}, []
    page = Page(render_report(one, b"png"))
    styles = [attrs["style"] for attrs in page.all("span") if attrs.get("class") in ("bar", "threshold")]
    assert styles[:3] == ["width:25.0%", "width:75.0%", "left:40.0%"]
    assert "No plausibility warning" not in page.text  # nothing of the kind was looked at
    assert "three dimensions" not in page.text


def test_a_picture_has_pixels_and_no_millimetres():
    one = report()
    one.input = one.input.model_copy(update={"is_picture": True, "shape": (30, 20, 1)})
    nothing = {"volume_ml": None, "surface_mm2": None, "diameters_mm": (), "centre_mm": None}
    found = one.measurements["brain"].model_copy(update={**nothing, "voxel_count": 5, "share": 0.125, "components": 7})
    one.measurements = {"vessels": found, "disc": found.model_copy(update={"voxel_count": 0})}
    page = Page(render_report(one, b"png"))
    cells = re.sub(r"\s+", " ", page.text)
    assert "vessels 5 12.5 % 7" in cells
    assert "disc not found" in cells
    assert "30 × 20 pixels" in cells
    assert not re.search(r"Volume|Voxel|Orientation|mm\b", cells)
    assert "beside it the same with the outlines of vessels, disc" in page.all("img")[0]["alt"]


def test_many_files_are_counted_and_a_label_that_is_not_there_is_named():
    many = report()
    many.input = many.input.model_copy(update={"paths": tuple(f"{n}.dcm" for n in range(22))})
    many.measurements["stem"] = many.measurements["brain"].model_copy(
        update={"voxel_count": 0, "centre_mm": None, "bounding_box_mm": None, "diameters_mm": (), "intensity": {}}
    )
    text = Page(render_report(many)).text
    assert "and 19 more" in text
    assert "not found" in text


def test_writes_utf8(tmp_path):
    page = report()
    page.warnings = [Warning(code="a", message="Gehirn ü 脑")]
    write_report_html(page, tmp_path / "report.html", None)
    assert "Gehirn ü 脑" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
