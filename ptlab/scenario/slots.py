"""The slots of the scenario language: `s0`, `s1`, ... are addresses far apart."""

from __future__ import annotations

SLOT_BASE = 0x100000000000
"""The address of slot 0: 16 TiB, which a 4-level kernel reaches through PGD entry 32."""

SLOT_SIZE = 512 << 30
"""What one PGD entry of a 4-level tree spans, so that no two slots share a PUD page."""

SLOTS = 120

TOP = SLOT_BASE + SLOTS * SLOT_SIZE
"""`top`: where the kernel begins to look for room, downwards, when it chooses an address."""
