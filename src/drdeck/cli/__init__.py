"""The command line: every act of the console, for scripts, screen readers and dumb terminals.

Only this folder prints to stdout and ends with exit codes. Begin with `root`, the commands, and
`context`, their way to a controller; `json_shapes` has the objects of --json.
"""
