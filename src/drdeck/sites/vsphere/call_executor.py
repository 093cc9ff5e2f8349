"""Carries single commands out at a vSphere site: a change of a domain's record, or a call about one VM."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from drdeck.model import commands as c
from drdeck.model.planned import PlannedCall
from drdeck.model.text import names
from drdeck.sites.contract import (
    Busy,
    Refused,
    ResultUnknown,
    SiteUnreachable,
    TaskBegun,
)
from drdeck.sites.vsphere.guard.guard_service import GuardService
from drdeck.sites.vsphere.inventory.inventory_facts import FolderFacts, VmFacts
from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.plan.domain_state import DomainState
from drdeck.sites.vsphere.plan.preconditions import why_not
from drdeck.sites.vsphere.plan.restore_points import backup_of
from drdeck.sites.vsphere.record.attribute_changes import NotNow
from drdeck.sites.vsphere.record.attributes import in_order, read
from drdeck.sites.vsphere.record.event_words import event_words_of
from drdeck.sites.vsphere.record.leases.lease import HeldElsewhere
from drdeck.sites.vsphere.vcenter.attribute_writer import AttributeWriter
from drdeck.sites.vsphere.vcenter.calls import vm_calls
from drdeck.sites.vsphere.vcenter.calls.call_arguments import WaitArguments, record_step
from drdeck.sites.vsphere.vcenter.calls.call_runner import CallRunner
from drdeck.sites.vsphere.vcenter.calls.rollback_call import KnownHardware
from drdeck.sites.vsphere.vcenter.calls.vm_tasks import CallSteps, EarlierAttempt
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession

from .lease_keeper import LeaseKeeper
from .patience import Patience
from .protected_site import NOT_YET, ProtectedVCenter
from .record_changes import record_changes
from .trial_work import KINDS, TrialWork
from .user_events import UserEvents
from .view.site_state import SiteState

_OF_THE_RECORD = ("step", "note", "join")
"""Kinds of calls that change nothing but a domain's record."""
OF_A_REMOVED_RECORD = (c.WriteRecordBack, c.AcceptRemoval)
"""Commands that are for domains whose record was removed."""

_AT_THE_PROTECTED_SITE = ("shutdown_guest", "power_off_there", "power_on_there")
OTHERS_S = 1.0
"""Between two looks at a task of others that is waited for."""


