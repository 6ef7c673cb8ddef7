"""How state looks and what a step says: sentences, trees, and line charts.

Read names (what a table or a lock is called), sentences (a step in one sentence), appearance (a
table at one moment). fold groups tables that look alike, tree and dot hand the result to Graphviz,
text_tree prints them in a terminal, theme and chart draw for a notebook.

The one idea: a fact becomes words or a picture here, and nowhere else. What is drawn is a function
of the state at that moment.

It reads an address space and its machine. It knows no Process, and it never changes state.
"""
