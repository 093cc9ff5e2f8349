"""The console over a fake client in a terminal of its own. SIGUSR1 changes one VM; SIGUSR2 lets half a
minute pass, in ticks of a second each that come fast. A file tells how many seconds have passed."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

from drdeck.config.settings import ConsoleSettings
from drdeck.console.app import DrdeckApp
from drdeck.model.domains import Mode
from tests.support.console.fake_client import NOW, FakeClient, changed, domain, in_session, vm

AT_ONCE_S = 30


class Live(DrdeckApp):
    """Takes its news and its time from signals."""

    TICK_S = 0.02
    client_double: FakeClient
    passed, due = 0, 0

    def on_ready(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self.change)
        loop.add_signal_handler(signal.SIGUSR2, self.more_time)

    def change(self) -> None:
        first, *others = self.client_double.domains
        vms = list(first.vms)
        vms[2] = changed(vms[2], progress=(vms[2].progress or 0) + 1, status="rehydrating")
        self.client_double.tell(changed(first, vms=tuple(vms)), *others)

    def more_time(self) -> None:
        self.due += AT_ONCE_S

    def _tick(self) -> None:
        if self.passed < self.due:
            self.passed += 1
            super()._tick()
            if self.passed == self.due:
                Path(os.environ["PASSED"]).write_text(str(self.passed))


def main() -> None:
    double = FakeClient(
        domain(vms=tuple(vm(f"erp-app{i:02}") for i in range(14))),
        domain("web-tier", Mode.IMPORTED, consistent_at=None),
        domain("intranet", Mode.RUNNING_IN_FAILOVER),
        *([in_session()] if "SESSION" in os.environ else []),
    )
    Live.client_double = double
    app = Live(
        double.attach,
        ConsoleSettings(),
        real_now=lambda: NOW + timedelta(seconds=app.passed),
        read_only=False,
    )
    app.run(mouse=False)


if __name__ == "__main__":
    main()
