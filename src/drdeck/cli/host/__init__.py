"""Commands about drdeck on this host, whatever its sites do: its controllers, what is installed and where.

Begin with `info_command`, which lists all of it.
"""
