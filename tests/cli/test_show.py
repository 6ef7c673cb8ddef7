"""Tables in a narrow terminal."""

import pytest

from tests.support.command import ptlab


@pytest.mark.parametrize(
    ("args", "numbers"),
    [
        (["measure", "halves", "--schemes", "unmap_only"], ["1\u202f032", "522", "256", "2.01"]),
        (["run", "one-entry-keeps-the-page"], ["2048", "512"]),
        (["verify", "--kernel", "6.19"], ["2224", "3144"]),
    ],
)
def test_a_narrow_terminal_cuts_no_number_and_gets_the_width(capsys, monkeypatch, args, numbers):
    monkeypatch.setenv("COLUMNS", "40")
    status, out, err = ptlab(capsys, *args)
    assert status == 0
    assert "…" not in out
    for number in numbers:
        assert number in out
    width = max(len(line) for line in out.splitlines())
    assert f"the terminal has 40 columns, this table needs {width}" in err
