"""How hard hypothesis tries: the same programs each time; new ones with HYPOTHESIS_PROFILE=thorough."""

import os

from hypothesis import HealthCheck, settings

_common = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
settings.register_profile("quick", max_examples=100, derandomize=True, **_common)
settings.register_profile("thorough", max_examples=1500, **_common)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
