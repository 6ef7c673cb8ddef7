"""Real kernels as the judge: what they did, what the kernel here does, and where ptlab differs.

Read recorded (the recordings that ptlab carries, in data/), judge (compares them with the simulator
field by field), live and recorder/ (the kernel of this machine plays a scenario), random_programs
and fuzz (look for a program on which the two differ).

The one idea: if the simulator and a kernel differ, the simulator is wrong, or a page says what it
leaves out.

recorder/ is a program of its own that imports nothing of ptlab: it must not disturb what it measures.
"""

from ptlab.kernels.judge import Difference, Result, replay, verify
from ptlab.kernels.recorded import KERNELS, Step, Trace, recorded

__all__ = ["KERNELS", "Difference", "Result", "Step", "Trace", "recorded", "replay", "verify"]
