"""The contention model: the mail's table, and which design wins where."""

from dataclasses import replace

import pytest

from ptlab import SCHEMES
from ptlab.costs.contention import (
    MAIL,
    Constants,
    change,
    curves,
    fit,
    mail_table,
    rate,
    ratio_from_which_rwsem_loses,
    response,
    sensitivity,
)
from ptlab.costs.long_walks import tables_from_which_rwsem_wins, walk_cost


def test_the_defaults_are_what_the_fit_gives():
    told, fitted = Constants(), fit()
    for name in ("hand_over", "fault", "zap"):
        assert getattr(told, name) == pytest.approx(getattr(fitted, name), rel=0.001)


def test_the_kernel_before_the_series_is_met_at_all_three_points():
    for cpus, (before, _) in MAIL.items():
        assert rate("unmap_only", cpus) == pytest.approx(before, rel=0.01)


def test_the_mails_table_comes_out_in_sign_and_order_of_magnitude():
    rows = mail_table()
    assert [row.cpus for row in rows] == [1, 8, 16]
    for row in rows:
        assert row.measured < 0 and row.predicted < 0
        assert 1 / 3 < row.predicted / row.measured < 3


@pytest.mark.parametrize("by", [0.5, 2.0])
@pytest.mark.parametrize("constant", ["local_atomic", "table", "hand_over", "fault", "zap"])
def test_sign_and_size_do_not_hang_on_one_constant(constant, by):
    constants = replace(Constants(), **{constant: getattr(Constants(), constant) * by})
    for row in mail_table(constants):
        assert -3 < row.predicted < -0.1


def test_the_mail_rounds_its_own_numbers_differently():
    before, after = MAIL[8]
    assert round(100 * (after / before - 1), 2) == -1.07  # printed in the mail: -1.17


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("cpus", [1, 2, 16, 64])
def test_no_design_is_faster_than_doing_nothing(scheme, cpus):
    assert change(scheme, cpus) <= 1e-9


def test_two_atomics_where_all_meet_cost_more_than_three_where_nobody_does():
    assert change("pt_rwsem", 1) > change("pte_refcount", 1)
    for cpus in (2, 4, 8, 16):
        assert change("pt_rwsem", cpus) < change("pte_refcount", cpus)


def test_the_rwsem_wins_only_in_long_walks_that_free_nothing_and_the_longer_the_more_cpus():
    lengths = [tables_from_which_rwsem_wins("FREE", cpus) for cpus in (1, 2, 4, 8, 16)]
    assert lengths == sorted(lengths) and lengths[1] > lengths[0] > 1
    for cpus, tables in zip((2, 8), (lengths[1], lengths[3]), strict=True):
        rwsem, counts = (
            [walk_cost(scheme, "FREE", n, cpus) for n in (tables - 1, tables)]
            for scheme in ("pt_rwsem", "pte_refcount")
        )
        assert rwsem[0] >= counts[0] and rwsem[1] < counts[1]


@pytest.mark.parametrize("cpus", [1, 8])
def test_a_zap_never_pays_for_the_rwsem_because_it_reads_every_entry(cpus):
    assert tables_from_which_rwsem_wins("DONTNEED", cpus) is None
    scan_free = replace(Constants(), scanned_entry=0.0)
    assert tables_from_which_rwsem_wins("DONTNEED", cpus, scan_free) is not None


def test_it_is_the_ratio_of_hand_over_and_local_atomic_that_decides():
    assert ratio_from_which_rwsem_loses(1) is None
    ratio = ratio_from_which_rwsem_loses(2)
    assert 1 < ratio < 3
    for local in (3.2, 9.8):
        near, far = (
            replace(Constants(), local_atomic=local, hand_over=local * ratio * by)
            for by in (0.8, 1.2)
        )
        assert change("pt_rwsem", 2, near) > change("pte_refcount", 2, near)
        assert change("pt_rwsem", 2, far) < change("pte_refcount", 2, far)


def test_a_line_serves_one_cpu_at_a_time():
    c = Constants()
    crowded = response(0.0, {"line": 1.0}, 32, c)
    assert crowded == pytest.approx(32 * (c.local_atomic + 31 * c.hand_over) / 32)
    assert response(1e9, {"line": 1.0}, 32, c) == pytest.approx(1e9, rel=1e-6)


def test_waiting_for_a_grace_period_in_every_zap_is_ruinous():
    assert change("percpu_ref", 1) < -90


def test_curves_and_sensitivity_cover_what_they_say():
    chart = curves(["pte_refcount", "pt_rwsem"], most=16)
    assert [s.name for s in chart.series] == ["pte_refcount", "pt_rwsem"]
    assert [x for x, _ in chart.series[0].points] == [1, 2, 3, 4, 6, 8, 12, 16]
    assert "<title>multi-fault against unmap_only</title>" in chart.svg()
    bounds = {bound.constant: bound for bound in sensitivity("pte_refcount", 8)}
    assert bounds["local_atomic"].doubled < bounds["local_atomic"].halved
    assert bounds["grace_period"].doubled == bounds["grace_period"].halved


def test_bad_questions_are_refused():
    with pytest.raises(ValueError, match="cpus must be 1 or more"):
        rate("unmap_only", 0)
    with pytest.raises(ValueError, match="unknown walk 'zap'"):
        walk_cost("pt_rwsem", "zap", 1, 1)


def test_the_docstring_says_how_well_it_fits():
    rows = {row.cpus: row for row in mail_table()}
    assert [round(row.predicted, 2) for row in rows.values()] == [-0.65, -0.41, -0.26]
    for cpus in (1, 16):
        assert abs(rows[cpus].predicted - rows[cpus].measured) < 0.11
    assert rows[8].measured / rows[8].predicted == pytest.approx(2.6, abs=0.05)
    bounds = [value for bound in sensitivity("pte_refcount", 8) for value in bound[1:]]
    assert (round(min(bounds), 2), round(max(bounds), 2)) == (-0.65, -0.26)
    for eight, one in zip(
        sensitivity("pte_refcount", 8), sensitivity("pte_refcount", 1), strict=True
    ):
        assert all(a > b for a, b in zip(eight[1:], one[1:], strict=True))


@pytest.mark.parametrize("hand_over", [20.0, 45.0, 180.0])
def test_who_is_right_does_not_hang_on_the_hand_over(hand_over):
    constants = replace(Constants(), hand_over=hand_over)
    assert change("pt_rwsem", 1, constants) > change("pte_refcount", 1, constants)
    assert change("pt_rwsem", 8, constants) < change("pte_refcount", 8, constants)
