"""What is loaded, and when: nobody waits for what was not asked for."""

import ast
import subprocess
import sys
from pathlib import Path

import ptlab

ROOT = Path(ptlab.__file__)


def loaded_after(program: str) -> set[str]:
    """The packages and the files of ptlab that a Python has loaded after `program`."""
    asked = f"{program}\nimport sys\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_every_name_is_where_the_types_say_that_it_is():
    (typed,) = [node for node in ast.parse(ROOT.read_text()).body if isinstance(node, ast.If)]
    found = {node.module: " ".join(name.name for name in node.names) for node in typed.body}
    assert found == ptlab._MODULES
    assert {name for name in ptlab.__all__ if not hasattr(ptlab, name)} == set()
    assert set(ptlab.__all__) == set(ptlab._WHERE) <= set(dir(ptlab))


def test_a_name_that_there_is_not_is_an_attribute_error():
    assert not hasattr(ptlab, "storry")


def test_the_help_loads_no_numpy_and_no_command():
    seen = loaded_after("from ptlab.cli import main\nassert main([]) == 2")
    assert not seen & {"numpy", "rich", "ptlab.cli.run", "ptlab.base.steps"}


def test_a_process_loads_nothing_that_draws_or_races_and_a_function_keeps_its_name():
    seen = loaded_after(
        "import ptlab\nptlab.Process().mmap(4096)\n"
        "import sys\nassert not {'rich', 'graphviz', 'ptlab.race'} & set(sys.modules)\n"
        "import ptlab.story.timeline, ptlab.race.scheduler, ptlab.observe.tables\n"
        "assert all(map(callable, (ptlab.story, ptlab.race, ptlab.observe)))"
    )
    assert {"ptlab.process.process", "ptlab.story.timeline"} <= seen


INSIDE = ("ptlab.kernels.recorder.", "ptlab.classroom.", "ptlab.__main__")
"""What is imported if somebody above asks for it; else by a recorder or a grader alone."""
LACKS = ("resource", "fcntl", "termios", "pwd", "grp", "pty", "tty")
EVERY = """
import sys
sys.modules.update(dict.fromkeys({lacks}))
from importlib import import_module
from pkgutil import walk_packages
import ptlab
for module in walk_packages(ptlab.__path__, "ptlab."):
    if not module.name.startswith({inside}):
        import_module(module.name)
"""


def test_every_module_is_imported_where_windows_and_a_browser_lack_others():
    assert "ptlab.course.guess" in loaded_after(EVERY.format(lacks=LACKS, inside=INSIDE))
