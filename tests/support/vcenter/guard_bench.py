"""A guard's post on a table: tellings and a record by hand, with a clock that is moved."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from drdeck.model.domains import FailoverType, SessionState
from drdeck.model.guard import Change
from drdeck.model.planned import PlannedCall
from drdeck.sites.contract import Refused, ResultUnknown
from drdeck.sites.vsphere.guard.attribution_windows import LeaseTenure
from drdeck.sites.vsphere.guard.observations import Observation
from drdeck.sites.vsphere.guard.own_calls import OwnCalls
from drdeck.sites.vsphere.guard.session_guard import HOLD_S, JudgmentContext, SessionGuard
from drdeck.sites.vsphere.guard.session_memory import ForeignChange, SessionMemory
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, Inventory
from drdeck.sites.vsphere.record.attribute_names import FAILOVER, SESSION
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.record_values import FailoverRecord, RollbackRecord, SessionRecord
from tests.support.vcenter.domain_states import T0, vm

START = datetime(2026, 1, 16, 22, 0, tzinfo=UTC)
OWN, ANNA, JOE = "LOCAL\\drdeck", "LOCAL\\anna", "CORP\\j.doe"
VM = "vm-7"


@dataclass
class Bench:
    """A session since an hour, driven from here since then unless told."""

    drives: bool = True
    running: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=lambda: {"op-1"})
    """operations that are begun here: the session"""

    def __post_init__(self) -> None:
        self.at, self.fresh_s, self.since = 3600.0, 3600.0, START
        self.began: dict[str, datetime] = {}
        self.over: dict[str, datetime] = {}
        self.own_calls = OwnCalls(self.now, lambda: self.at)
        memory = SessionMemory(session="op-1", started=START, members={VM: "db01"}, looked_at=START)
        self.post = SessionGuard(memory, {})
        self.follow(None)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.at)

    def on(self, seconds: float) -> None:
        self.at += seconds

    def follow(self, last: str | None, state: SessionState = SessionState.ACTIVE, n: int = 0) -> None:
        """The record is read."""
        session = SessionRecord(id="op-1", state=state, started=START, last=last, n=n)
        failover = FailoverRecord(
            id="op-1", type=FailoverType.FORCE, began=START, phase="recovered", since=START
        )
        now, rolling = self.now(), None
        if last and state is SessionState.EXITING:
            rolling = RollbackRecord(id="op-8", to=START, phase="over", since=now, began=START)
        elif last:
            began = self.began.setdefault(last, now)
            rolling = RollbackRecord(id=last, to=START, phase="off", since=now, began=began)
            if state is SessionState.ACTIVE:
                over = self.over.setdefault(last, now)
                rolling = RollbackRecord(id=last, to=START, phase="over", since=over, began=began)
        record = Record(session=session, failover=failover, rollback=rolling)
        tenure = None
        if self.drives:
            busy = self.running if not self.own_calls.begun_on(VM, self.since) else ()
            tenure = LeaseTenure(self.since, self.begun, {VM: frozenset(busy)})
        self.post.memory.windows.follow(record, tenure, self.post.memory.looked_at, self.now())
        self.post.memory.looked_at = self.now()
        self.fresh_s = self.at + 0.001

    def never_seen(self) -> None:
        """The session is looked at for the first time the next time."""
        self.post.memory.windows.windows.clear()
        self.post.memory.looked_at = None

    def take_over(self) -> None:
        """This process drives from now on, a session that another one has begun."""
        self.drives, self.since = True, self.now()
        self.begun.discard("op-1")
        self.own_calls = OwnCalls(self.now, lambda: self.at)

    def observe(self, by: Any, change: Change, user: str | None = None, to: str = "", **more: Any) -> None:
        """Something is told as it happens."""
        key = 0 if by == "facts" else int(self.at * 1000)
        about = {"vm": VM, "did": f"{by} did", "since": self.now(), "until": self.now(), **more}
        observation = Observation(by=by, change=change, to=to, user=user, key=key, **about)
        self.post.hear([observation], self.at)

    def settle(self) -> list[ForeignChange]:
        """With the record read anew where the driver wants that."""
        self._settle()
        if self.post.wants_record and self.drives:
            self.fresh_s = self.at + 0.001
            self._settle()
        return self.post.memory.foreign

    def _settle(self) -> None:
        self.post.settle(
            JudgmentContext(
                own_calls=self.own_calls,
                drives=self.drives,
                fresh_s=self.fresh_s,
                own=OWN,
                accounts=frozenset({ANNA}),
                running=lambda vm, task: task in self.running,
                now=self.now(),
                now_s=self.at,
            )
        )

    def wait(self) -> list[ForeignChange]:
        """Until all that is held back is settled."""
        self.settle()
        self.on(HOLD_S)
        return self.settle()

    def call(
        self,
        kind: str,
        args: dict[str, str] | None = None,
        fails: Exception | None = None,
        power: str = "on",
    ) -> None:
        """An act of ours that takes a second; its effect is told by the caller."""
        try:
            with self.own_calls.remember(PlannedCall(key=kind, kind=kind, vm=VM, args=args or {}), power):
                self.on(1)
                if fails is not None:
                    raise fails
        except (Refused, ResultUnknown):
            pass


def single(alarms: list[ForeignChange]) -> ForeignChange:
    (only,) = alarms
    return only


def site_in_session(vms: int) -> Inventory:
    """A domain in a session since T0, with so many VMs."""
    session = SessionRecord(id="op-1", state=SessionState.ACTIVE, started=T0)
    failover = FailoverRecord(
        id="op-1", type=FailoverType.FORCE, began=T0, phase="recovered", since=T0
    )  # fmt: skip
    attributes = {
        SESSION: msgspec.json.encode(session).decode(),
        FAILOVER: msgspec.json.encode(failover).decode(),
    }
    folder = FolderFacts("erp", "erp", "root", attributes)
    machines = [vm(f"{number}", parent="erp") for number in range(vms)]
    root = FolderFacts("root", "drdeck", "vm")
    return Inventory(
        serial=1, root=root, folders={"erp": folder}, vms={m.id: m for m in machines}, networks={}
    )
