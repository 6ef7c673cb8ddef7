"""docs/reading.md: its files are there and as long as it says, and the way through them is, too."""

import re
import sys
from pathlib import Path

from ptlab import MADV_DONTNEED, KiB, Process

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reading.md").read_text()
ROWS = re.findall(r"^\| (\d+) \| `(\S+)` \| (\d+) \| (.+) \|$", PAGE, re.MULTILINE)


def lines(name):
    return (ROOT / name).read_text().count("\n")


def entered(call):
    """The files and functions of ptlab that `call` enters."""
    functions = set()

    def note(frame, event, _):
        code = frame.f_code
        ours = Path(code.co_filename).is_relative_to(ROOT / "ptlab")
        if event == "call" and ours and "<" not in code.co_name:  # <listcomp> is no function
            functions.add((code.co_filename, code.co_qualname))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return len({file for file, _ in functions}), len(functions)


def test_ten_files_are_named_in_order_with_a_question_each():
    assert [int(number) for number, *_ in ROWS] == [*range(1, 11)]
    assert all(question.endswith("?") for *_, question in ROWS)


def test_the_files_have_about_the_lines_that_the_page_says_and_fit_in_an_evening():
    wrong = {name: lines(name) for _, name, said, _ in ROWS if abs(lines(name) - int(said)) > 12}
    assert wrong == {}
    assert sum(lines(name) for _, name, *_ in ROWS) < 1700


def test_every_other_file_that_the_page_names_is_there():
    assert all((ROOT / name).exists() for name in re.findall(r"`(ptlab/\S+\.py)`", PAGE))


def test_the_call_enters_as_many_files_and_functions_as_the_page_says():
    process = Process(scheme="pte_refcount")
    heap = process.mmap(8 * KiB)
    process.touch(heap)
    found = entered(lambda: process.madvise(heap, MADV_DONTNEED))
    said = re.search(r"enters (\d+) files and (\d+) functions", PAGE)
    assert tuple(map(int, said.groups())) == found
