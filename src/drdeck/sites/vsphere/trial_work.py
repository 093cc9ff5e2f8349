"""Work of a Test Failover around its calls: what is looked at before it begins, and kept of each call."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from drdeck.model import commands as c
from drdeck.model.facts.trial_facts import TrialRoom
from drdeck.model.life.trial_words import no_room
from drdeck.model.planned import PlannedCall
from drdeck.model.text import names, some
from drdeck.sites.contract import Refused, SiteError, SiteUnreachable
from drdeck.sites.vsphere.plan.domain_state import DomainState, network_ids
from drdeck.sites.vsphere.plan.restore_points import target
from drdeck.sites.vsphere.plan.trials import trial_plan
from drdeck.sites.vsphere.plan.trials.trial_view import offer_of
from drdeck.sites.vsphere.record import trial_transitions
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.record_values import CloneRecord
from drdeck.sites.vsphere.vcenter.calls.call_arguments import CloneArguments, record_step
from drdeck.sites.vsphere.vcenter.calls.trials.before_clones import BeforeClones, before_clones
from drdeck.sites.vsphere.vcenter.calls.trials.linked_clone import Cloned
from drdeck.sites.vsphere.vcenter.calls.trials.trial_adoption import Adopted, adopted
from drdeck.sites.vsphere.vcenter.calls.trials.trial_conditions import Expected
from drdeck.sites.vsphere.vcenter.calls.trials.trial_marks import digest
from drdeck.sites.vsphere.vcenter.calls.trials.trial_removal import Removed
from drdeck.sites.vsphere.vcenter.connection import Connection, VCenterSession

from .view.site_state import SiteState

KINDS = ("clone", "trial_connect", "trial_on", "trial_off", "destroy")
"""Kinds of calls that test VMs come from, or are about."""
_UNTIL_S = 15.0
"""Between two looks at the test folder while nothing goes on there."""
POLL_S = 2.0
"""The same while a test goes on."""


class TrialWork:
    """The work of a Test Failover at a vCenter, and what is there of it.

    `connected` gives the connection that there is, or raises SiteUnreachable.
    """

    def __init__(self, state: SiteState, connected: Callable[[], Connection]) -> None:
        self._state, self._connected = state, connected
        self._beginnings: dict[str, trial_transitions.Beginning] = {}
        self._adoptions: dict[str, dict[str, CloneRecord | str]] = {}

    # -- looking

    async def look(self) -> bool:
        """Read the test folder anew; True if anything differs. Raises SiteUnreachable, Refused."""
        folder = self._state.trials
        if folder.settings is None:
            return False
        inventory, before = self._state.inventory(), folder.serial
        records = [s.record for _, s in self._state.domain_states()]
        clone_ids = {ident for record in records for ident in record.clones}

        def read(session: VCenterSession) -> None:
            folder.read(session, clone_ids, inventory.networks)

        await self._connected().poll(read, "read the test folder")
        return folder.serial != before

    def pause_s(self) -> float:
        """Seconds until the next look is due."""
        try:
            busy = any(s.record.trial is not None or s.record.clones for _, s in self._state.domain_states())
        except SiteUnreachable:
            busy = False
        return POLL_S if busy else _UNTIL_S

    # -- beginning

    async def prepare(self, command: c.StartTrial, s: DomainState) -> None:
        """Look at all that a test needs, just before it begins. Raises Refused, SiteUnreachable."""
        if s.record.trial is not None and s.record.trial.of == command.operation:
            return
        await self.look()
        s = self._state.find(command.domain)[1]
        settings, inventory = s.trial_settings, self._state.inventory()
        if settings is None:
            raise Refused(f"Could not {command.says}: the settings have no [sites.{self._state.name}.test]")
        offer = offer_of(s, inventory)
        if offer is not None and offer.closed:
            raise Refused(f"Could not {command.says}: {offer.closed}")
        tests = [
            (x.name, x.record.trial) for _, x in self._state.domain_states() if x.record.trial is not None
        ]
        going = {trial.bubble or name for name, trial in tests}
        if len(going) >= settings.keep_running and command.bubble not in going:
            raise Refused(
                f"Could not {command.says}: {len(going)} tests run here ({', '.join(sorted(going))}), which"
                " is keep_running"
                " in the settings; end one first"
            )
        members = [vm for vm in s.vms if not command.vms or vm.name in command.vms]
        bare = [vm for vm in members if target(vm, command.to or s.now, s.record) is None]
        if bare:
            raise Refused(
                f"Could not {command.says}: no restore point at or before that instant: {names(bare)};"
                " choose a later one, or name the other VMs with --vm"
            )
        short = no_room(await self._room(s, command.vms, command.to))
        if short is not None:
            raise Refused(f"Could not {command.says}: {short}")
        self._beginnings[command.operation] = trial_transitions.Beginning(
            secrets.token_hex(16),
            tuple(vm.id for vm in members) if len(members) < len(s.vms) else (),
            network_ids(inventory, command.networks),
        )

    async def room(self, domain: str, vms: tuple[str, ...], to: datetime | None) -> tuple[TrialRoom, ...]:
        """The room by datastore for a test of these VMs (names; empty: all) from their points at `to` (None:
        the newest). Raises SiteUnreachable, and Refused for what keeps them from being cloned."""
        await self.look()
        return await self._room(self._state.find(domain)[1], vms, to)

    async def _room(self, s: DomainState, vms: tuple[str, ...], to: datetime | None) -> tuple[TrialRoom, ...]:
        """The same, as the test folder was seen a moment ago."""
        if s.trial_settings is None:
            return ()
        offer = offer_of(s, self._state.inventory())
        if offer is not None and offer.closed:
            raise Refused(offer.closed)
        members = [vm for vm in s.vms if not vms or vm.name in vms]
        points = {vm.id: point.id for vm in members if (point := target(vm, to or s.now, s.record))}
        if not points:
            return ()

        def read(session: VCenterSession) -> BeforeClones:
            return before_clones(session, points)

        before = await self._connected().poll(read, "read what is to be cloned, and the room for it")
        closed = [f"{vm.name}: {before.closed[vm.id]}" for vm in members if vm.id in before.closed]
        if closed:
            raise Refused(f"{some(closed)}; leave such VMs out: name the others with --vm")
        share = s.trial_settings.share
        return tuple(
            TrialRoom(datastore=name, needed=int(size * share), free=before.free.get(name, 0), share=share)
            for name, size in sorted(before.sizes.items())
        )

    # -- adopting

    async def look_at_strays(self, command: c.AdoptTrialVms | c.MakePlannedCall) -> str:
        """Look at VMs that are to be adopted; the first condition that keeps one from it, in words.

        Raises Refused, SiteUnreachable."""
        await self.look()
        s = self._state.find(command.domain)[1]
        strays, trial = trial_plan.strays(s), s.record.trial
        marks = {clone.marker for clone in s.record.clones.values()}
        if trial is not None and trial.key:
            marks.add(trial.marker)
        if isinstance(command, c.AdoptTrialVms):
            marks |= set(command.marks)
            meant = {facts.vm.id: facts.vm.name for facts in strays if facts.vm.id in command.vms}
        else:
            own = trial.marker if trial is not None and trial.key else None
            meant = {facts.vm.id: facts.vm.name for facts in strays if facts.marker == own}
        folder = s.trials.folder if s.trials is not None else ""
        place = Expected("", "", "", "", frozenset(), folder, s.root, s.trial_prefix)
        sources = [vm.id for vm in s.vms]

        def read(session: VCenterSession) -> dict[str, Adopted | str]:
            return {vm: adopted(session, vm, marks, sources, place) for vm in meant}

        looked_at = await self._connected().poll(read, "look at test VMs that are in no list")
        self._adoptions[command.operation] = {
            vm: CloneRecord(of=a.of, snapshot="", uuid=a.uuid, marker=a.marker, bases=a.bases)
            if isinstance(a, Adopted)
            else a
            for vm, a in looked_at.items()
        }
        return next((f"{meant[vm]}: {why}" for vm, why in looked_at.items() if isinstance(why, str)), "")

    # -- changing the record

    def changes(self, command: c.AnyCommand, record: Record, s: DomainState) -> dict[str, str]:
        """The changes of a domain's record by a command of a test."""
        now = self._state.now()
        match command:
            case c.StartTrial():
                settings = s.trial_settings
                lasts_s = command.ends_after_s or (float(settings.ends_after) if settings else 4 * 3600.0)
                beginning = self._beginnings.get(command.operation)
                if beginning is None:
                    beginning = trial_transitions.Beginning(secrets.token_hex(16), (), {})
                return trial_transitions.start(record, command, beginning, lasts_s, now)
            case c.EndTrial():
                files = tuple(sorted(map(digest, command.detach)))
                return trial_transitions.end(record, msgspec.structs.replace(command, detach=files), now)
            case c.AdoptTrialVms():
                return trial_transitions.adopt(record, self._adoptions.pop(command.operation, {}), True)
            case c.MakePlannedCall() if record_step(command.call).to == "trial_adopt":
                return trial_transitions.adopt(record, self._adoptions.pop(command.operation, {}), False)
            case c.Resolve():
                return trial_transitions.resolve(record, command, trial_plan.unready_clones(s), now)
            case c.MakePlannedCall():
                to, g, _ = record_step(command.call)
                # maintenance has no operation: the test that it goes on with is the one there is
                operation = command.operation or (record.trial.id if record.trial is not None else "")
                return trial_transitions.step(record, operation, to, g, now, self._absent(record))
        return {}

    def _absent(self, record: Record) -> list[str]:
        """Test VMs of a record that are not there any more."""
        trials = self._state.trials.inventory
        if trials is None:
            return []
        idents = {*record.clones, *record.left}
        return [ident for ident in idents if ident not in trials.vms and not ident.startswith("replica:")]

    def is_of_a_trial(self, command: c.AnyCommand) -> bool:
        """Tell whether a command changes what a record has of a test."""
        match command:
            case c.StartTrial() | c.EndTrial() | c.AdoptTrialVms():
                return True
            case c.Resolve():
                return command.question.startswith(("ready:test:", "tool:test:", "tool_on:test:"))
            case c.MakePlannedCall():
                return record_step(command.call).to in trial_transitions.STEPS
        return False

    def kept(self, call: PlannedCall, answer: str, record: Record) -> tuple[dict[str, str], str]:
        """The changes of a record by what a call told, and what an operator should know of it."""
        if not answer:
            return {}, ""
        if call.kind == "clone":
            args = CloneArguments.of(call.args)
            clone_facts = msgspec.json.decode(answer, type=Cloned)
            clone = CloneRecord(
                of=call.vm or "",
                snapshot=args.snapshot,
                uuid=clone_facts.uuid,
                marker=args.marker,
                bases=clone_facts.bases,
            )
            remark = f"{args.name} is {clone_facts.vm}"
            return trial_transitions.cloned(record, clone_facts.vm, clone), remark
        end = msgspec.json.decode(answer, type=Removed)
        changes = trial_transitions.removed(record, call.vm or "", end.left, end.replica)
        remark = f"{call.name} is left over: {end.left}" if end.left else ""
        if end.replica:
            remark = f"the replica changed: {end.replica}"
        return changes, remark


async def keep_looking(work: TrialWork, wake: Callable[[], None], sleep: Callable[[float], Any]) -> None:
    """Look at the test folder again and again, while the site is watched."""
    while True:
        try:
            if await work.look():
                wake()
            pause_s = work.pause_s()
        except SiteError:
            pause_s = POLL_S
        await sleep(pause_s)
