"""The process that is looked at."""

from tests.support.running import child

__all__ = ["child"]
