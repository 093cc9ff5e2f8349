"""drdeck with a mistake in it, at the worst place: run as a module in place of drdeck.

DRDECK_TEST_MISTAKE says where: "login" (each login, with the password in the frame), "controller" (the
controller's own loop, once the site was seen), "console" (when a typed password is handed over).
"""

from __future__ import annotations

import os
from typing import Any

from drdeck.__main__ import main
from drdeck.controller.ipc.client_calls import ClientCalls
from drdeck.controller.operation_loop import OperationLoop
from drdeck.sites.vsphere.vcenter.connection import Credentials


def break_login() -> None:
    def log_in(self: Credentials, manager: Any) -> None:
        source = self._source
        password = source() if callable(source) else source
        manager.Login(self.username, str(password), "en")
        raise RuntimeError("a mistake in drdeck")

    Credentials.log_in = log_in  # type: ignore[method-assign]


def break_controller() -> None:
    async def run(self: OperationLoop) -> None:
        while self.watcher.error is not None:
            await self._kick.wait()
            self._kick.clear()
        raise RuntimeError("a mistake in drdeck")

    OperationLoop.run = run  # type: ignore[method-assign]


def break_console() -> None:
    async def secret(self: ClientCalls, password: str, of: str = "") -> None:
        plain = str.__str__(password)
        raise RuntimeError(f"a mistake in drdeck with {len(plain)} characters")

    ClientCalls.secret = secret  # type: ignore[method-assign]


if __name__ == "__main__":
    {"login": break_login, "controller": break_controller, "console": break_console}[
        os.environ["DRDECK_TEST_MISTAKE"]
    ]()
    main()
