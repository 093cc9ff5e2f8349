"""Actions that an operator may ask for: their only list, the rules that close one, how each is confirmed.

`request` is one that was asked for, `action_rules` says when an action is closed, and `confirming` what a
person should read before. Begin with `action_table.py`.
"""
