"""The vSphere site: observes with one long poll, plans purely, and carries single acts out."""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from drdeck.model import commands as c
from drdeck.model.acts import Act
from drdeck.model.domains import Mode, ProtectedSite
from drdeck.model.findings import Finding
from drdeck.model.guard import Hazards
from drdeck.model.pitr import Points
from drdeck.model.views import SiteView
from drdeck.settings import VSphereSettings
from drdeck.sites.site import LoginRefused, Refused, SiteError, SiteUnreachable

from . import acts, changes, upkeep
from .checks import why_not
from .completing import unready
from .connection import Connection, Session
from .doctor import Patient, findings
from .endpoint import endpoint_of
from .facts import FolderFacts
from .fence import Fence
from .guardian import Guardian
from .hazards import foresee, hazards
from .heartbeat import FIRST_S, Heartbeat
from .inventory import InventoryWatch
from .lease import Driven, Leases
from .memory import Memories
from .networks import network_ids
from .permits import Permits
from .protected import NOT_YET, ProtectedSide
from .record import Record
from .sight import KIND, Sight, host_of, moving
from .situation import Situation

TICK_S = 0.5
"""How often time alone can bring something while a domain is under way."""
QUIET_S = 30.0
"""How often the view is made anew while nothing goes on."""
KEEP_S = 5.0
"""After a silence of less, sessions and calls under way are kept; else they hang on a dead connection."""

Connect = Callable[[], Awaitable[Connection]]


