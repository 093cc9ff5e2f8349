"""The command line: every act of the console, for scripts, screen readers and dumb terminals.

Data goes to stdout, all else to stderr; only `exit_codes` knows the exit codes. Begin with `root`,
the commands, and `context`, their way to a controller; `json_shapes` has the objects of --json.
"""
