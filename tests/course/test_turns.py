"""Races told in turns."""

import pytest

from ptlab.course import play, who_frees


def test_a_task_runs_to_the_words_and_then_to_its_end():
    scheduler, done = play("abc", "fixed", ("A", "a visitor comes"), ("B", ""))
    letters = [letter for letter, _, _ in done]
    assert "a visitor comes" in done[letters.count("A") - 1][2]
    assert letters == sorted(letters) and "B" not in scheduler.enabled()


def test_words_that_never_come_are_an_error():
    with pytest.raises(ValueError, match="task A comes to no step that says 'the moon'"):
        play("abc", "fixed", ("A", "the moon"))


def test_the_task_that_frees_is_the_one_that_takes_the_table_out_of_the_tree():
    one_after_the_other = play("put-locked", "fixed", ("A", ""), ("B", ""))[1]
    assert who_frees(one_after_the_other, 4) == "B"
    assert who_frees(one_after_the_other[:3], 4) == who_frees(one_after_the_other, 77) == "nobody"
