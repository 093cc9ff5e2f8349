"""Completion of a command line that is being typed, for bash, zsh and fish.

`script_command.py` is the command that prints a shell's script; that script calls drdeck again with what
was typed, and click answers, with the names and times of `candidates.py`. `bash_line.py` reads and writes
words as bash has them. Only here a controller is asked for something that nobody has ordered yet:
therefore shortly, without starting one, and without a word on the terminal.

Open `candidates.py` first.
"""
