"""The picture of an address space says what there is, where it lies, and how full its tables are."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np

from ptlab.base.geometry import PMD_SHIFT
from ptlab.observe import observe
from ptlab.observe.locate import Located
from ptlab.observe.mapped import Mapped
from ptlab.observe.mappings import mappings
from ptlab.observe.pagemap import PRESENT, RUN
from ptlab.observe.picture import address_space
from ptlab.observe.tables import tables

MAPS = """\
40000000-40800000 rw-p 00000000 00:00 0
40800000-40a00000 r--p 00000000 fe:00 7 /lib/<b>.so
7f0000000000-7f0000400000 rw-s 00000000 00:01 9 /dev/shm/x
"""


def drawn(maps=MAPS, runs=((0x40000000, 0x40200000), (0x40800000, 0x40801000)), empty=()):
    found = np.array([(start, end, PRESENT) for start, end in runs], RUN)
    none = np.zeros(0, np.int64)
    mapped = [Mapped(one, found[:0], none) for one in mappings(maps)]
    located = Located(np.array(empty, np.int64), 0, np.zeros(0, np.int64)) if empty else None
    return address_space("A title", mapped, tables(found, np.zeros(len(found), np.int64)), located)


def test_a_hole_of_more_than_a_gib_divides_it_and_each_part_is_told_in_words():
    text = "".join(ElementTree.fromstring(drawn()).itertext())
    assert "from 0x40000000: 10 MiB, 2 PTE pages with an entry" in text
    assert "from 0x7f0000000000: 4 MiB, 0 PTE pages with an entry" in text
    assert "/lib/<b>.so (file)" in text
    assert "ring" not in text


def test_a_full_table_has_the_tallest_bar_and_a_located_one_a_ring():
    shown = drawn(empty=(0x40400000 >> PMD_SHIFT,))
    bars = re.findall(r'height="([\d.]+)" fill="currentColor"', shown)
    assert sorted(map(float, bars)) == [1, 24]
    assert shown.count("<circle") == 1
    assert "A ring: a PTE page without an entry" in shown


def test_of_many_parts_those_with_the_most_tables_are_shown():
    many = "".join(
        f"{n << 32:x}-{(n << 32) + 0x1000:x} rw-p 00000000 00:00 0\n" for n in range(1, 10)
    )
    shown = drawn(many, [(9 << 32, (9 << 32) + 4096)])
    assert "3 more parts with fewer PTE pages are not shown" in shown
    assert f"from {9 << 32:#x}" in shown


def test_in_a_notebook_the_picture_the_tree_and_all_mappings_are_there(child):
    seen = observe(child.pid)
    shown = seen.html()
    assert f"The address space of process {child.pid}" in shown
    assert f"All {len(seen.mappings)} mappings" in shown
    assert "ptlab-drawn" in shown
    assert "ptlab-drawn" not in seen.html(tree=False)
