"""The help of the commands: examples, exit codes, and man pages made from click's own description."""
