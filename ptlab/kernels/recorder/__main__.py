"""Serve: a forked process for each scenario of stdin."""

import gc
import json
import os
import sys

from .play import ANYWHERE, Recorder, write_line

gc.disable()
# A page new to memory waits in a list of its CPU, where MADV_PAGEOUT on another CPU cannot take it.
cpus = sorted(os.sched_getaffinity(0))
os.sched_setaffinity(0, {cpus[os.getpid() % len(cpus)]})
for line in sys.stdin:
    child = os.fork()
    if not child:
        scenario = json.loads(line)
        calls = {call[0] for op in scenario["ops"] for call in op["calls"]}
        if scenario["anywhere"]:
            calls.add(ANYWHERE)
        recorder = Recorder(scenario["watch"], scenario["directory"], calls)
        recorder.play(scenario["ops"])
        write_line({"drift_kb": recorder.drift()})
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        write_line({"status": status})