class VSphereSite:
    """A recovery site that is a vCenter; see `drdeck.sites.site.RecoverySite` for the contract."""

    kind = KIND
    keeps_points = True

    def __init__(
        self,
        name: str,
        settings: VSphereSettings,
        connect: Connect,
        connect_protected: Connect | None = None,
        me: str = "",
        state: Path | None = None,
        fences: Sequence[Fence] = (),
    ) -> None:
        """`me`: who this controller is for others; of one name only one process may run at a time.

        `state`: directory for what the guard must still know after a kill. `fences`: of its vCenters.
        """
        self.name, self.settings, self.parallel = name, settings, settings.parallel
        self._connect = connect
        self._connection: Connection | None = None
        self._serial = 0
        self._wake = asyncio.Event()
        self._forced = False
        self._attributes = acts.Attributes()
        self._locks: dict[str, asyncio.Lock] = {}
        self._pending: dict[str, datetime] = {}
        self._synchronised: dict[str, datetime] = {}
        """by folder: since when it was seen so, without a break"""
        self._protected: ProtectedSide | None = None
        if connect_protected is not None and settings.protected is not None:
            self._protected = ProtectedSide(
                lambda: asyncio.ensure_future(connect_protected()),
                settings.protected.root,
                endpoint_of(settings.protected),
                host_of(settings.protected.url),
                self._wake.set,
            )
        self._permits = Permits(settings, self._connected, self._protected)
        self._cut: LoginRefused | None = None
        self._heart: Heartbeat | None = None
        self._pumped = False
        """what the inventory holds was read by this watching, not by one before it"""
        self._resumable = False
        """watching worked and was then cut off: its sessions are most likely as they were"""
        me = me or f"drdeck#{secrets.token_hex(4)}"
        self._sight = Sight(name, settings, self._protected, me)
        self._leases = Leases(me, self._sight.now, float(settings.lease))
        self._leases.on_taken, self._fences = self._succeed, fences
        self._memories = Memories(state)
        self._guard = Guardian(
            self._memories, self._leases.since, self._sight.now, self._wake.set, settings.root, me
        )
        self._sight.guard = self._guard

    # -- seeing

    def _connected(self) -> Connection:
        if self._connection is None:
            raise SiteUnreachable("drdeck is not connected to this site now")
        return self._connection

    def _watching(self) -> InventoryWatch:
        if self._sight.watch is None:
            raise SiteUnreachable("drdeck is not connected to this site now")
        return self._sight.watch

    async def open(self) -> None:
        self._cut = None
        if self._heart is not None:
            silent_s = self._heart.silent_s
            await self._heart.beat()  # nothing is given up before it answers again
            if self._resumable and silent_s < KEEP_S and self._connection is not None:
                self._resumable = False
                self._watching().distrust()
                await self._connection.freshen()
                return
        if self._connection is not None:
            await self._connection.close()
            self._connection = self._sight.watch = None
        connection = await self._connect()
        self._connection, self._resumable = connection, False
        if self._heart is None:
            self._heart = Heartbeat(connection)
        self._heart.follow(connection)
        await self._heart.beat(FIRST_S)
        self._sight.heart = self._heart
        self._sight.watch = InventoryWatch(connection, self.settings.root, events=self._guard.events)

    async def watch(self) -> AsyncIterator[SiteView]:
        watch, self._pumped = self._watching(), False
        pump = asyncio.create_task(self._pump(watch), name="inventory")
        beats = asyncio.create_task(self._listen(), name="heartbeat")
        leases = asyncio.create_task(self._keep_leases(watch), name="leases")
        guard = asyncio.create_task(self._guard.run(watch, self._connected()), name="guard")
        shown: SiteView | None = None
        quiet_since = asyncio.get_running_loop().time()
        try:
            while True:
                self._wake.clear()
                if self._cut is not None:
                    cut, self._cut = self._cut, None
                    raise cut
                if pump.done():
                    pump.result()
                if beats.done():
                    beats.result()
                if watch.inventory is not None and self._pumped:
                    self._guard.saw(watch.inventory)
                    await self._spare_protected()
                    latest = self._sight.view(watch.inventory, self._serial)
                    if shown is None or self._forced or _differs(shown, latest):
                        self._forced = False
                        shown = self._numbered(latest)
                        yield shown
                hurried = shown is not None and any(moving(d) for d in shown.domains)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S if hurried else QUIET_S):
                        await self._wake.wait()
                clock = asyncio.get_running_loop().time()
                if clock - quiet_since > QUIET_S:
                    quiet_since = clock
                    self._sight.forget()
        except SiteUnreachable as lost:
            self._resumable = self._pumped and not isinstance(lost, LoginRefused)
            if self._resumable and self._heart is not None:
                lost.silent_s = self._heart.silent_s
            raise
        finally:
            for task in (pump, beats, leases, guard):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task

    async def _keep_leases(self, watch: InventoryWatch) -> None:
        """Stay the driver of what is under way here, also while nothing is to be done; and look again
        before another's time seems to be over: the picture may be older than its last word."""
        while True:
            await asyncio.sleep(self._leases.length_s / 6)
            doubtful = False
            for folder in watch.inventory.domains if watch.inventory else ():
                mine = self._leases.tiring(folder.id)
                if not mine and not self._sight.other_tires(folder, self._leases.length_s / 2):
                    continue
                try:  # what fails here is said by the next act, which looks again
                    record = self._sight.find(folder.name)[1].record
                    if not record.completing and record.session is None:
                        continue
                    if mine:
                        await self._drive(folder, f"stay the driver of {folder.name}")
                    else:
                        doubtful = True
                except Driven:
                    doubtful = True
                except SiteError:
                    continue
            if doubtful:
                with contextlib.suppress(SiteError):
                    await watch.refresh_attributes()

    async def _drive(self, folder: FolderFacts, doing: str, force: bool = False) -> float:
        """Be the driver of a domain; until when. Raises Driven, SiteUnreachable, Refused, ResultUnknown."""
        return await self._connected().command(
            lambda session: self._leases.hold(session, folder.id, force), doing
        )

    def _succeed(self, session: Session, driver: str, force: bool) -> None:
        """A domain was taken from another driver: nothing that it asked for may land any more.

        One that lives and drives other domains is left alone, unless an operator takes this one over:
        it logs in anew, and looks at its leases before it repeats what was refused. Blocks. Raises Driven
        where what is to be done was decided on what was seen before; and what pyVmomi raises.
        """
        if not force and self._sight.drives(driver):
            return
        for fence in self._fences:
            fence.succeed(driver)
        session.settle()
        if not force:
            raise Driven(f"it was driven by {driver} until now; drdeck looks again before it goes on")

    async def _listen(self) -> None:
        assert self._heart is not None
        try:
            await self._heart.run()
        finally:
            self._wake.set()

    async def _pump(self, watch: InventoryWatch) -> None:
        try:
            async for inventory in watch.changes():
                self._guard.saw(inventory)
                self._pumped = True
                self._wake.set()
        finally:
            self._wake.set()

    async def observe(self) -> SiteView:
        watch = self._watching()
        await self._connected().settle()
        self._guard.saw(await watch.refresh())
        await self._spare_protected()
        self._forced = True
        self._wake.set()
        return self._numbered(self._sight.view(self._sight.inventory(), self._serial))

    async def _spare_protected(self) -> None:
        """Nothing is read at the protected site while a Force Failover goes on: it is taken for lost.

        It serves other domains too: theirs stay as they were seen last, but a Planned Failover under way
        needs it, and is given it.
        """
        if self._protected is not None:
            await self._protected.leave_in_peace(self._sight.forced())

    def _numbered(self, latest: SiteView) -> SiteView:
        self._serial += 1
        return msgspec.structs.replace(latest, serial=self._serial)

    async def points(self, domain: str) -> Points:
        return self._sight.points(domain)

    async def protected_site(self, domain: str) -> ProtectedSite:
        side = self._protected
        if side is None:
            return ProtectedSite()
        forced = self._sight.forced(domain)
        lost, now = await (side.answers() if forced else side.look()), self._sight.now()
        if lost:
            state = "unknown" if side.shut_out else "lost"
            return ProtectedSite(state=state, address=side.address, checked_at=now, detail=lost)
        seen = side.of(domain)
        if not side.has(domain):
            return ProtectedSite(address=side.address, checked_at=now, detail=f"{side.address}: {seen.lost}")
        return ProtectedSite(
            state="reachable",
            address=side.address,
            running=sum(1 for vm in seen.vms if vm.power == "on"),
            total=len(seen.vms),
            checked_at=now,
        )

    async def hazards(self, domain: str, vms: tuple[str, ...]) -> Hazards:
        folder, s = self._sight.find(domain)
        chosen = [vm for vm in s.vms if not vms or vm.name in vms]
        found = await foresee(self._connected(), self.settings.root, chosen)
        return hazards(found, self._sight.inventory(), folder, chosen)

    async def findings(self) -> list[Finding]:
        connection, inventory, situations = self._connection, None, []
        try:
            if self._heart is not None:
                await self._heart.beat()
            inventory = await self._watching().refresh_attributes()
        except SiteError:
            connection = None  # why is told by whoever watches
        for folder in inventory.domains if inventory else ():
            with contextlib.suppress(SiteError):
                situations.append(self._sight.find(folder.name))
        skew_s = self._sight.skew.total_seconds()
        side = self._protected
        return await findings(
            Patient(self.settings, self._permits, side, skew_s, connection, inventory, situations)
        )

    # -- doing

    def check(self, command: c.AnyCommand) -> str | None:
        try:
            _, situation = self._sight.find(command.domain)
        except Refused as error:
            return str(error)
        return why_not(command, situation, self._sight.inventory())

    async def lacking(self, command: c.AnyCommand) -> str | None:
        folder, situation = self._sight.find(command.domain)
        return await self._permits.lacking(command, folder, situation, self._sight.inventory())

    async def execute(self, command: c.AnyCommand) -> None:
        try:
            await self._execute(command)
        except LoginRefused as refused:
            self._cut = refused  # the watching session may live on: a new login is wanted all the same
            self._wake.set()
            raise

    async def _execute(self, command: c.AnyCommand) -> None:
        if isinstance(command, c.Take) and command.act.kind not in ("step", "note"):
            await self._act(command.domain, command.act, command.again)
            return
        if isinstance(command, c.TakeOver):
            await self._drive(self._sight.find(command.domain)[0], command.says, force=True)
            if self._protected is not None:
                await self._protected.settle()
            await self._watching().refresh_attributes()
            self._forced = True
            self._wake.set()
            return
        closed = self.check(command)
        if closed is not None and not isinstance(command, c.Take):
            raise Refused(closed)
        async with self._locks.setdefault(command.domain, asyncio.Lock()):
            await self._watching().refresh_attributes()
            folder, situation = self._sight.find(command.domain)
            try:
                wanted = self._changes(command, situation)
            except changes.NotNow as error:
                raise Refused(f'Could not {command.says}: "{command.domain}": {error}') from None
            except ValueError as error:
                raise Refused(f"Could not {command.says}: {error}") from None
            if wanted and isinstance(command, c.RollBack | c.ExitSession):
                self._guard.begins(command.operation)
            elif wanted and isinstance(command, c.StartSession):
                self._guard.begins(command.session)
            noted = isinstance(command, c.Take) and command.act.kind == "note"
            await self._write(folder, wanted, command.says, leased=not noted)
            self._forced = True
            self._wake.set()

    async def _write(
        self, folder: FolderFacts, wanted: dict[str, str], doing: str, leased: bool = True
    ) -> None:
        todo = [(k, v) for k, v in wanted.items() if folder.attributes.get(k, "") != v]
        if not todo:
            return

        def write(session: Session) -> None:
            until = self._leases.hold(session, folder.id) if leased else math.inf
            with session.stub.no_later_than(until):
                for name, value in todo:
                    self._attributes.set(session, folder.id, name, value)

        try:
            await self._connected().command(write, doing)
        except Driven as error:
            raise SiteUnreachable(f"Could not {doing}: {error}") from None
        except Exception:
            with contextlib.suppress(Exception):  # the writing's own error counts
                await self._watching().refresh_attributes()
            raise
        # written, but perhaps not read back: whoever asked must look again before going on
        await self._watching().refresh_attributes()

    def _changes(self, command: c.AnyCommand, s: Situation) -> dict[str, str]:
        record: Record = s.record
        now, there = self._sight.now(), self._sight.inventory()
        match command:
            case c.StartContinuousFailover():
                return changes.start_cfo(record, command, network_ids(s, there, command.networks), now)
            case c.BeginCompletion():
                return changes.begin(record, command, network_ids(s, there, command.networks), now)
            case c.FinishFailover():
                return changes.finish(record, command)
            case c.AbortCompletion():
                return changes.abort(record, command)
            case c.StartSession():
                return changes.start_session(record, command, _ids(s, command.vms))
            case c.RollBack():
                return changes.roll_back(record, command, _ids(s, command.vms), now)
            case c.ExitSession():
                return changes.exit_session(record, command, now)
            case c.Skip():
                return changes.skip(record, command)
            case c.Resolve():
                return changes.resolve(record, command, tuple(vm.id for vm in unready(s)), now)
            case c.Take() if command.act.kind == "note":
                return changes.synchronised(record, now)
            case c.Take():
                args = command.act.args
                return changes.step(record, command.operation, args["to"], int(args["g"]), now)
            case c.TakeOver():
                return {}

    async def _act(self, domain: str, act: Act, again: bool) -> None:
        """One call to a vCenter, for one VM; `again`: look first whether it was made already."""
        doing, shown_at = act.says, act.vm or ""
        connection = self._connected()
        if act.kind == "shutdown_guest":
            side = self._protected
            if side is None or side.connection is None:
                why = (side.lost or NOT_YET) if side else "no protected site is configured"
                raise Refused(f"Could not {doing}: {why}")
            connection = side.connection
            shown_at = next((x.id for x in self._sight.find(domain)[1].vms if x.name == act.name), "")
        folder, situation = self._sight.find(domain)
        power = next((vm.power for vm in situation.vms if vm.id == act.vm), "unknown")
        try:
            # looked at right before the act: a controller that slept must learn that it drives no more
            until = await self._drive(folder, doing)
            before = self._before(folder, act) if again else None

            def carry_out(session: Session) -> None:
                with session.stub.no_later_than(until):
                    acts.carry_out(session, act, before)

            with self._guard.claims.claim(act, power):
                await connection.command(carry_out, doing)
        except Driven as error:
            raise SiteUnreachable(f"Could not {doing}: {error}") from None
        except LoginRefused as error:
            if connection is self._connection:
                raise
            raise SiteUnreachable(str(error)) from None  # the protected site's: nothing is wrong here
        except Refused as error:
            self._sight.failed(shown_at, act.kind, str(error))
            raise
        else:
            self._sight.errors.pop(shown_at, None)
        finally:
            self._wake.set()

    def _before(self, folder: FolderFacts, act: Act) -> acts.Before | None:
        """Since when an act may have been asked for, where the VM itself does not show that it was."""
        if "since" not in act.args:
            return None
        since = datetime.fromisoformat(act.args["since"])
        return acts.Before(since, self._sight.now() - since, self._leases.accounts(folder.id))

    def upkeep(self, now: datetime) -> list[tuple[str, Act]]:
        watch = self._sight.watch
        inventory = watch.inventory if watch else None
        if inventory is None:
            return []
        due: list[tuple[str, Act]] = []
        for folder in inventory.domains:
            try:
                _, situation = self._sight.find(folder.name)
            except SiteError:
                continue
            synchronised = self._sight.domain(inventory, folder).mode is Mode.SYNCHRONISED
            note = upkeep.noted(situation, self._seen_synchronised(folder, synchronised, now), now)
            if self._sight.driver(folder) is not None:
                continue
            if note is not None:
                due.append((folder.name, note))
            found = upkeep.due(situation, now, self._pending.get(folder.id))
            for act in found:
                if act.key.startswith("point:"):
                    self._pending[folder.id] = datetime.fromisoformat(
                        act.args["name"].removeprefix("drdeck-")
                    )
            due += [(folder.name, act) for act in found]
        return due

    def _seen_synchronised(self, folder: FolderFacts, is_so: bool, now: datetime) -> datetime | None:
        """Since when, while it is."""
        if not is_so:
            self._synchronised.pop(folder.id, None)
            return None
        return self._synchronised.setdefault(folder.id, now)

    async def close(self) -> None:
        self._memories.close()
        if self._protected is not None:
            await self._protected.close()
        if self._connection is not None:
            await self._connection.close()


def _ids(s: Situation, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(vm.id for vm in s.vms if vm.name in names)


def _differs(a: SiteView, b: SiteView) -> bool:
    return a.domains != b.domains or a.warnings != b.warnings
