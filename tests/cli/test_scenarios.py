"""The scenarios of a command line: what is said of a bad name or a bad file."""

from tests.support.command import ptlab


def test_an_error_lists_only_a_few_of_many_scenarios(capsys, tmp_path):
    path = tmp_path / "many.txt"
    path.write_text("".join(f"scenario name-{n}\nnop\n" for n in range(100)))
    _, _, err = ptlab(capsys, "run", str(path), "zzz")
    assert "there are name-0, name-1, " in err and "name-7 and 92 more" in err


def test_a_bad_scenario_is_explained(capsys, tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text("mmap s0 2M\ntouch w s0 4Q\n")
    status, _, err = ptlab(capsys, "run", str(path))
    assert status == 2
    assert f"{path}:2:12: found '4Q', expected LEN" in err
    path.write_bytes(b"\xff\xfe")
    status, _, err = ptlab(capsys, "run", str(path))
    assert status == 2
    assert "not a text in UTF-8" in err
