"""The instructor's part: how each question is solved. A wheel does not carry this folder.

A module for each one in `sets/`, under the same name; what a right answer needs is in it. of_questions
finds them, practice writes what a student's install has in their place.
"""
