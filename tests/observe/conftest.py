"""The process that is looked at."""

from tests.support.running import can_observe, child

__all__ = ["can_observe", "child"]
