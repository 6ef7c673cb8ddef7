"""What the tests share: how hard hypothesis tries, and the recorder of this machine's kernel.

Hypothesis makes the same programs each time; new ones with HYPOTHESIS_PROFILE=thorough.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

from ptlab.kernels.live import NoKernel, Recorder, modelled_kernel

_common = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
settings.register_profile("quick", max_examples=100, derandomize=True, **_common)
settings.register_profile("thorough", max_examples=1500, **_common)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(scope="module")
def recorder():
    """Runs programs on this machine's kernel; where it cannot, the test is skipped."""
    try:
        with Recorder() as recorder:
            yield recorder
    except NoKernel as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def here(recorder):
    """The recorder and what it runs on, which the simulator has to know."""
    try:
        return recorder, modelled_kernel(recorder)
    except NoKernel as reason:
        pytest.skip(str(reason))
