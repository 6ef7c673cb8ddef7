"""percpu_ref breaks in the ways that are known of it; whatever else breaks is a failure of ours."""

from __future__ import annotations

import pytest

from ptlab.base.geometry import Level
from ptlab.cli import main
from ptlab.race import known_failures
from ptlab.race.broken_locks import HoldsIt
from ptlab.race.broken_rule import Overwrites, Page, Verdict
from ptlab.race.explore import explore
from ptlab.race.known_failures import known_failure
from ptlab.race.scenes import SCENES
from ptlab.schemes import SCHEMES, scheme_class


def test_how_percpu_ref_is_known_to_break() -> None:
    scene = SCENES["try-get-rcu"]
    verdict = explore(scene, scene.under(scheme_class("percpu_ref")), first=True).verdict
    assert verdict is not None and "in its place" in known_failure("percpu_ref", verdict)
    twice = Verdict((HoldsIt("A", "the PMD lock of PMD page 2"),))
    assert "takes again" in known_failure("percpu_ref", twice)
    assert not any(known_failure(other, verdict) for other in SCHEMES if other != "percpu_ref")
    news = Overwrites("A", Page(Level.PTE, 4))
    assert not known_failure("percpu_ref", Verdict((news,)))
    assert not known_failure("percpu_ref", Verdict((*verdict.broken, news)))
    assert not known_failure("percpu_ref", None)


def test_only_a_known_failure_lets_all_designs_pass(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["races", "try-get-rcu", "--scheme", "all", "--first"]) == 0
    assert capsys.readouterr().out.count("known of percpu_ref: free_user_pte() looks") == 1
    monkeypatch.setattr(known_failures, "_KNOWN", {})
    assert main(["races", "try-get-rcu", "--scheme", "all", "--first"]) == 1
    assert "known of" not in capsys.readouterr().out
