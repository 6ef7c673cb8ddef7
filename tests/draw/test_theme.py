"""A drawn tree in the colours of JupyterLab's theme."""

import html
import re

from ptlab.draw import theme
from ptlab.draw.palette import KINDS, LEVELS
from ptlab.draw.text_tree import head


def test_a_notebook_gets_the_picture_in_colours_that_follow_its_theme(small):
    drawn = small._repr_html_()
    said = html.escape(head(small.mm))
    assert f'role="img" tabindex="0" aria-label="{said}"' in drawn
    shapes = drawn[drawn.index("<svg") :]
    used = set(re.findall(r'(?:fill|stroke)="(#\w+)"', shapes))
    assert {LEVELS["PTE"].light, KINDS["page"].tone.light} < used <= set(theme.DARK)
    assert " id=" not in shapes and "<title>" not in shapes, "a page may have many of them"
