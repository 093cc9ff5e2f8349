"""The vSphere site: observes with one long poll, plans purely, and carries single acts out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import msgspec

from drdeck.model import commands as c
from drdeck.model.domains import Act, Domain, Finding, ProtectedSite, SiteClock, SiteView
from drdeck.model.pitr import Points, why_unreachable, window_start
from drdeck.settings import VSphereSettings
from drdeck.sites.site import Refused

from . import acts, changes, restore, upkeep, view
from .checks import why_not
from .connection import Connection, Session
from .doctor import findings
from .facts import FolderFacts, VmFacts
from .inventory import InventoryWatch
from .plan import Protected, Situation, plan
from .protected import ProtectedSide
from .record import BrokenRecord, Record, read

TICK_S = 0.5
"""How often time alone can bring something while a domain is under way."""
QUIET_S = 30.0
"""How often the clocks are compared, and the view is made anew, while nothing goes on."""

Connect = Callable[[], Awaitable[Connection]]


def utcnow() -> datetime:
    return datetime.now(UTC)


class VSphereSite:
    """A recovery site that is a vCenter; see `drdeck.sites.site.RecoverySite` for the contract."""

    kind = "vsphere"
    keeps_points = True

    def __init__(
        self, name: str, settings: VSphereSettings, connect: Connect, connect_protected: Connect | None = None
    ) -> None:
        self.name, self.settings, self.parallel = name, settings, settings.parallel
        self._connect = connect
        self._connection: Connection | None = None
        self._watch: InventoryWatch | None = None
        self._offset = timedelta()
        self._serial = 0
        self._wake = asyncio.Event()
        self._forced = False
        self._attributes = acts.Attributes()
        self._locks: dict[str, asyncio.Lock] = {}
        self._errors: dict[str, str] = {}
        self._since: dict[tuple[str, str, str | None], datetime] = {}
        self._pending: dict[str, datetime] = {}
        self._built: dict[str, tuple[tuple[object, ...], Domain]] = {}
        self._protected: ProtectedSide | None = None
        if connect_protected is not None and settings.protected is not None:
            self._protected = ProtectedSide(
                lambda: asyncio.ensure_future(connect_protected()),
                settings.protected.root,
                _host(settings.protected.url),
                self._wake.set,
            )

    # -- seeing

    async def open(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = self._watch = None
        connection = await self._connect()
        self._connection = connection
        self._offset = await connection.clock_offset()
        self._watch = InventoryWatch(connection, self.settings.root)
        if self._protected is not None:
            self._protected.start()

    async def watch(self) -> AsyncIterator[SiteView]:
        watch = self._watching()
        pump = asyncio.create_task(self._pump(watch), name="inventory")
        shown: SiteView | None = None
        quiet_since = asyncio.get_running_loop().time()
        try:
            while True:
                self._wake.clear()
                if pump.done():
                    pump.result()
                if watch.inventory is not None:
                    latest = self._view(watch)
                    if shown is None or self._forced or _differs(shown, latest):
                        self._forced = False
                        shown = self._numbered(latest)
                        yield shown
                moving = shown is not None and any(_moving(d) for d in shown.domains)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), TICK_S if moving else QUIET_S)
                clock = asyncio.get_running_loop().time()
                if clock - quiet_since > QUIET_S:
                    quiet_since = clock
                    self._offset = await self._connected().clock_offset()
                    self._built.clear()
        finally:
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await pump

    async def _pump(self, watch: InventoryWatch) -> None:
        try:
            async for _ in watch.changes():
                self._wake.set()
        finally:
            self._wake.set()

    async def observe(self) -> SiteView:
        watch = self._watching()
        await watch.refresh()
        self._forced = True
        self._wake.set()
        return self._numbered(self._view(watch))

    def _numbered(self, latest: SiteView) -> SiteView:
        self._serial += 1
        return msgspec.structs.replace(latest, serial=self._serial)

    def _connected(self) -> Connection:
        if self._connection is None:
            raise Refused("drdeck is not connected to this site")
        return self._connection

    def _watching(self) -> InventoryWatch:
        if self._watch is None:
            raise Refused("drdeck is not connected to this site")
        return self._watch

    def now(self) -> datetime:
        """The vCenter's clock, to the millisecond."""
        now = utcnow() + self._offset
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def _view(self, watch: InventoryWatch) -> SiteView:
        inventory = watch.inventory
        assert inventory is not None
        warnings = []
        if self.settings.insecure:
            warnings.append("certificate not checked")
        if abs(self._offset.total_seconds()) > 5:
            warnings.append(f"clocks differ by {abs(self._offset.total_seconds()):.0f} s")
        real = utcnow()
        return SiteView(
            site=self.name,
            kind=self.kind,
            serial=self._serial,
            clock=SiteClock(site=real + self._offset, real=real),
            domains=tuple(self._domain(watch, folder) for folder in inventory.domains),
            warnings=tuple(warnings),
            address=_host(self.settings.url),
            user=self.settings.username,
        )

    def _domain(self, watch: InventoryWatch, folder: FolderFacts) -> Domain:
        """Built anew only when something it depends on has changed, or time may change it."""
        inventory = watch.inventory
        assert inventory is not None
        vms = inventory.vms_of(folder.id)
        protected = self._protected_of(folder.name)
        errors = tuple(self._errors.get(vm.id) for vm in vms)
        depends = (folder, vms, protected, errors, len(inventory.networks))
        known = self._built.get(folder.id)
        if known is not None and not _moving(known[1]) and _same(known[0], depends):
            return known[1]

        def first_seen(kind: str, vm: str | None) -> datetime:
            return self._since.setdefault((folder.id, kind, vm), self.now())

        try:
            situation = self._situation(folder, vms, protected)
        except BrokenRecord as error:
            domain = view.broken(folder, vms, str(error), first_seen)
        else:
            addresses = (_host(self.settings.url), self._protected.address if self._protected else "")
            domain = view.build(
                situation, folder, inventory, plan(situation), self._errors, first_seen, addresses
            )
        self._built[folder.id] = (depends, domain)
        return domain

    def _protected_of(self, domain: str) -> Protected | None:
        return None if self._protected is None else self._protected.of(domain)

    def _situation(
        self, folder: FolderFacts, vms: tuple[VmFacts, ...], protected: Protected | None
    ) -> Situation:
        return Situation(
            name=folder.name,
            record=read(folder.attributes),
            vms=vms,
            settings=self.settings.domain(folder.name),
            protected=protected,
            now=self.now(),
        )

    def _find(self, name: str) -> tuple[FolderFacts, Situation]:
        """A domain's folder and situation now. Raises Refused."""
        inventory = self._watching().inventory
        folder = None if inventory is None else next((f for f in inventory.domains if f.name == name), None)
        if inventory is None or folder is None:
            raise Refused(f'there is no domain folder "{name}" under {self.settings.root} any more')
        try:
            return folder, self._situation(folder, inventory.vms_of(folder.id), self._protected_of(name))
        except BrokenRecord as error:
            raise Refused(str(error)) from None

    async def points(self, domain: str) -> Points:
        folder, s = self._find(domain)
        now = self.now()
        shown = self._domain(self._watching(), folder)
        vms = s.session_vms()
        offered = tuple(
            restore.describe(vms, instant, kind, s.record)
            for instant, kind in (restore.instants(vms, s.record) if s.settings.pitr.enabled else ())
            if why_unreachable(shown, instant, now) is None
        )
        return Points(
            points=offered,
            excluded=s.record.periods,
            window_from=window_start(shown, now) if s.settings.pitr.enabled else None,
            window_to=now if s.settings.pitr.enabled else None,
        )

    async def protected_site(self, domain: str) -> ProtectedSite:
        side = self._protected
        if side is None:
            return ProtectedSite()
        lost = await side.look()
        if lost:
            return ProtectedSite(state="lost", address=side.address, checked_at=self.now(), detail=lost)
        vms = side.of(domain).vms
        return ProtectedSite(
            state="reachable",
            address=side.address,
            running=sum(1 for vm in vms if vm.power == "on"),
            total=len(vms),
            checked_at=self.now(),
            detail="" if side.has(domain) else f'it has no folder "{domain}"',
        )

    async def findings(self) -> list[Finding]:
        inventory = self._watching().inventory
        situations = []
        for folder in inventory.domains if inventory else ():
            with contextlib.suppress(Refused):
                situations.append(self._find(folder.name)[1])
        return await findings(self.settings, self._connected(), inventory, situations, self._offset)

    # -- doing

    def check(self, command: c.AnyCommand) -> str | None:
        try:
            _, situation = self._find(command.domain)
            inventory = self._watching().inventory
        except Refused as error:
            return str(error)
        assert inventory is not None
        return why_not(command, situation, inventory)

    async def execute(self, command: c.AnyCommand) -> None:
        if isinstance(command, c.Take) and command.act.kind != "step":
            await self._act(command.domain, command.act)
            return
        closed = self.check(command)
        if closed is not None and not isinstance(command, c.Take):
            raise Refused(closed)
        async with self._locks.setdefault(command.domain, asyncio.Lock()):
            await self._watching().refresh_attributes()
            folder, situation = self._find(command.domain)
            try:
                wanted = self._changes(command, situation)
            except changes.NotNow as error:
                raise Refused(f'Could not {command.says}: "{command.domain}": {error}') from None
            except ValueError as error:
                raise Refused(f"Could not {command.says}: {error}") from None
            await self._write(folder, wanted, command.says)
            self._forced = True
            self._wake.set()

    async def _write(self, folder: FolderFacts, wanted: dict[str, str], doing: str) -> None:
        todo = [(k, v) for k, v in wanted.items() if folder.attributes.get(k, "") != v]
        if not todo:
            return

        def write(session: Session) -> None:
            for name, value in todo:
                self._attributes.set(session, folder.id, name, value)

        try:
            await self._connected().command(write, doing)
        finally:
            with contextlib.suppress(Exception):  # the writing's own error counts, or the next poll's
                await self._watching().refresh_attributes()

    def _changes(self, command: c.AnyCommand, s: Situation) -> dict[str, str]:
        record: Record = s.record
        now = self.now()
        match command:
            case c.StartContinuousFailover():
                return changes.start_cfo(record, command, self._network_ids(s, command.networks), now)
            case c.BeginCompletion():
                return changes.begin(record, command, self._network_ids(s, command.networks), now)
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
                unready = tuple(vm.id for vm in s.vms if not s.ready(vm))
                return changes.resolve(record, command, unready, now)
            case c.Take():
                args = command.act.args
                return changes.step(record, command.operation, args["to"], int(args["g"]), now)

    def _network_ids(self, s: Situation, names: dict[str, str]) -> dict[str, str]:
        """A mapping by name as one by id; for a name that several networks have, those in use come first."""
        inventory = self._watching().inventory
        assert inventory is not None
        by_name: dict[str, str] = {}
        for network in sorted(inventory.networks.values(), key=lambda n: n.id, reverse=True):
            by_name[network.name] = network.id
        used = {n for vm in s.vms for n in vm.networks}
        sources = by_name | {inventory.networks[n].name: n for n in used if n in inventory.networks}
        return {sources[a]: by_name[b] for a, b in names.items() if a in sources and b in by_name}

    async def _act(self, domain: str, act: Act) -> None:
        """One call to a vCenter, for one VM."""
        vm, args, doing = act.vm or "", act.args, act.says
        connection = self._connected()
        if act.kind == "shutdown_guest":
            side = self._protected
            if side is None or side.connection is None:
                raise Refused(
                    f"Could not {doing}: {side.lost if side else 'no protected site is configured'}"
                )
            connection = side.connection
        work: dict[str, Callable[[Session], None]] = {
            "shutdown_guest": lambda session: acts.shutdown_guest(session, vm, doing),
            "power_on": lambda session: acts.power_on(session, vm, doing),
            "power_off": lambda session: acts.power_off(session, vm, doing),
            "snapshot": lambda session: acts.snapshot(session, vm, args["name"], args["description"], doing),
            "revert": lambda session: acts.revert(session, vm, args["snapshot"], doing),
            "remove": lambda session: acts.remove(session, args["snapshot"], doing),
            "connect": lambda session: acts.connect(session, vm, args, doing),
        }
        try:
            await connection.command(work[act.kind], doing)
        except Refused as error:
            self._errors[vm] = str(error)
            raise
        else:
            self._errors.pop(vm, None)
        finally:
            self._wake.set()

    def upkeep(self, now: datetime) -> list[tuple[str, Act]]:
        inventory = self._watch.inventory if self._watch else None
        due: list[tuple[str, Act]] = []
        for folder in inventory.domains if inventory else ():
            if not self.settings.domain(folder.name).pitr.enabled:
                continue
            try:
                _, situation = self._find(folder.name)
            except Refused:
                continue
            found = upkeep.due(situation, now, self._pending.get(folder.id))
            for act in found:
                if act.key.startswith("point:"):
                    self._pending[folder.id] = datetime.fromisoformat(
                        act.args["name"].removeprefix("drdeck-")
                    )
            due += [(folder.name, act) for act in found]
        return due

    async def close(self) -> None:
        if self._protected is not None:
            await self._protected.close()
        if self._connection is not None:
            await self._connection.close()


def _host(url: str) -> str:
    return url.split("//", 1)[-1].split("/", 1)[0]


def _ids(s: Situation, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(vm.id for vm in s.vms if vm.name in names)


def _moving(domain: Domain) -> bool:
    """Whether time alone may change what is shown."""
    return domain.phase is not None or domain.question is not None


def _same(a: tuple[object, ...], b: tuple[object, ...]) -> bool:
    """Facts that did not change are the same objects, which is quick to see."""
    folder_a, vms_a, *rest_a = a
    folder_b, vms_b, *rest_b = b
    assert isinstance(vms_a, tuple) and isinstance(vms_b, tuple)
    return (
        folder_a == folder_b
        and len(vms_a) == len(vms_b)
        and all(x is y for x, y in zip(vms_a, vms_b, strict=True))
        and rest_a == rest_b
    )


def _differs(a: SiteView, b: SiteView) -> bool:
    return a.domains != b.domains or a.warnings != b.warnings
