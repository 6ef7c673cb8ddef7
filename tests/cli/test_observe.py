"""`ptlab observe`: one object, or the reason why not."""

import json
import os
import sys

import pytest

from ptlab.observe.every_process import SharedFile, Summary
from tests.support.command import ptlab


def test_observe_prints_one_object_or_says_why_not(capsys):
    if sys.platform != "linux":
        pytest.skip("only Linux can be looked at")
    status, out, _ = ptlab(capsys, "observe", str(os.getpid()), "--json")
    seen = json.loads(out)
    assert status == 0
    assert seen["vmpte_kb"] // 4 >= sum(seen[kind] for kind in ("pud", "pmd", "pte", "deposited"))
    status, out, err = ptlab(capsys, "observe", "4194999")  # above the largest number of a process
    assert (status, out) == (2, "")
    assert "process 4194999: there is none" in err
    assert ptlab(capsys, "observe", "7", "--all")[0] == 2


def test_a_long_name_of_a_shared_file_fits_into_80_columns(capsys, monkeypatch):
    if sys.platform != "linux":
        pytest.skip("only Linux can be looked at")
    mine, file = [Summary(1, "x", 0, None)], f"/usr/lib/{'long/' * 20}library.so.1"
    monkeypatch.setattr("ptlab.cli.observe.every_process", lambda: mine)
    monkeypatch.setattr(
        "ptlab.cli.observe.shared_files", lambda _: [SharedFile(file, 2, 900, 0, 0)]
    )
    status, out, err = ptlab(capsys, "observe", "--all")
    assert (status, err) == (0, "")
    assert "library.so.1" in out
