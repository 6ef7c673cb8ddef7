"""The classroom: questions with a problem for each student, and checks that explain.

>>> from ptlab import classroom
>>> classroom.student("amy7")
These are the problems of amy7.
>>> classroom.check("walk-1", None).full
False

Read ask (a question is asked, an answer is checked), question (what a question is) and wording (its
words, in a file of their own), table_question, schedule_question, function_question and
scheme_question (the kinds of answer), sets/ (the questions themselves), solution and solutions/ (how
they are solved: an instructor's install has it, a student's has practice/), seeds (the problem of each
student). An answer that is code runs in sandbox. A scheme's class runs there on the stand-ins of
remote_engine, and remote_scheme does here what it wants done; scheme_judge judges it. report is what a
student reads; grading, submissions, gradebook and summary are for the teacher, and so is bank, which
hands questions to a learning platform. in_this_process is for practice where there are no processes.

What is a student's runs in a box (box; box_ways says how, confine shuts it in): an answer by sandbox,
a notebook by notebook_run. system_calls says which calls a box refuses. reader and set_cells take a
submission in, safe_html shows it, secret has the secret.

The one idea: right answers come from the engine, and so do the wrong ones: a mistaken idea is run,
so that the check can name it.

It uses all floors beneath it. None of them knows that there are students.
"""

from ptlab.classroom.ask import Asked, ask, check
from ptlab.classroom.question import Question
from ptlab.classroom.report import Finding, Report
from ptlab.classroom.seeds import practice, student
from ptlab.classroom.sets import find, questions

__all__ = [
    "Asked",
    "Finding",
    "Question",
    "Report",
    "ask",
    "check",
    "find",
    "practice",
    "questions",
    "student",
]
