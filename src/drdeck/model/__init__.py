"""The vocabulary and the rules, without input or output: every other room speaks in these words.

A site shows `domains`, an operator asks for `actions`, and a controller gives the site `commands`
and `planned` calls. Open `actions/action_table.py` first: it is the only list of what can be asked for.
"""
