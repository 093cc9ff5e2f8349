"""What drdeck promises, looked at in one moment of a world in which anything may go wrong."""

from __future__ import annotations

from collections import Counter

import msgspec

from drdeck.controller.journal import projection as facts
from drdeck.controller.journal.operations import Operation, OperationState
from drdeck.model.commands import ExitSession, FinishFailover, RollBack, StartSession, UndoFailover
from drdeck.model.domains import Mode, Owner, SessionState
from drdeck.model.pitr import why_unreachable
from tests.support.faults.chances import NAMES, VMS
from tests.support.faults.chaos import Chaos
from tests.support.faults.crowd import Person
from tests.support.training.training_build import START


def normal(operations: dict[str, Operation]) -> dict[str, Operation]:
    """Without what a controller knows beside its journal: what is under way (one that is read takes it
    for lost since it was requested), and numbers of views."""
    return {
        ident: msgspec.structs.replace(
            op,
            waits_for="",
            going=frozenset(),
            lost=dict.fromkeys([*op.lost, *op.going], 0),
            lost_at={},
            unsent=dict.fromkeys(op.unsent, 0),
            done=dict.fromkeys(op.done, 0),
        )
        for ident, op in operations.items()
    }


class Promises:
    """`accepted` and `doubtful` are what people were told of the acts that they asked for."""

    def __init__(self) -> None:
        self.world: Chaos | None = None
        self.people: list[Person] = []
        self.accepted: set[str] = set()
        self.stale = Counter[str]()
        """acts asked for whose answer was lost"""
        self.done: set[str] = set()
        self.latest = START

    @property
    def there(self) -> Chaos:
        assert self.world is not None
        return self.world

    async def check(self) -> None:
        """Of one and the same moment, in which a controller sees its site."""
        await self.all_see_the_same()
        await self.there.settled()
        self.nothing_was_wrong()
        self.no_session_and_no_rollback_twice()
        self.what_was_accepted_is_known()
        self.nothing_goes_on_beside_what_forbids_it()
        self.the_site_does_nothing_that_nobody_follows()
        self.what_is_over_is_as_it_was_asked()
        self.the_journal_is_sound()
        if not self.there.site_lost:
            await self.what_cannot_be_reached_is_not_offered()

    def nothing_was_wrong(self) -> None:
        assert self.there.wrong == []

    def no_session_and_no_rollback_twice(self) -> None:
        taken = self.there.commands
        for kind in (StartSession, RollBack, ExitSession, FinishFailover, UndoFailover):
            count = Counter(c.operation for c in taken if isinstance(c, kind))
            assert not count or max(count.values()) == 1, kind
        for domain in self.there.domains:
            mine = [c for c in taken if isinstance(c, StartSession) and c.domain == domain.name]
            left = sum(isinstance(c, ExitSession) and c.domain == domain.name for c in taken)
            undone = sum(isinstance(c, UndoFailover) and c.domain == domain.name for c in taken)
            assert len(domain.excluded) <= len(mine) + undone, "each leaves one period"
            assert len(mine) - left <= 1, "a session begins when the one before has ended"

    def what_was_accepted_is_known(self) -> None:
        ops = self.there.operations
        assert self.accepted <= set(ops)
        unheard = Counter(op.action for op in ops.values() if op.id not in self.accepted)
        assert unheard <= self.stale, "something goes on that nobody asked for"

    def nothing_goes_on_beside_what_forbids_it(self) -> None:
        for name in NAMES:
            still = [op.action for op in self.there.open() if op.domain == name]
            inside = [action for action in still if action in ("pitr_run", "pitr_exit")]
            assert len(inside) <= 1 and len(still) - len(inside) <= 1, still

    def the_site_does_nothing_that_nobody_follows(self) -> None:
        """What goes on there belongs to an open operation of its domain; VMs are as the mode says."""
        if self.there.site_lost or self.there.disk_full:
            return
        ops = self.there.operations
        for d in self.there.domains:
            session, failover = d.session, d.failover
            going = []
            if d.mode is Mode.COMPLETING and failover is not None:
                going.append(failover.id)
            if session is not None and session.after_failover is not None:
                going.append(session.after_failover)
            if session is not None and session.state is SessionState.WAITING:
                going.append(session.id)
            if session is not None and session.state in (SessionState.ROLLING_BACK, SessionState.EXITING):
                going.append(session.last_operation or "")
            for ident in going:
                assert ident in ops and not ops[ident].ended and ops[ident].domain == d.name, (
                    ops.get(ident),
                    d,
                )
            assert (d.mode is Mode.PITR_SESSION) == (
                session is not None and session.state is not SessionState.WAITING
            )
            on = {one.name for one in d.vms if one.power == "on"}
            off = {one.name for one in d.vms if one.error}
            if d.mode in (Mode.IMPORTED, Mode.REHYDRATING, Mode.SYNCHRONISED):
                assert d.owner is Owner.REMOTE and not on, d
            if d.mode in (Mode.RUNNING_IN_FAILOVER, Mode.PROTECTED):
                assert d.owner is Owner.LOCAL, d
                # a failback shuts them down before the rest of the data flows back
                assert on == set(VMS) - off or d.way_back.returning is not None, d
            if d.mode is Mode.RUNNING_IN_FAILOVER:
                assert failover is not None and failover.id in ops

    def what_is_over_is_as_it_was_asked(self) -> None:
        """Nothing is claimed that the site did not do."""
        for op in self.there.operations.values():
            if op.id in self.done or not op.ended:
                continue
            self.done.add(op.id)
            mine = [c for c in self.there.commands if c.operation == op.id]
            if op.state is OperationState.DONE:
                match op.action:
                    case "pitr_run":
                        (back,) = (c for c in mine if isinstance(c, RollBack))
                        assert (back.to, back.vms, back.domain) == (op.request.to, op.request.vms, op.domain)
                    case "pitr_exit":
                        assert any(isinstance(c, ExitSession) for c in mine)
                    case "pitr_start":
                        assert any(isinstance(c, StartSession) for c in mine)
                    case "cfo_complete":
                        started = sum(isinstance(c, StartSession) for c in mine)
                        finished = sum(isinstance(c, FinishFailover) for c in mine)
                        assert (started, finished) == ((1, 0) if op.request.run_pitr else (0, 1))
            elif op.action == "cfo_start" and self.cancelled(op.domain):
                continue  # it is given up after it was done, too
            elif op.action in ("pitr_run", "pitr_exit", "pitr_start", "cfo_start"):
                assert not mine, f"{op.id} is {op.state}, and was done: {op.error}"

    def cancelled(self, domain: str) -> bool:
        """Tell whether somebody asked to cancel a continuous failover of this domain."""
        return any(op.action == "cfo_cancel" and op.domain == domain for op in self.there.operations.values())

    async def what_cannot_be_reached_is_not_offered(self) -> None:
        site = self.there.site
        assert self.there.controller.watcher.serial >= self.there.newest, (
            "an older view has replaced a newer one"
        )
        assert site.site_now() >= self.latest, "the site's time went back"
        self.latest = site.site_now()
        for d in site._view().domains:
            points, now = await self.there.controller.desk.points(d.name), site.site_now()
            offered = [point.time for point in points.points]
            assert [(t, why) for t in offered if (why := why_unreachable(d, t, now))] == []
            assert sorted(offered, reverse=True) == offered

    def the_journal_is_sound(self) -> None:
        """Its chain holds, and it tells all that this controller knows."""
        assert self.there.journal.verify() == []
        assert normal(facts.read(self.there.journal)) == normal(self.there.operations)

    async def all_see_the_same(self) -> None:
        world = self.there
        everybody = tuple(sorted(person.name for person in self.people))
        for _ in range(60):
            await world.settled(0.1)
            for person in self.people:
                await person.attach()
            listings = [person.listing() for person in self.people]
            truth = world.server.news.listing()
            same = (
                listings[0] is not None
                and listings[0] == listings[1]
                and listings[0].operations == truth.operations
            )
            if same and truth.consoles == everybody:
                return
        raise AssertionError(f"{listings[0]}\n{listings[1]}\n{truth}")
