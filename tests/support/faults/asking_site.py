"""A site with one act of which nobody but a person can tell whether it happened."""

from __future__ import annotations

from pathlib import Path

from drdeck.model import commands as c
from drdeck.model.domains import Mode, ProtectedSite
from drdeck.model.planned import Phase, PlannedCall
from drdeck.sites.contract import ResultUnknown, SiteUnreachable
from tests.support.fakesite import FakeSite

BURN = PlannedCall(key="burn", kind="burn", after_loss="ask", says="burn the bridge")
CROSS = PlannedCall(key="cross", kind="step", after_loss="repeat", choices=("retry",), says="go on")


class AskingSite(FakeSite):
    """After a completion began the bridge is to be burnt; what it shows afterwards is the same.

    The first answers are lost as `answers` has them: "lost" after it was done, "unreachable" before it
    could be; then they come. Each burning is a line in `file`.
    """

    def __init__(self, file: Path, answers: tuple[str, ...] = ("lost",)) -> None:
        super().__init__()
        self.file, self.answers = file, list(answers)
        self.protected = ProtectedSite(state="lost")

    async def execute(self, command: c.AnyCommand, begun: object = None) -> str:
        if not isinstance(command, c.MakePlannedCall):
            await super().execute(command)
            if isinstance(command, c.BeginCompletion):
                phase = Phase(operation=command.operation, name="Burn", calls=(BURN,), then=CROSS)
                self.set(phase=phase)
                await self.news()
            return ""
        if command.call.kind == "step":
            self.set(phase=None, vms_recovered=2)
            await self.news()
            return ""
        answer = self.answers.pop(0) if self.answers else ""
        if answer == "unreachable":
            raise SiteUnreachable("the bridge is out of reach")
        with self.file.open("a") as file:
            file.write("burnt\n")
        if answer == "lost":
            raise ResultUnknown("the answer was lost")
        return ""

    def burnt(self) -> int:
        return len(self.file.read_text().splitlines()) if self.file.exists() else 0

    @property
    def ended(self) -> bool:
        return self.domain.mode is Mode.RUNNING_IN_FAILOVER
