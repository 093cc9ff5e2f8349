"""Dialogs: each asks one thing and answers with what was chosen, or None for Cancel.

They ask the controller only through the callables that they are given.
Begin with `dialog`, the base of all; `confirmation` has the most used ones.
"""
