"""unmap_only: a table goes only where a mapping ends, or collapses."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ptlab import Process
from ptlab.base.steps import Kind
from tests.support.strategies import programs, rows

ENDS_MAPPINGS = ("munmap", "mremap", "endfork", "exit", "the child's exit")


few = settings(max_examples=max(5, settings.default.max_examples // 2))


grains = st.sampled_from(["entry", "table", "range"])


@few
@given(program=programs(), grain=grains)
def test_unmap_only_frees_tables_where_mappings_end_or_collapse(program, grain):
    p = Process("unmap_only", grain=grain)
    rows(p, program)
    journal = p.journal
    for op in journal.operations:
        unhooks = {s.fn for s in journal.steps[op.first : op.last] if s.kind is Kind.UNHOOK}
        if "COLLAPSE" in op.text:
            assert unhooks <= {"pmdp_collapse_flush", "retract_page_tables"}
        elif unhooks:
            assert op.text.startswith(ENDS_MAPPINGS) or op.text.endswith(" over")
            assert all(fn.startswith("free_") for fn in unhooks)
