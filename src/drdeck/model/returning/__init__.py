"""The way back of a domain as a checklist: what is open, done by whom, and what drdeck looked at.

Pure: it reads a domain and says a list; the sites bring the facts, commands and console print it.
Begin with `checklist`.
"""
