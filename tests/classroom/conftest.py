"""What the tests of the classroom share."""

import pytest

from ptlab.classroom import box_process
from ptlab.classroom.grader_fault import Usage


@pytest.fixture(scope="session", autouse=True)
def enough_processors():
    """A machine that has much else to do is no fault of it here: test_grader_fault.py has its tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(box_process, "usage", lambda pid: Usage(0, 0))
        yield
