"""Several tasks at once, and all their schedules.

Read scheduler (runs the tasks in a given order, one segment at a time), sanitizer (notices a use
after free, and what each segment used), rules (what else can break), lock_table and protection (which
lock each write needs), own_state (what a design remembers), dpor, explore and shortest (try every
schedule that may end differently), scenes/ (small races, broken and fixed), all_scenes (one design
through all of them), interactive (you are the scheduler). broken_rule and broken_locks are the verdicts.

The one idea: a kernel path stops at every step, so any interleaving of paths is a schedule, and a
schedule is a line of letters that can be run again.

It uses the same paths and designs as everything else, and adds only what exists with several CPUs.
"""
