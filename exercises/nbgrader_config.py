"""nbgrader for ptlab's problem sets: who judges, what a student's copy has in place of a solution."""

try:
    from ptlab.classroom.collecting import Names, Notebooks
    from ptlab.classroom.grading import AUTOGRADE, SANITIZE
    from ptlab.classroom.reader import Reader
except Exception as error:  # nbgrader would go on without this file, and run notebooks unprotected
    raise SystemExit(f"Nothing was done, because ptlab cannot be loaded: {error!r}") from None

c = get_config()  # noqa: F821 (nbgrader defines it)

c.CourseDirectory.course_id = "ptlab"

# The student's kernel hands in answers; another process grades them (ptlab/classroom/grading.py).
c.Autograde.sanitize_preprocessors = SANITIZE
c.Autograde.autograde_preprocessors = AUTOGRADE
c.Autograde.exporter_class = Reader

# Functions and classes are judged on problems that come from a secret. Nobody else may read its file;
# "-" asks for it on the terminal instead.
c.HandIn.secret_file = "~/ptlab-secret"

# Seconds for one cell. An endless loop is stopped, and the cells after it still run.
c.Execute.timeout = 60

# What is wrong with one file of Canvas's or Moodle's archive stops no other (classroom/collecting.py).
c.ZipCollectApp.extractor_plugin = Notebooks
c.ZipCollectApp.collector_plugin = Names

# zip_collect: "amy7-ps1.ipynb", after whatever Canvas or Moodle has put before it, and Canvas's "-2".
c.FileNameCollectorPlugin.named_regexp = (
    r"(?:.*[_/])?(?P<student_id>[^_/.*?\[\]][^_/*?\[\]]*?)-(?P<file_id>ps\d)(?:-\d+)?\.ipynb$"
)

# Check cells that a student has deleted come back (ptlab/classroom/grading.py says where).
c.OverwriteCells.add_missing_cells = True

c.ClearSolutions.code_stub = {"python": "answer = None  # your answer in place of None"}
c.ClearSolutions.text_stub = "Your answer."