class CallExecutor:
    """The calls of a site. `connected` and `watching` give what there is, or raise SiteUnreachable.

    `done` is called when a command changed what is shown, `changed` when a call may have: with True by the
    last one that was under way at a domain.
    """

    def __init__(
        self,
        state: SiteState,
        keeper: LeaseKeeper,
        guard: GuardService,
        protected: ProtectedVCenter | None,
        connected: Callable[[], Connection],
        watching: Callable[[], InventoryWatch],
        done: Callable[[], None],
        changed: Callable[[bool], None],
    ) -> None:
        self._state, self._keeper, self._guard, self._protected = state, keeper, guard, protected
        self._connected, self._watching, self._done, self._changed = connected, watching, done, changed
        self._attributes = AttributeWriter()
        self._locks: dict[str, asyncio.Lock] = {}
        self._going: Counter[str] = Counter()
        self._patience = Patience()
        self.user_events = UserEvents(lambda: watching().datacenter, connected)
        self._runners: dict[Connection, CallRunner] = {}
        self.trials = TrialWork(state, connected)

    def check(self, command: c.AnyCommand) -> str | None:
        """The reason why a command could not be carried out, from what is known now; None: it could."""
        try:
            _, domain_state = self._state.find(command.domain, isinstance(command, OF_A_REMOVED_RECORD))
        except Refused as error:
            return str(error)
        return why_not(command, domain_state, self._state.inventory())

    async def carry_out(self, command: c.AnyCommand, begun: TaskBegun | None = None) -> str:
        """Carry one command out; what there is to remark. `begun`: as at RecoverySite.execute."""
        if isinstance(command, c.MakePlannedCall) and command.call.kind not in _OF_THE_RECORD:
            return await self._make_call(command, begun)
        await self._change(command)
        return ""

    async def _change(self, command: c.AnyCommand) -> None:
        if isinstance(command, c.TakeOver):
            await self._keeper.drive(self._state.find(command.domain)[0], command.says, force=True)
            if self._protected is not None:
                await self._protected.settle()
            await self._watching().refresh_attributes()
            # what the holder before has begun may be under way yet
            await self._watching().ask_tasks([vm.id for vm in self._state.find(command.domain)[1].vms])
            self._done()
            return
        if isinstance(command, c.AcceptRemoval):
            self._state.folders.forget(self._state.folder(command.domain).id)
            self._done()
            return
        if isinstance(command, c.WriteRecordBack):
            await self._watching().refresh_attributes()
            folder, _ = self._state.find(command.domain, even_removed=True)
            if self._state.removed(folder):
                await self._write(folder, self._state.folders.last(folder.id)[0], command.says)
            self._done()
            return
        if isinstance(command, c.MakePlannedCall) and record_step(command.call).to == "entry":
            await self._nothing_running(command)
        closed = self.check(command)
        if closed is not None and not isinstance(command, c.MakePlannedCall):
            raise Refused(closed)
        if isinstance(command, c.StartTrial):
            domain_state = self._state.find(command.domain)[1]
            await self.trials.prepare(command, domain_state)
            # nobody has asked after tasks on an imported domain, and a snapshot may be under way
            await self._watching().ask_tasks([vm.id for vm in domain_state.vms])
        if isinstance(command, c.AdoptTrialVms):
            why = await self.trials.look_at_strays(command)
            if why:
                raise Refused(f"Could not {command.says}: {why}")
        elif isinstance(command, c.MakePlannedCall) and record_step(command.call).to == "trial_adopt":
            await self.trials.look_at_strays(command)
        noted = isinstance(command, c.MakePlannedCall) and command.call.kind == "note"
        async with self._locks.setdefault(command.domain, asyncio.Lock()):
            await self._read_record(self._state.folder(command.domain), command.says, leased=not noted)
            folder, domain_state = self._state.find(command.domain)
            try:
                changes = self._changes(command, domain_state)
            except NotNow as error:
                raise Refused(f'Could not {command.says}: "{command.domain}": {error}') from None
            except ValueError as error:
                raise Refused(f"Could not {command.says}: {error}") from None
            if changes and isinstance(command, c.RollBack | c.ExitSession | c.MakeEntryPoints):
                self._guard.begins(command.operation)
            elif changes and isinstance(command, c.StartSession):
                self._guard.begins(command.session)
            await self._write(folder, changes, command.says, leased=not noted)
            if changes:
                after = read({**folder.attributes, **changes})
                self.user_events.tell(event_words_of(domain_state.record, after, command))
            self._done()

    async def _nothing_running(self, command: c.MakePlannedCall) -> None:
        """Consistency is decided by asking: vCenter does not tell of tasks. Raises Busy."""
        domain_state = self._state.find(command.domain)[1]
        vms = [vm for vm in domain_state.session_vms() if vm.id not in domain_state.record.skipped]
        running = await self._watching().ask_tasks([vm.id for vm in vms])
        if running:
            self._done()
            busy = names([vm for vm in vms if vm.id in running])
            raise Busy(f"Could not {command.says}: tasks are under way on {busy}")

    async def _read_record(self, folder: FolderFacts, aim: str, leased: bool) -> None:
        """Read a domain's record as it is now: the look at a lease of ours, which a change of it needs in
        any case, brings it along."""
        if not (leased and self._keeper.leases.holds(folder.id)):
            await self._watching().refresh_attributes([folder.id])
            return
        try:
            await self._keeper.drive(folder, aim)
        except HeldElsewhere as error:
            raise SiteUnreachable(f"Could not {aim}: {error}") from None
        self._watching().show_attributes()

    async def _write(
        self, folder: FolderFacts, changes: dict[str, str], aim: str, leased: bool = True
    ) -> None:
        todo = in_order(changes, folder.attributes)
        if not todo:
            return

        watch, since = self._watching(), self._keeper.leases.since(folder.id)
        try:
            until_s = await self._keeper.drive(folder, aim) if leased else math.inf
            mark = watch.attributes.mark()

            def write(session: VCenterSession) -> None:
                with session.stub.no_later_than(until_s):
                    for name, value in todo:
                        self._attributes.set(session, folder.id, name, value)

            await self._connected().command(write, aim)
        except HeldElsewhere as error:
            raise SiteUnreachable(f"Could not {aim}: {error}") from None
        except Exception:
            with contextlib.suppress(Exception):  # the writing's own error counts
                await self._watching().refresh_attributes([folder.id])
            raise
        # a lease taken just now is written beside, and who had it is still shown
        ours_before = since is not None and since == self._keeper.leases.since(folder.id)
        if ours_before and watch.attributes.wrote(mark, folder.id, dict(todo)):
            watch.show_attributes()
        else:  # written, but not read back: whoever asked must look again before going on
            await self._watching().refresh_attributes([folder.id])

    def _changes(self, command: c.AnyCommand, s: DomainState) -> dict[str, str]:
        if self.trials.is_of_a_trial(command):
            return self.trials.changes(command, s.record, s)
        return record_changes(command, s, self._state.inventory(), self._state.now())

    async def _make_call(self, command: c.MakePlannedCall, begun: TaskBegun | None) -> str:
        """One call to a vCenter, for one VM; `again`: look first whether it was made already."""
        domain, call = command.domain, command.call
        if call.kind == "wait":
            return await self._await_others(call, begun)
        key = f"{command.operation}:{call.key}"
        again = command.again or self._patience.tried(key)
        aim, shown_at = call.says, call.vm or ""
        connection = self._connected()
        if call.kind in _AT_THE_PROTECTED_SITE:
            side = self._protected
            if side is None or side.connection is None:
                why = (side.lost or NOT_YET) if side else "no protected site is configured"
                raise Refused(f"Could not {aim}: {why}")
            connection = side.connection
            shown_at = next((x.id for x in self._state.find(domain)[1].vms if x.name == call.name), "")
        folder = self._state.folder(domain)
        machine = self._machine(domain, call)
        power = machine.power if machine is not None else "unknown"
        self._going[domain] += 1
        try:
            # looked at right before the call: a controller that slept must learn that it drives no more
            await self._keeper.drive(folder, aim)
            before = self._before(folder, call) if again else None

            devices = self._state.devices
            hardware = KnownHardware(
                devices.hardware_of(machine) if machine is not None else None,
                functools.partial(devices.take, call.vm or ""),
            )

            def steps_of(session: VCenterSession) -> CallSteps:
                steps = vm_calls.carry_out(session, call, before, again, hardware)
                return vm_calls.followed(session, command.task, call, steps) if command.task else steps

            async def until() -> float:
                return await self._keeper.drive(folder, aim)

            with self._guard.own_calls.remember(call, power):
                runner = self._runner_of(connection)
                started, remark = False, ""
                if machine is not None and await self._starts_together(command, machine, runner, again):
                    lacks = functools.partial(vm_calls.before_power_on, call=call)
                    remark = await runner.carry_out(lacks, aim, until, begun) if call.args else ""
                    started = await runner.together.power_on(machine.id, aim, until, begun)
                if not started:
                    remark = await runner.carry_out(steps_of, aim, until, begun)
        except HeldElsewhere as error:
            raise SiteUnreachable(f"Could not {aim}: {error}") from None
        except asyncio.CancelledError:  # nobody waits for its task any more
            self._state.failed(shown_at, call.kind, f"Could not {aim}: it has not ended yet")
            raise
        except Refused as error:
            self._patience.over(key)
            self._state.failed(shown_at, call.kind, str(error))
            raise
        except (Busy, ResultUnknown) as error:
            weighed = self._patience.weigh(key, error, self._state.now(), call.limit_s)
            if isinstance(error, Busy):
                self._state.failed(shown_at, call.kind, str(weighed))
            raise weighed from None
        else:
            self._patience.over(key)
            self._state.errors.pop(shown_at, None)
            return await self._kept(command, remark) if call.kind in KINDS else remark
        finally:
            self._going[domain] -= 1
            self._changed(not self._going[domain])

    def _machine(self, domain: str, call: PlannedCall) -> VmFacts | None:
        """The VM that a call is about, at the site where it is; ids of two vCenters may be alike."""
        if call.kind not in _AT_THE_PROTECTED_SITE:
            return self._state.inventory().vms.get(call.vm or "")
        there = self._state.find(domain)[1].protected
        return next((vm for vm in there.vms if vm.id == call.vm), None) if there is not None else None

    async def _kept(self, command: c.MakePlannedCall, answer: str) -> str:
        """Keep in the record what a call of a test told, and see the test folder as it is now."""
        async with self._locks.setdefault(command.domain, asyncio.Lock()):
            await self._watching().refresh_attributes([self._state.folder(command.domain).id])
            folder, domain_state = self._state.find(command.domain)
            changes, remark = self.trials.kept(command.call, answer, domain_state.record)
            await self._write(folder, changes, f"note what came of it: {command.says}")
            await self.trials.look()
            self._done()
        return remark

    async def _await_others(self, call: PlannedCall, begun: TaskBegun | None) -> str:
        """Wait until a task of others on a VM, or a backup, has ended; it holds no place meanwhile."""
        awaited = WaitArguments.of(call.args)
        if begun is not None:
            await begun(awaited.task or awaited.snapshot)
        while True:
            vm = self._state.inventory().vms.get(call.vm or "")
            if vm is None:
                return ""
            backup = backup_of(vm, self._state.now()) if awaited.snapshot else None
            if awaited.task not in vm.running_tasks and (backup is None or backup.id != awaited.snapshot):
                return ""
            await asyncio.sleep(OTHERS_S)

    async def _starts_together(
        self, command: c.MakePlannedCall, vm: VmFacts, runner: CallRunner, again: bool
    ) -> bool:
        """Tell whether a VM is started with others of its group, as the settings want it.

        A second try is made alone: what a group's call said of others is not known any more.
        """
        how = self._state.settings.power_on
        if how == "single" or command.call.kind not in ("power_on", "power_on_there"):
            return False
        if again or command.task or vm.power == "on":
            return False
        return await runner.together.suits(vm.id, vm.host, anyhow=how == "group")

    def _runner_of(self, connection: Connection) -> CallRunner:
        """The runner of the calls over a connection, of which there is one for as long as it is in use."""
        runner = self._runners.get(connection)
        if runner is None:
            protected = self._protected.connection if self._protected is not None else None
            self._runners = {
                other: earlier
                for other, earlier in self._runners.items()
                if other is protected or self._current(other)
            }
            override = self._state.settings.power_on_override
            runner = self._runners[connection] = CallRunner(connection, override)
        return runner

    def _current(self, connection: Connection) -> bool:
        """Tell whether it is the one to this site, and not replaced meanwhile."""
        try:
            return self._connected() is connection
        except SiteUnreachable:
            return False

    def _before(self, folder: FolderFacts, call: PlannedCall) -> EarlierAttempt | None:
        """Since when a call may have been asked for, where the VM itself does not show that it was."""
        if "since" not in call.args:
            return None
        since = datetime.fromisoformat(call.args["since"])
        return EarlierAttempt(since, self._state.now() - since, self._keeper.leases.accounts(folder.id))
