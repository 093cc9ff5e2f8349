"""Questions and requests of a client to its controller, each with the type of its answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime

from drdeck.controller.journal.operations import OperationView
from drdeck.model.actions.confirming import Preview, Rehearsal
from drdeck.model.actions.request import Request
from drdeck.model.alarms import Finding
from drdeck.model.passwords import OWN
from drdeck.model.pitr import Points

from . import protocol as p
from .plan_client import PlanClient


class ClientCalls(ABC):
    """Everything that may be asked of a controller, but for `plans`; how it gets there is the client's.

    Each raises ControllerError for a no, and Disconnected where nobody answers.
    """

    def __init__(self) -> None:
        self.plans = PlanClient(self._call, self._request)

    @abstractmethod
    async def _call(self, make: Callable[[int], p.Message]) -> p.FromController:
        """The answer to a message, which is made with its number. Raises ControllerError."""

    @abstractmethod
    async def _request(self, make: Callable[[int], p.Message]) -> p.FromController:
        """The same for what changes something: also raises Unanswered."""

    async def submit(self, request: Request) -> str:
        """Ask for an action; returns the operation's id once it is journaled.

        Raises ControllerError; Unanswered when the controller went away meanwhile.
        """
        answer = await self._request(lambda i: p.Submit(id=i, request=request))
        assert isinstance(answer, p.Submitted)
        return answer.operation

    async def answer(
        self, operation: str, choice: str, vm: str | None = None, confirm: str | None = None
    ) -> None:
        """Answer what an operation asks, or what the site asks of a VM. Raises as `submit` does."""
        await self._request(
            lambda i: p.Answer(id=i, operation=operation, choice=choice, vm=vm, confirm=confirm)
        )

    async def secret(self, password: str, of: str = OWN) -> None:
        """Hand a password over that is wanted. Raises ControllerError for one that cannot be sent."""
        await self._call(lambda i: p.Secret(id=i, password=str.__str__(password), of=of))

    async def stop(self, force: bool = False, pause_s: float = 0.0) -> None:
        """End the controller; with `pause_s`, at an instant at which nothing is under way at the site.

        Raises ControllerError while an operation is open and not `force`, or something stays under way.
        """
        await self._call(lambda i: p.Stop(id=i, force=force, pause_s=pause_s))

    async def get_listing(self) -> p.Listing:
        answer = await self._call(lambda i: p.Ask(id=i, what="listing"))
        assert isinstance(answer, p.ListingAnswer)
        return answer.listing

    async def show(self, domain: str) -> p.ShowAnswer:
        """One domain in full, with the listing around it. Raises ControllerError when unknown."""
        answer = await self._call(lambda i: p.Ask(id=i, what="show", domain=domain))
        assert isinstance(answer, p.ShowAnswer)
        return answer

    async def points(self, domain: str) -> Points:
        answer = await self._call(lambda i: p.Ask(id=i, what="points", domain=domain))
        assert isinstance(answer, p.PointsAnswer)
        return answer.points

    async def vms(self) -> dict[str, tuple[str, ...]]:
        """The names of all VMs, by their domains. Raises ControllerError."""
        answer = await self._call(lambda i: p.Ask(id=i, what="vms"))
        assert isinstance(answer, p.VmsAnswer)
        return answer.vms

    async def preview(self, request: Request) -> Preview:
        """The effect of a request now; looks at the protected site where that matters."""
        answer = await self._call(
            lambda i: p.Ask(id=i, what="preview", domain=request.domain, request=request)
        )
        assert isinstance(answer, p.PreviewAnswer)
        return answer.preview

    async def rehearse(self, request: Request) -> Rehearsal:
        """A request as it would be accepted or refused now; begins nothing."""
        answer = await self._call(
            lambda i: p.Ask(id=i, what="rehearsal", domain=request.domain, request=request)
        )
        assert isinstance(answer, p.RehearsalAnswer)
        return answer.rehearsal

    async def tasks(self) -> tuple[OperationView, ...]:
        answer = await self._call(lambda i: p.Ask(id=i, what="tasks"))
        assert isinstance(answer, p.TasksAnswer)
        return answer.operations

    async def status(self) -> p.Status:
        answer = await self._call(lambda i: p.Ask(id=i, what="status"))
        assert isinstance(answer, p.StatusAnswer)
        return answer.status

    async def findings(self) -> tuple[Finding, ...]:
        answer = await self._call(lambda i: p.Ask(id=i, what="findings"))
        assert isinstance(answer, p.FindingsAnswer)
        return answer.findings

    async def inject(
        self, fault: str, domain: str | None, vms: tuple[str, ...], for_s: float | None, times: int
    ) -> tuple[str, ...]:
        """Throw a fault into a training site; returns what was done. Raises ControllerError."""
        answer = await self._call(
            lambda i: p.Inject(id=i, fault=fault, domain=domain, vms=vms, for_s=for_s, times=times)
        )
        assert isinstance(answer, p.Injected)
        return answer.says

    async def jump(self, seconds: float) -> datetime:
        """Move a training site's clock on; returns its time then. Raises ControllerError."""
        answer = await self._call(lambda i: p.Jump(id=i, seconds=seconds))
        assert isinstance(answer, p.Jumped)
        return answer.now
