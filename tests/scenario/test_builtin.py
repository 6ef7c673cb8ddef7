"""The scenarios that come with ptlab: found by name, and modelled to their end."""

import pytest

from ptlab import scenario
from ptlab.scenario.builtin import UnknownScenario, builtin


def test_a_built_in_scenario_is_found_by_name():
    assert scenario.find("B01_dontneed_2M").group == "B DONTNEED"
    assert scenario.find("cover-letter").ops[1].text == "cover s0 50G"
    with pytest.raises(UnknownScenario, match="did you mean B01_dontneed_2M"):
        scenario.find("B01_dontned_2M")
    with pytest.raises(UnknownScenario, match="did you mean B01_dontneed_2M"):
        scenario.find("b01")


def test_every_teaching_scenario_is_modelled_to_its_end():
    for each in builtin().values():
        if each.group == "teaching" and each.name != "cover-letter":
            rows = scenario.run(each)
            assert {op.text for op in each.ops} <= {row["op"] for row in rows}
            assert not any("unsupported" in row for row in rows)
            assert rows[-1]["pte_kb"] == 0
