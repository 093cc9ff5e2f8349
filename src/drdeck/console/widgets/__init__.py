"""Widgets, each grouped by the thing that it shows.

They ask neither app nor controller for anything: they are given values, and post messages.
Begin with `text_lines`, the base of all that is drawn, and `row_list`, the base of lists.
"""
