"""Calls that consoles and commands make to a controller about failover plans."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from drdeck.model.plans.common_instant import RunPoints
from drdeck.model.plans.plan_check import PlanCheck, PlanSummary
from drdeck.model.plans.run_requests import RunExitRequest, RunPitrRequest, RunRequest
from drdeck.model.plans.run_views import RunView

from . import plan_messages as pm
from .message_base import Message

Change = Literal["pause", "resume", "leave_out", "begin", "release", "take_over"]
Make = Callable[[int], Message]


class PlanClient:
    """A console's end of what is asked about plans and runs.

    `send` for questions, `request` for what changes something. Every method raises ControllerError.
    """

    def __init__(
        self, send: Callable[[Make], Awaitable[Message]], request: Callable[[Make], Awaitable[Message]]
    ):
        self._send, self._request = send, request

    async def plans(self) -> tuple[PlanSummary, ...]:
        answer = await self._send(lambda i: pm.PlanAsk(id=i, what="list"))
        assert isinstance(answer, pm.PlansAnswer)
        return answer.plans

    async def check(self, request: RunRequest) -> PlanCheck:
        answer = await self._send(lambda i: pm.PlanAsk(id=i, what="check", request=request))
        assert isinstance(answer, pm.PlanCheckAnswer)
        return answer.check

    async def status(self, run: str) -> RunView:
        answer = await self._send(lambda i: pm.PlanAsk(id=i, what="status", run=run))
        assert isinstance(answer, pm.RunStatusAnswer)
        return answer.run

    async def points(self, run: str) -> RunPoints:
        answer = await self._send(lambda i: pm.PlanAsk(id=i, what="points", run=run))
        assert isinstance(answer, pm.RunPointsAnswer)
        return answer.points

    async def instant(self, request: RunPitrRequest) -> pm.CommonInstantAnswer:
        answer = await self._send(lambda i: pm.PlanAsk(id=i, what="instant", pitr=request))
        assert isinstance(answer, pm.CommonInstantAnswer)
        return answer

    async def exits(self, request: RunExitRequest) -> pm.RunExitsAnswer:
        answer = await self._send(lambda i: pm.PlanAsk(id=i, what="exits", exit=request))
        assert isinstance(answer, pm.RunExitsAnswer)
        return answer

    async def begin(self, request: RunRequest) -> str:
        """Begin a run; its id, once it is journaled. Raises Unanswered when the controller went away."""
        answer = await self._request(lambda i: pm.PlanRun(id=i, request=request))
        assert isinstance(answer, pm.RunBegun)
        return answer.run

    async def change(
        self,
        run: str,
        change: Change,
        domain: str | None = None,
        confirm: str | None = None,
    ) -> RunView:
        answer = await self._request(
            lambda i: pm.RunChange(id=i, run=run, change=change, domain=domain, confirm=confirm)
        )
        assert isinstance(answer, pm.RunStatusAnswer)
        return answer.run

    async def answer_all(self, run: str, kind: str, choice: str) -> pm.OperationsAnswer:
        answer = await self._request(lambda i: pm.RunAnswerAll(id=i, run=run, kind=kind, choice=choice))
        assert isinstance(answer, pm.OperationsAnswer)
        return answer

    async def roll_back(self, request: RunPitrRequest) -> pm.OperationsAnswer:
        answer = await self._request(lambda i: pm.RunPitr(id=i, request=request))
        assert isinstance(answer, pm.OperationsAnswer)
        return answer

    async def leave_sessions(self, request: RunExitRequest) -> pm.OperationsAnswer:
        answer = await self._request(lambda i: pm.RunExit(id=i, request=request))
        assert isinstance(answer, pm.OperationsAnswer)
        return answer
