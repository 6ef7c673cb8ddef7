"""The site: course, docs, problem sets, races and API as pages without Python or network.

`make site` writes build/site/index.html. Read `build.py` first (what is put where), then `executed.py`
(a notebook is run once for each state of the engine), `frames.py` (what all pictures share is loaded
once), `races.py` and `api.py` (the pages that are made from code), `conf.py` (Sphinx), `check.py` (the
whole site in Chromium). The second door is `lite.py`, a JupyterLite.
"""
