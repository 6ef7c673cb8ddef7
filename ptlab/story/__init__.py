"""A recorded run: its steps, their sentences, and the payload that the front end plays.

Read story (Story, Comparison, and the functions story and compare), in_step (which steps of two are
shown together), then timeline (one walk through a finished journal that notes at which steps each
table and each number changes). perfetto puts it on a time line for another viewer.

The one idea: a story is run to its end first, then laid out once. A step is a set of marks on that
one picture, so a table that stays does not move.

It reads the journal and state, and uses draw for all words and pictures. It names the widget that
plays it only at the moment when a notebook shows it.
"""
