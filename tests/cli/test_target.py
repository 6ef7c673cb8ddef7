"""Files that a command will write are checked before its work."""

import pytest

from tests.support.command import ptlab


@pytest.mark.parametrize("option", ["--csv", "--html"])
def test_grade_writes_nothing_if_it_cannot_write_all(capsys, tmp_path, option):
    good, bad = tmp_path / "good", tmp_path / "no" / "such"
    other = {"--csv": "--html", "--html": "--csv"}[option]
    status, _, err = ptlab(capsys, "grade", str(tmp_path), option, str(bad), other, str(good))
    assert (status, good.exists()) == (2, False)
    assert f"{option}: {bad} cannot be written: there is no folder {bad.parent}" in err
