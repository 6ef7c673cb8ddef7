"""The words of a line: numbers, and errors that point at a word."""

import pytest

from ptlab.scenario import ScenarioError, parse


def one_op(text):
    (only,) = parse(text)
    (op,) = only.ops
    return op


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("123", 123),
        ("0x10", 16),
        ("4K", 4096),
        ("5P", 5 * 4096),
        ("0x10K", 16 << 10),
        ("1G+2M-4K", (1 << 30) + (2 << 20) - 4096),
        ("s0", 16 << 40),
        ("s3+3T", (16 << 40) + 3 * (512 << 30) + (3 << 40)),
        ("-4K+s1", (16 << 40) + (512 << 30) - 4096),
    ],
)
def test_numbers_are_sums_and_differences(text, value):
    assert one_op(f"munmap {text} 4K").addr == value


def test_the_error_points_at_the_word_and_says_the_usage():
    with pytest.raises(ScenarioError) as caught:
        parse("\tmunmap\ts0 2Z", "x.txt")
    _, text, caret, usage = str(caught.value).splitlines()
    assert text == "    \tmunmap\ts0 2Z"
    assert caret == "    \t      \t   ^"
    assert usage == "    usage: munmap ADDR LEN"
