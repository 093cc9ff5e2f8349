"""The command line: every act of the console, for scripts, screen readers and dumb terminals."""
