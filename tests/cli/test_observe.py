"""`ptlab observe`: one object, or the reason why not."""

import json
import os
import sys

import pytest

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
