"""The glossary, as notebooks show it."""

import pytest

from ptlab.course import words
from ptlab.draw.glossary import glossary


def test_all_words_are_shown_with_their_sources():
    shown, text = words()._repr_html_(), str(words())
    told = [line for line in text.splitlines() if line[0] != " "]
    assert shown.count("<tr>") == len(told) + 1 == len(glossary()) + 1
    assert all(term.source in " ".join(text.split()) for term in glossary())


def test_a_word_is_looked_up_or_a_close_one_is_named():
    assert words().meaning("zap").startswith("To clear the entries")
    with pytest.raises(ValueError, match=r"unknown word 'zapp' \(did you mean zap\?\)"):
        words().meaning("zapp")
