"""The terminal's keys, also from one whose locale is not UTF-8."""

from __future__ import annotations

import asyncio
import os
import select
import signal

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from drdeck.terminal_info import size_without_terminal, terminal_size, typed


class Keyboard(LinuxDriver):
    """Textual's driver reads UTF-8 only, and a byte that is none ends the program: it is read as `typed`."""

    def _get_terminal_size(self) -> tuple[int, int]:
        """The terminal's own: Textual's lets COLUMNS and LINES, which no resize changes, go before it."""
        return terminal_size() or size_without_terminal(os.environ)

    def start_application_mode(self) -> None:
        """Take the terminal; a signal to end gives it back, but for one that is ignored, as by nohup."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._app.exit, None, 128 + number)
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def hung_up(self) -> bool:
        """True when the terminal has gone, also where no signal says so."""
        poller = select.poll()
        poller.register(self.fileno, 0)  # what is always told: errors and the end
        return bool(poller.poll(0))

    def run_input_thread(self) -> None:
        while True:
            try:
                super().run_input_thread()
                return
            except UnicodeDecodeError as error:
                for event in XTermParser().feed(typed(error.object)):
                    self.process_message(event)
