"""A drawn tree in the colours of JupyterLab's theme."""

import html
import re

from ptlab.draw import theme
from ptlab.draw.palette import KINDS, LEVELS


def test_a_notebook_gets_the_picture_in_colours_that_follow_its_theme(small):
    drawn = small._repr_html_()
    head = html.escape("\n".join(str(small).split("\n")[:2]))
    assert f'role="img" tabindex="0" aria-label="{head}"' in drawn
    shapes = drawn[drawn.index("<svg") :]
    used = set(re.findall(r'(?:fill|stroke)="(#\w+)"', shapes))
    assert {LEVELS["PTE"].light, KINDS["page"].tone.light} < used <= set(theme.DARK)
    assert " id=" not in shapes and "<title>" not in shapes, "a page may have many of them"
