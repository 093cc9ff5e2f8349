"""Guided walkthroughs over the training site: lessons, their judge, and their results.

A lesson (`lesson.py`, read by `lesson_file.py`) is judged by facts that any right way brings about,
never by key presses. Open `judge.py` first, then `coach.py`, which a console or a command has.
"""
