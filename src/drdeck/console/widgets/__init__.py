"""Widgets, each grouped by the thing that it shows."""
