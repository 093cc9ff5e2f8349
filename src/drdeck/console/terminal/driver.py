"""The terminal's keys, also from one whose locale is not UTF-8."""

from __future__ import annotations

import os

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from drdeck.terminal_info import size_without_terminal, terminal_size, typed


class Keyboard(LinuxDriver):
    """Textual's driver reads UTF-8 only, and a byte that is none ends the program: it is read as `typed`."""

    def _get_terminal_size(self) -> tuple[int, int]:
        """The terminal's own: Textual's lets COLUMNS and LINES, which no resize changes, go before it."""
        return terminal_size() or size_without_terminal(os.environ)

    def run_input_thread(self) -> None:
        while True:
            try:
                super().run_input_thread()
                return
            except UnicodeDecodeError as error:
                for event in XTermParser().feed(typed(error.object)):
                    self.process_message(event)
