"""The code beside a step: the kernel path that is at work, not what ptlab runs around it."""

import ptlab

TEXT = "mmap s0 2M\ntouch w s0 8K\nmadvise DONTNEED s0 2M"


def test_a_path_has_neither_the_run_around_it_nor_the_taking_of_a_lock():
    payload = ptlab.story(TEXT, scheme="pte_refcount").payload()
    paths = [[payload["functions"][f] for f, _ in path] for path in payload["calls"] if path]
    assert len(paths) > 20
    for path in paths:
        assert not any(one["file"].startswith("ptlab/process/") for one in path)
        assert path[-1]["kernel"] or not path[-1]["file"].startswith("ptlab/state/")


def test_each_path_is_there_once():
    calls = [str(path) for path in ptlab.story(TEXT).payload()["calls"]]
    assert len(calls) == len(set(calls))
