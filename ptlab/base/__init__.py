"""The ground: words, numbers and records that everything above is made of. No state, no kernel path.

Read geometry (levels, spans, indices), pte (the 64 bits of an entry), tables (one page-table page
or a run of them), steps (what happened between two points where another CPU could run), store (the
one place that writes simulated state). Then, as you need them: call_path (which functions are the
kernel's), errors, kernel_versions (what differs between Linux versions, as data), precautions and
footprint (what keeps concurrent tasks apart, and what each of them used).

The one idea: a fact is written once, with a type. A Step says what happened; nobody here says it
in English.

It may know nothing of processes, tables in memory, or pictures: it imports only Python and numpy.
"""
