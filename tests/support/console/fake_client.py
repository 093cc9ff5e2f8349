"""A client without a controller: says what a test gives it, and keeps what it is asked."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec

from drdeck.controller.ipc.client import Client, ControllerError, Disconnected
from drdeck.controller.ipc.protocol import VERSION, Detail, Listing, ShowAnswer, Status, Welcome
from drdeck.controller.journal.operations import OperationState, OperationView, Question
from drdeck.model.actions.action_table import refusal
from drdeck.model.actions.confirming import Preview, consequences, dangers, tier_of
from drdeck.model.actions.request import Request
from drdeck.model.alarms import Finding
from drdeck.model.domains import (
    Domain,
    FailoverType,
    Mode,
    Networks,
    Owner,
    PitrPolicy,
    ProtectedSite,
    Session,
    SessionState,
    Step,
    StepState,
    Vm,
)
from drdeck.model.passwords import PasswordWanted
from drdeck.model.pitr import Points, RestorePoint
from drdeck.model.views import SiteClock

NOW = datetime(2026, 11, 22, 10, 42, 7, tzinfo=UTC)


def vm(name: str, **more: Any) -> Vm:
    fields: dict[str, Any] = {"status": "recoverable", "power": "off", "restore_points": 3}
    return Vm(id=f"vm-{name}", name=name, newest_point=NOW - timedelta(seconds=4), **{**fields, **more})


def domain(name: str = "erp-prod", mode: Mode = Mode.SYNCHRONISED, **more: Any) -> Domain:
    vms = more.pop("vms", (vm("erp-app01"), vm("erp-db01")))
    local = mode in (Mode.PITR_SESSION, Mode.RUNNING_IN_FAILOVER, Mode.PROTECTED)
    fields: dict[str, Any] = {
        "owner": Owner.LOCAL if local else Owner.REMOTE,
        "owner_address": "vcsa.prod",
        "vms_total": len(vms),
        "vms_recoverable": len(vms),
        "vms_recovered": len(vms) if local else 0,
        "pitr": PitrPolicy(enabled=True, window_s=3 * 86400, interval_s=900),
        "consistent_at": NOW - timedelta(seconds=4),
        "remaining_bytes": 4_100_000_000,
        "processed_bytes": 1_910_000_000_000,
        "storage_site": "array-7",
        "step": Step(number=7, of=15, label="Recover VMs' data from Storage Site", progress=99),
        "networks": Networks(protected=("VM_3510",), recovery=("DRSeg", "VM_3510")),
        "points": 3,
        "oldest_point": NOW - timedelta(hours=2),
        "newest_point": NOW - timedelta(seconds=4),
    }
    return Domain(id=f"id-{name}", name=name, mode=mode, vms=vms, **{**fields, **more})


def in_session(name: str = "files", rollbacks: int = 0, **more: Any) -> Domain:
    """A domain with an active session after a failover."""
    session = Session(
        id="s1",
        state=SessionState.ACTIVE,
        started_at=NOW - timedelta(minutes=12, seconds=31),
        rollbacks=rollbacks,
        rolled_back_to=NOW - timedelta(hours=1) if rollbacks else None,
        after_failover="op-1",
    )
    return domain(name, Mode.PITR_SESSION, **{"session": session, **more})


def steps() -> tuple[Step, ...]:
    labels = ("Prerequisite checks", "Recover VMs' data from Storage Site", "Execute runbook")
    states = (StepState.DONE, StepState.CURRENT, StepState.PENDING)
    return tuple(
        Step(number=i, of=3, label=label, state=state, progress=42 if state is StepState.CURRENT else None)
        for i, (label, state) in enumerate(zip(labels, states, strict=True), 1)
    )


def operation(
    action: str = "cfo_complete", of: str = "erp-prod", question: Question | None = None, **more: Any
) -> OperationView:
    request = Request(action=action, domain=of, type=FailoverType.FORCE if action == "cfo_complete" else None)
    fields: dict[str, Any] = {
        "id": "op-1",
        "actor": "ann@jump1",
        "asked_at": NOW - timedelta(minutes=5),
        "state": OperationState.OPEN if question is None else OperationState.ASKING,
        "waits_for": "the PITR session to be exited",
        "request": request,
    }
    return OperationView(action=action, domain=of, question=question, **{**fields, **more})


def points(count: int = 12, every: timedelta = timedelta(minutes=10)) -> Points:
    """Newest first; the newer half is written abnormally."""
    newest_first = []
    for index in range(count):
        hint = "write rate x30 from 10:02Z" if index == count // 2 - 1 else None
        written = 30_000_000_000 if index < count // 2 else 1_000_000_000
        at = NOW - timedelta(minutes=2) - index * every
        since = NOW - timedelta(minutes=40) if index < count // 2 else None
        newest_first.append(
            RestorePoint(time=at, kind="group", vms=2, written_bytes=written, hint=hint, abnormal_since=since)
        )
    return Points(points=tuple(newest_first), window_from=NOW - timedelta(days=3), window_to=NOW)


class FakeClient:
    """Has the methods of `Client`; `submitted` holds the requests, `stale` the refusals still to come."""

    def __init__(self, *domains: Domain, operations: tuple[OperationView, ...] = (), **listing: Any) -> None:
        self.welcome = Welcome(version=VERSION, site="dr-west", kind="vsphere", pid=1, drdeck="0")
        self.listing: Listing | None = None
        self.detail: Detail | None = None
        self.closed = asyncio.Event()
        self.patience_s = math.inf
        self.on_change: Callable[[], None] = lambda: None
        self.submitted: list[Request] = []
        self.previewed: list[Request] = []
        self.answers: list[tuple[str, ...]] = []
        self.secrets: list[str] = []
        self.stale: list[str] = []
        self.refuses: str | None = None
        self.hangs = False
        self.paused: asyncio.Event | None = None
        """what the answer to whether it is there waits for"""
        self.gate: asyncio.Event | None = None
        """what a submission waits for"""
        self.wrong_password = ""
        self.protected = ProtectedSite(state="lost", checked_at=NOW)
        self.against: tuple[str, ...] = ()
        self.restore_points = points()
        self.doctor_findings: tuple[Finding, ...] = ()
        self.watching: str | None = None
        self.domains: tuple[Domain, ...] = ()
        self.operations: tuple[OperationView, ...] = ()
        self.tell(*domains, operations=operations, **listing)
        self.disconnected = False
        """the console has closed the connection"""

    async def close(self) -> None:
        self.disconnected = True

    def as_client(self) -> Client:
        return cast(Client, self)

    async def attach(self) -> Client:
        return self.as_client()

    def tell(self, *domains: Domain, operations: tuple[OperationView, ...] = (), **listing: Any) -> None:
        """News, as the controller would send them."""
        self.domains, self.operations = domains, operations
        fields: dict[str, Any] = {
            "site": "dr-west",
            "kind": "vsphere",
            "clock": SiteClock(site=NOW, real=NOW),
            "seen_at": NOW,
        }
        fields.update(listing)
        if fields.get("needs_password"):
            password_wanted = PasswordWanted(
                user=fields.get("user", ""), why=fields.get("error", ""), number=1
            )
            fields.setdefault("passwords", (password_wanted,))
        self.listing = Listing(domains=tuple(d.summary() for d in domains), operations=operations, **fields)
        self._send_detail()
        self.on_change()

    def lose(self) -> None:
        self.closed.set()
        self.on_change()

    def _send_detail(self) -> None:
        if self.watching is not None:
            domain = next((d for d in self.domains if d.name == self.watching), None)
            of_domain = tuple(o for o in self.operations if o.domain == self.watching)
            self.detail = Detail(name=self.watching, domain=domain, operations=of_domain)

    def _domain(self, name: str) -> Domain:
        domain = next((d for d in self.domains if d.name == name), None)
        if domain is None:
            raise ControllerError("usage", f'there is no domain "{name}"')
        return domain

    def subscribe(self, domain: str | None = None) -> None:
        if self.closed.is_set():
            raise Disconnected
        self.watching, self.detail = domain, None
        self._send_detail()
        self.on_change()

    async def submit(self, request: Request) -> str:
        if self.gate is not None:
            await self.gate.wait()
        if self.stale:
            raise ControllerError("stale", self.stale.pop(0))
        if self.refuses is not None:
            raise ControllerError("rule", self.refuses)
        self.submitted.append(request)
        return f"op-{len(self.submitted) + 10}"

    async def status(self) -> Status:
        if self.paused is not None:
            await self.paused.wait()
        return Status(pid=1, site="dr-west", since=NOW, consoles=(), operations=(), version="0")

    async def answer(
        self, operation: str, choice: str, vm: str | None = None, confirm: str | None = None
    ) -> None:
        self.answers.append((operation, choice) if vm is None else (operation, choice, vm))

    async def secret(self, password: str, of: str = "") -> None:
        if password == self.wrong_password:
            raise ControllerError("unreachable", "the site refuses this password")
        self.secrets.append(password)

    async def show(self, name: str) -> ShowAnswer:
        assert self.listing is not None
        if self.hangs:
            await asyncio.Event().wait()
        return ShowAnswer(id=1, detail=Detail(name=name, domain=self._domain(name)), listing=self.listing)

    async def points(self, name: str) -> Points:
        return self.restore_points

    async def vms(self) -> dict[str, tuple[str, ...]]:
        return {d.name: tuple(vm.name for vm in d.vms) for d in self.domains}

    async def preview(self, request: Request) -> Preview:
        self.previewed.append(request)
        domain = self._domain(request.domain)
        facts = {
            "mode": str(domain.mode),
            "vms": str(domain.vms_total),
            "protected site": self.protected.state,
        }
        sick = dangers(request, domain, NOW, self.protected) if request.action == "pitr_exit" else []
        doubted = request.type is FailoverType.FORCE or request.action == "failover_undo"
        against = self.against if doubted else ()
        return Preview(
            request=request,
            tier=tier_of(request, domain),
            refusal=refusal(request, domain, NOW),
            facts=facts,
            says=tuple(consequences(request, domain, NOW)),
            dangers=tuple(sick),
            not_checked=("whether users can reach the recovery network",),
            against=against,
            against_names=("named by the controller",) if against else (),
            protected=self.protected,
            vms=tuple(v.name for v in domain.vms),
        )

    async def findings(self) -> tuple[Finding, ...]:
        return self.doctor_findings

    async def tasks(self) -> tuple[OperationView, ...]:
        return self.operations


def changed(thing: Any, **more: Any) -> Any:
    return msgspec.structs.replace(thing, **more)


Attach = Callable[[], Awaitable[Client]]
