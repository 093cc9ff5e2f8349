"""Commands that answer one question: networks, words, matching domains, what an act would do.

They change nothing, on no site. Lists of domains, tasks and snapshots are in `cli.read_commands`.
Begin with `networks_command`.
"""
