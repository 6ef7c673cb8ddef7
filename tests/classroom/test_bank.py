"""A bank of questions: each file, parsed again, has the right answers to its problems."""

import re
import zipfile
from xml.etree import ElementTree

import pytest

from ptlab.classroom import bank, seeds
from ptlab.classroom.bank import in_banks, variants
from ptlab.classroom.bank_files import write_moodle, write_qti
from ptlab.classroom.solution import NotHere
from tests.support.command import ptlab

WORD = "a word of a test"
QUESTIONS = in_banks()
CLOZE = re.compile(r"\{(\d+):(NUMERICAL|MULTICHOICE):([^{}]*)\}")
QTI = "{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}"


@pytest.fixture(scope="module")
def items():
    return [item for question in QUESTIONS.values() for item in variants(question, WORD, 2)]


def posed(name):
    """The problems that the two variants of a question should be, from their seeds."""
    found = []
    for k in range(40):
        problem = QUESTIONS[name].pose(seeds.own(name, f"{WORD} {k}"))
        if problem not in found:
            found.append(problem)
    return found[:2]


def assert_right(name, number, cells):
    """The answers of a variant, as text, get all points where ptlab judges them."""
    question, problem = QUESTIONS[name], posed(name)[number]
    cells = [int(cell) if re.fullmatch(r"-?\d+", cell) else cell for cell in cells]
    wide = len(question.columns)
    rows = [tuple(cells[k : k + wide]) for k in range(0, len(cells), wide)]
    findings = question.grade(problem, rows if wide > 1 else cells)
    assert all(one.ok for one in findings), findings


def test_what_a_platform_cannot_judge_is_not_in_a_bank():
    assert "walk-1" in QUESTIONS and "references-2" in QUESTIONS
    assert not {"walk-4", "leak-2", "scheduler-1", "scheme-1"} & set(QUESTIONS)


def test_moodle(items, tmp_path):
    write_moodle(items, tmp_path / "bank.xml")
    category, seen = "", []
    for question in ElementTree.parse(tmp_path / "bank.xml").getroot():
        if question.get("type") == "category":
            category = question.findtext("category/text").rpartition("/")[2]
            continue
        assert question.get("type") == "cloze"
        text = question.findtext("questiontext/text")
        blanks = CLOZE.findall(text)
        right = [
            next(one[1:] for one in given.split("~") if one[0] == "=").removesuffix(":0")
            for _, _, given in blanks
        ]
        for kind, given in {(kind, given) for _, kind, given in blanks}:
            assert (kind == "NUMERICAL") == (given.count("=") == 1 and "~" not in given), given
        assert sum(int(weight) for weight, _, _ in blanks) == 12 * QUESTIONS[category].points
        assert "{" not in CLOZE.sub("", text)
        seen.append(question.findtext("name/text"))
        assert_right(category, int(seen[-1].split()[1]) - 1, right)
    assert seen == [item.name for item in items]


def test_qti_as_canvas_writes_it(items, tmp_path):
    write_qti(items, tmp_path / "bank.zip")
    with zipfile.ZipFile(tmp_path / "bank.zip") as package:
        manifest = package.read("imsmanifest.xml").decode()
        assert set(package.namelist()) == {"imsmanifest.xml", "ptlab/ptlab.xml"}
        assert 'href="ptlab/ptlab.xml"' in manifest
        root = ElementTree.fromstring(package.read("ptlab/ptlab.xml"))
    for section in root.iterfind(f".//{QTI}section[@title]"):
        question = QUESTIONS[section.get("title")]
        assert section.findtext(f".//{QTI}selection_number") == "1"
        assert section.findtext(f".//{QTI}points_per_item") == f"{question.points:g}"
        for number, item in enumerate(section.iterfind(f"{QTI}item")):
            shown = item.findtext(f"{QTI}presentation/{QTI}material/{QTI}mattext")
            blanks = item.findall(f".//{QTI}response_lid")
            names = [blank.get("ident").removeprefix("response_") for blank in blanks]
            assert re.findall(r"\[(.*?)\]", shown) == names
            right = {}
            for blank in blanks:
                label = blank.find(f".//{QTI}response_label")
                right[label.get("ident")] = label.findtext(f".//{QTI}mattext")
            conditions = item.findall(f".//{QTI}varequal")
            assert [one.get("respident") for one in conditions] == [
                blank.get("ident") for blank in blanks
            ]
            assert_right(question.name, number, [right[one.text] for one in conditions])
            parts = [float(one.text) for one in item.iterfind(f".//{QTI}setvar")]
            assert sum(parts) == pytest.approx(100, abs=0.2)


def test_another_word_gives_other_problems():
    question = QUESTIONS["walk-1"]
    one, two = ({item.html for item in variants(question, word, 5)} for word in ("one", "two"))
    assert len(one) == len(two) == 5 and not one & two


def test_an_install_of_a_student_writes_no_bank(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(bank, "instructors", lambda: None)
    with pytest.raises(NotHere, match="pip install -e"):
        list(variants(QUESTIONS["walk-1"], "practice", 1))
    out = tmp_path / "bank.xml"
    status, _, err = ptlab(capsys, "quiz", "walk-1", "--moodle", str(out), "--word", "a")
    assert status == 2 and "instructor's part" in err and not out.exists()


def test_practice_is_no_word_for_a_bank():
    with pytest.raises(NotHere, match="answers are public"):
        list(variants(QUESTIONS["walk-1"], "practice", 1))


def test_the_command(capsys, tmp_path):
    out = tmp_path / "bank.zip"
    given = ("quiz", "walk-1", "--qti", str(out))
    assert ptlab(capsys, *given, "--word", "a", "--variants", "2")[:2] == (
        0,
        f"{out}: 2 variants of 1 question, with answers\n",
    )
    assert "--word of your own" in ptlab(capsys, *given)[2]
    assert (
        "walk-4 is not for a bank"
        in ptlab(capsys, "quiz", "walk-4", "--qti", str(out), "--word", "a")[2]
    )
