"""The help of the commands: examples, exit codes, and man pages made from click's own description.

Nothing here runs a command or knows a site: it reads what the commands say of themselves.
Begin with `help_command`.
"""
