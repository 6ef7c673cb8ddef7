"""Five machines cut one address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptlab import Process
from ptlab.course import MACHINES, walks


@pytest.mark.parametrize("machine", MACHINES.values(), ids=lambda machine: machine.name)
def test_the_parts_are_the_address_and_a_table_is_a_page(machine):
    @given(st.integers(0, (1 << machine.user) - 1))
    def whole(address):
        parts = machine.cut(address)
        joined = sum(part.entry << part.low for part in parts) + machine.offset(address)
        assert joined == address
        assert int("".join(part.bits for part in parts), 2) == address >> machine.page

    whole()
    assert all(machine.entry << bits == 1 << machine.page for _, bits in machine.tables)


@pytest.mark.parametrize(("levels", "name"), [(4, "x86-64"), (5, "x86-64, five levels")])
@given(address=st.integers(0, (1 << 47) - 1))
def test_x86_is_cut_as_the_engine_cuts_it(levels, name, address):
    geometry = Process(levels=levels, record=False).machine.geometry
    expected = [(level.name, geometry.index(address, level)) for level in geometry.path]
    assert [(part.table, part.entry) for part in MACHINES[name].cut(address)] == expected


def test_a_machine_without_such_an_address_says_so():
    text = str(walks(1 << 40))
    assert "RISC-V Sv39: 0x10000000000 is no address: a program has 38 bits" in text
    assert "textbook 10|10|12: 0x10000000000 is no address" in walks(1 << 40)._repr_html_()
    with pytest.raises(ValueError, match="no machine here has more than 56 bits"):
        walks(1 << 56)
    with pytest.raises(TypeError, match="must be a whole number"):
        walks("heap")
