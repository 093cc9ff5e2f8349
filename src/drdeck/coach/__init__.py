"""Guided walkthroughs over the training site: lessons, their judge, and what came of them."""
