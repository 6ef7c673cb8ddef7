"""A bank of questions as a file: Moodle XML, or QTI 1.2 as Canvas reads it.

Sources: docs.moodle.org, Moodle XML format and Embedded Answers (Cloze) question type; Canvas,
lib/cc/qti/qti_items.rb, fill_in_multiple_blanks_question. Both give each blank its own part of the
points: Moodle by the weights here, Canvas all the same part.
"""

from __future__ import annotations

import html
import zipfile
from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from ptlab.classroom.bank import Blank, Item

_QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
_PACKAGE = "http://www.imsglobal.org/xsd/imscp_v1p1"
_ASSESSMENT = "ptlab/ptlab.xml"
_WHOLE = 12
"""Moodle's weights are whole numbers: this many for a point."""


def write_moodle(items: Iterable[Item], path: Path) -> None:
    """Write Moodle XML: a category for each question, and in it its variants as Cloze questions."""
    quiz = Element("quiz")
    for name, group in groupby(items, attrgetter("question")):
        category = SubElement(SubElement(quiz, "question", type="category"), "category")
        _text(category, f"$course$/top/ptlab/{name}")
        for item in group:
            one = SubElement(quiz, "question", type="cloze")
            _text(SubElement(one, "name"), item.name)
            cells = [
                [_cloze(blank, round(_WHOLE * row.worth / len(row.blanks))) for blank in row.blanks]
                for row in item.rows
            ]
            body = SubElement(one, "questiontext", format="html")
            _text(body, item.html + _table(item, cells))
            SubElement(one, "penalty").text = "0"
    path.write_bytes(_bytes(quiz))


def _cloze(blank: Blank, weight: int) -> str:
    if not blank.words:
        return f"{{{weight}:NUMERICAL:={blank.answer}:0}}"
    choices = "~".join(f"{'=' if word == blank.answer else ''}{word}" for word in blank.words)
    return f"{{{weight}:MULTICHOICE:{choices}}}"


def write_qti(items: Iterable[Item], path: Path) -> None:
    """Write a package of QTI 1.2: one quiz, with a group for each question that picks one variant."""
    root = Element("questestinterop", xmlns=_QTI)
    assessment = SubElement(root, "assessment", ident="ptlab", title="ptlab")
    section = SubElement(assessment, "section", ident="root_section")
    for name, group in groupby(items, attrgetter("question")):
        variants = list(group)
        part = SubElement(section, "section", ident=f"ptlab-{name}", title=name)
        selection = SubElement(SubElement(part, "selection_ordering"), "selection")
        SubElement(selection, "selection_number").text = "1"
        extension = SubElement(selection, "selection_extension")
        SubElement(extension, "points_per_item").text = f"{variants[0].points:g}"
        for item in variants:
            _qti_item(part, item)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("imsmanifest.xml", _bytes(_manifest()))
        package.writestr(_ASSESSMENT, _bytes(root))


def _qti_item(part: Element, item: Item) -> None:
    one = SubElement(part, "item", ident=item.name.replace(" ", "-"), title=item.name)
    about = SubElement(SubElement(one, "itemmetadata"), "qtimetadata")
    kind = "fill_in_multiple_blanks_question"
    for label, entry in (("question_type", kind), ("points_possible", f"{item.points:g}")):
        field = SubElement(about, "qtimetadatafield")
        SubElement(field, "fieldlabel").text = label
        SubElement(field, "fieldentry").text = entry
    presentation, judging = SubElement(one, "presentation"), SubElement(one, "resprocessing")
    # A pair of brackets in the problem would be a blank too.
    problem = item.html.replace("[", "&#91;").replace("]", "&#93;")
    names = [
        [f"r{r}c{k}" for k, _ in enumerate(row.blanks, 1)] for r, row in enumerate(item.rows, 1)
    ]
    cells = [[f"[{name}]" for name in row] for row in names]
    _material(presentation, problem + _table(item, cells), "text/html")
    score = {"maxvalue": "100", "minvalue": "0", "varname": "SCORE", "vartype": "Decimal"}
    SubElement(SubElement(judging, "outcomes"), "decvar", score)
    blanks = [blank for row in item.rows for blank in row.blanks]
    for name, blank in zip((name for row in names for name in row), blanks, strict=True):
        asked = SubElement(presentation, "response_lid", ident=f"response_{name}")
        _material(asked, name)
        answer = SubElement(SubElement(asked, "render_choice"), "response_label", ident=f"{name}a")
        _material(answer, blank.answer)
        right = SubElement(judging, "respcondition")
        condition = SubElement(right, "conditionvar")
        SubElement(condition, "varequal", respident=f"response_{name}").text = f"{name}a"
        SubElement(right, "setvar", varname="SCORE", action="Add").text = f"{100 / len(blanks):.2f}"


def _manifest() -> Element:
    manifest = Element("manifest", xmlns=_PACKAGE, identifier="ptlab-bank")
    SubElement(manifest, "organizations")
    resources = SubElement(manifest, "resources")
    about = {"identifier": "ptlab", "type": "imsqti_xmlv1p2", "href": _ASSESSMENT}
    SubElement(SubElement(resources, "resource", about), "file", href=_ASSESSMENT)
    return manifest


def _table(item: Item, cells: Iterable[Iterable[str]]) -> str:
    """The rows to fill in, as HTML, with `cells` as their blanks."""
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in ("", *item.columns))
    rows = "".join(
        f"<tr><th>{html.escape(row.about)}{_choices(row.blanks)}</th>"
        + "".join(f"<td>{cell}</td>" for cell in of_row)
        + "</tr>"
        for row, of_row in zip(item.rows, cells, strict=True)
    )
    return f"<table><tr>{heads}</tr>{rows}</table>"


def _choices(blanks: Iterable[Blank]) -> str:
    words = dict.fromkeys(word for blank in blanks for word in blank.words)
    return html.escape(f" (one of: {', '.join(words)})") if words else ""


def _text(element: Element, text: str) -> None:
    SubElement(element, "text").text = text


def _material(element: Element, text: str, kind: str = "text/plain") -> None:
    SubElement(SubElement(element, "material"), "mattext", texttype=kind).text = text


def _bytes(root: Element) -> bytes:
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
