"""Dialogs: each asks one thing and answers with what was chosen, or None for Cancel."""
