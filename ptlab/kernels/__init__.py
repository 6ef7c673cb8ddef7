"""What real kernels did in the recorded scenarios, and how far the simulator agrees."""

from ptlab.kernels.judge import Difference, Result, replay, verify
from ptlab.kernels.recorded import KERNELS, Step, Trace, recorded

__all__ = ["KERNELS", "Difference", "Result", "Step", "Trace", "recorded", "replay", "verify"]
