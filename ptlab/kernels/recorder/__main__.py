"""Serve: a forked process for each scenario of stdin."""

import gc
import json
import os
import sys

from . import pool
from .play import ANYWHERE, Recorder, write_line

gc.disable()
# A page new to memory waits in a list of its CPU, where MADV_PAGEOUT on another CPU cannot take it.
cpus = sorted(os.sched_getaffinity(0))
os.sched_setaffinity(0, {cpus[os.getpid() % len(cpus)]})
if len(sys.argv) > 1:  # a scenario has come here by exec
    with open(int(sys.argv[1])) as file:
        task = json.load(file)
    recorder = Recorder(
        [tuple(span) for span in task["watch"]], task["directory"], set(task["calls"])
    )
    recorder.go_on(task["text"], task["who"], task["ops"])
    if task["drift"]:
        write_line({"drift_kb": recorder.drift()})
    sys.exit()
for line in sys.stdin:
    scenario = json.loads(line)
    every = [call for op in scenario["ops"] for call in op["calls"]]
    sizes = {call[1] for call in every if call[0] == "hugepages"}
    with pool.restored(sizes, {call[1] for call in every if call[0] == "set_thp"}):
        child = os.fork()
        if not child:
            calls = {call[0] for call in every}
            if scenario["anywhere"]:
                calls.add(ANYWHERE)
            recorder = Recorder(scenario["watch"], scenario["directory"], calls)
            recorder.play(scenario["ops"])
            write_line({"drift_kb": recorder.drift()})
            os._exit(0)
        _, status = os.waitpid(child, 0)
    if status:
        write_line({"status": status})
