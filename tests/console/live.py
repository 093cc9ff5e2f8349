"""The console over a fake client in a terminal of its own; SIGUSR1 changes one VM."""

from __future__ import annotations

import asyncio
import signal

from drdeck.console.app import DrdeckApp
from drdeck.model.domains import Mode
from drdeck.settings import ConsoleSettings
from tests.console.fake import NOW, FakeClient, changed, domain, vm


class Live(DrdeckApp):
    """Takes its news from a signal."""

    client_double: FakeClient

    def on_ready(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.change)

    def change(self) -> None:
        first, *others = self.client_double.domains
        vms = list(first.vms)
        vms[2] = changed(vms[2], progress=(vms[2].progress or 0) + 1, status="rehydrating")
        self.client_double.tell(changed(first, vms=tuple(vms)), *others)


def main() -> None:
    double = FakeClient(
        domain(vms=tuple(vm(f"erp-app{i:02}") for i in range(14))),
        domain("web-tier", Mode.IMPORTED, consistent_at=None),
        domain("intranet", Mode.RUNNING_IN_FAILOVER),
    )
    Live.client_double = double
    Live(double.attach, ConsoleSettings(), real_now=lambda: NOW).run(mouse=False)


if __name__ == "__main__":
    main()
