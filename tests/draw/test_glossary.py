"""The glossary explains what the sentences say, and the docs print the same."""

import ast
import re
from pathlib import Path

from ptlab.draw.glossary import as_page, glossary

ROOT = Path(__file__).parents[2]
SPOKEN = [*ROOT.glob("ptlab/draw/*_sentences.py"), ROOT / "ptlab/draw/names.py"]
SHOWN = [*ROOT.glob("ptlab/**/*.py"), *ROOT.glob("ptlab/**/*.mjs"), *ROOT.glob("notebooks/*.ipynb")]
FORMS = {form for term in glossary() for form in term.forms}
NOT_KERNEL_WORDS = {"CPU", "CPUs", "CPU's", "Linux", "free_user_", "madvise"}


def words_of_sentences() -> set[str]:
    """Abbreviations and the kernel's own names in the texts of the sentences."""
    texts = [
        node.value
        for path in SPOKEN
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return {
        word
        for text in texts
        if " " in text and "\n" not in text and text[0].isascii()
        for word in re.findall(r"\b(?:\w*[A-Z]{2,}\w*|[a-z]+_\w+)\b", text)
    }


def test_every_abbreviation_and_kernel_name_in_a_sentence_is_explained() -> None:
    explained = {word for form in FORMS for word in re.findall(r"\w+", form)}
    assert words_of_sentences() - explained - NOT_KERNEL_WORDS == set()


def test_every_term_is_used() -> None:
    texts = "\n".join(path.read_text() for path in SHOWN)
    assert [term.forms for term in glossary() if not any(f in texts for f in term.forms)] == []


def test_terms_are_sorted_and_no_form_has_two_meanings() -> None:
    names = [term.forms[0].casefold() for term in glossary()]
    assert names == sorted(names)
    assert len(FORMS) == sum(len(term.forms) for term in glossary())
    # The front end makes a pattern of them.
    assert all(re.fullmatch(r"[\w' ]+", form) for form in FORMS)


def test_each_meaning_is_one_or_two_sentences_with_a_source() -> None:
    for term in glossary():
        assert term.text.endswith(".") and len(term.text) <= 130 and term.source, term


def test_the_docs_print_the_same() -> None:
    assert (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8") == as_page()
