from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from landcover.report.write_report import write_report

SETTINGS = {"SEED": "7", "TEACHER_OPTIONS, SAR_OPTIONS": "<script>alert('&')</script>"}
VOID_ELEMENTS = {"meta", "img", "wbr"}


class Balance(HTMLParser):
    """Fails on an element that is closed out of order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def page(fake_run) -> str:
    return write_report(fake_run.run, fake_run.data, fake_run.truth, SETTINGS).read_text(encoding="utf-8")


def test_the_report_needs_no_other_file(page):
    assert set(re.findall(r'\bsrc="([^,"]*)', page)) == {"data:image/png;base64"}
    assert all(link.startswith("#") for link in re.findall(r'\bhref="([^"]*)"', page))
    assert not re.search(r"<script|<link|@import|https?://", page)
    assert not re.search(r"url\((?!#)", page)


def test_elements_are_closed_in_order(page):
    balance = Balance()
    balance.feed(page)
    balance.close()
    assert balance.open == []


def test_the_verdict_compares_the_ensemble_with_its_members(page, fake_run):
    miou = fake_run.metrics["ensemble"]["miou"]
    sentence = (
        f"The ensemble reaches {100 * miou:.1f} % mIoU, scored against test truth: {100 * (miou - 0.31):.1f} points"
    )
    assert f"{sentence} above the mean of its 2 members. submission.zip holds the maps of 2 test tiles." in page


def test_texts_are_escaped(page):
    assert "&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;" in page


def test_the_best_of_a_group_is_bold_and_an_absent_class_is_a_dash(page):
    rows = re.findall(r'<tr><th scope="row">teacher_<wbr>b</th>(.*?)</tr>', page)
    assert rows[0].startswith("<td><strong>60.0</strong></td><td>\N{EN DASH}</td><td><strong>60.0</strong></td>")
    assert rows[1].startswith("<td>40.0</td><td>40.0</td>")


def test_every_picture_has_an_alternative_text(page):
    pictures = re.findall(r"<img [^>]*>", page)
    # Two training tiles of five pictures, two test tiles of five.
    assert len(pictures) == 20
    assert all(re.search(r'alt="[^"]{10,}"', image) for image in pictures)


def test_seed_versions_and_inputs_come_from_the_manifests(page):
    assert "Trained: 1 teacher. Seed 7." in page
    assert f'config <code title="{"a" * 64}">aaaaaaaaaa</code>, iterations 4,000, seed 7' in page
    assert re.search(r"<li>numpy <b>\d", page)


def test_the_same_run_gives_the_same_bytes(page, fake_run):
    again = write_report(fake_run.run, fake_run.data, fake_run.truth, SETTINGS)
    assert again == fake_run.run / "report.html"
    assert again.read_text(encoding="utf-8") == page


def test_the_number_of_tiles_is_limited(fake_run):
    page = write_report(fake_run.run, fake_run.data, fake_run.truth, {}, tiles=1).read_text(encoding="utf-8")
    assert len(re.findall('<article class="tile">', page)) == 2


def test_real_data_without_truth_has_maps_but_no_scores(fake_run):
    (fake_run.run / "metrics.json").unlink()
    page = write_report(fake_run.run, fake_run.data, None, {}).read_text(encoding="utf-8")

    assert "The ensemble has no score: there are no manual labels of the test tiles." in page
    assert "Nothing was scored: there are no manual labels to compare with." in page
    assert "No confusion matrix" in page
    assert "There is no truth for these tiles" in page
    assert "<b>errors</b>" not in page
    assert page.count("<b>disagreement</b>") == 2


def test_registered_labels_have_a_section_with_the_drawing_of_their_offsets(page, fake_run):
    assert "Registered labels" not in page
    drawing = np.zeros((4, 5, 3), np.uint8)
    (fake_run.run / "registered_labels").mkdir()
    Image.fromarray(drawing).save(fake_run.run / "registered_labels" / "offsets.png")
    page = write_report(fake_run.run, fake_run.data, fake_run.truth, SETTINGS).read_text(encoding="utf-8")
    section = page.partition("Registered labels</h2>")[2].partition("</section>")[0]
    assert section.count("<img ") == 1 and 'width="5" height="4"' in section


def test_an_empty_run_is_a_page_of_sentences(tmp_path):
    (tmp_path / "run").mkdir()
    page = write_report(tmp_path / "run", tmp_path / "data", None, {}).read_text(encoding="utf-8")

    assert "The test tiles are not mapped yet." in page
    assert "No pseudo-labels yet." in page
    assert "<img" not in page


def test_data_that_moved_away_leaves_out_the_tiles_only(fake_run):
    shutil.rmtree(fake_run.data)
    page = write_report(fake_run.run, fake_run.data, fake_run.truth, {}).read_text(encoding="utf-8")

    assert page.count("Not shown: ") == 2
    assert "The ensemble reaches" in page
