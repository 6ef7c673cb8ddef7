"""Sphinx, for `make site`: it works offline and makes pages that ask nobody for anything."""

from docs.site.api import as_rst

project = "ptlab"
author = "The ptlab authors"
extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["**/.ipynb_checkpoints"]

nb_execution_mode = "off"  # build.py has run them
nb_ipywidgets_js = {}
nb_merge_streams = True
myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 4

autodoc_typehints = "signature"
autodoc_preserve_defaults = True
default_role = "code"

html_theme = "furo"
html_title = "ptlab"
html_static_path = ["_static"]
html_css_files = ["site.css"]
templates_path = ["_templates"]
html_show_search_summary = False  # it would fetch pages, which a file: address cannot
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False  # LICENSE says whose it is
html_theme_options = {"top_of_page_buttons": []}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


def setup(app):
    """Read ptlab's docstrings, which are plain text, as reStructuredText."""

    def process(app, what, name, thing, options, lines):
        lines[:] = as_rst(lines)

    app.connect("autodoc-process-docstring", process)
