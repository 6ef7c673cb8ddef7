"""Serve: a forked process for each scenario of stdin."""

import gc
import json
import os
import sys

from .play import Recorder, write_line

gc.disable()
# A page new to memory waits in a list of its CPU, where MADV_PAGEOUT on another CPU cannot take it.
cpus = sorted(os.sched_getaffinity(0))
os.sched_setaffinity(0, {cpus[os.getpid() % len(cpus)]})
for line in sys.stdin:
    child = os.fork()
    if not child:
        scenario = json.loads(line)
        forks = any(op["calls"][:1] and op["calls"][0][0] == "fork" for op in scenario["ops"])
        recorder = Recorder(scenario["watch"], scenario["directory"], forks)
        recorder.play(scenario["ops"])
        write_line({"drift_kb": recorder.drift()})
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        write_line({"status": status})
