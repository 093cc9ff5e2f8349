"""The bench over a vSphere site: a simulated vCenter, or two, and clocks that the test can move on."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from drdeck.config.settings import (
    DomainSettings,
    Duration,
    PitrSettings,
    TrialSettings,
    VCenterSettings,
    VSphereSettings,
)
from drdeck.model.times import show
from drdeck.sites.contract import RecoverySite
from drdeck.sites.vsphere import make_vsphere_site
from tests.site_contract.bench import (
    DOMAIN,
    INTERVAL_S,
    SHUTDOWN_S,
    VMS,
    WINDOW_S,
    Bench,
    MovedClock,
    Plan,
    Truth,
)
from tests.support.passwords import OnePassword
from tests.support.vcenter import rehearsing
from tests.support.vcenter.somebody import Somebody
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually

MINUTES_AGO = (240, 100, 80, 60, 40, 5)
"""of the points that there are; the first is before the window"""
BUSY_MS = 600_000  # until it is released
LOOKING = (
    "Retrieve", "Fetch", "WaitForUpdates", "CancelWaitForUpdates", "CurrentTime", "FindByInventoryPath",
    "CreateContainerView", "CreatePropertyCollector", "CreateFilter", "Destroy", "Log",
)  # fmt: skip
"""what the calls begin with that only look, or log in and out"""
_PATHS = ("runtime.powerState", "snapshot")
_POWER = {"poweredOn": "on", "poweredOff": "off"}
_NUMBERS = itertools.count(1)


def _points(info: Any) -> Iterator[tuple[str, datetime]]:
    """Id and instant of each snapshot; the name of ours has the instant, which may be a moved clock's. A
    failover's entry point is of the instant of the snapshot that it stands on: nothing ran meanwhile."""
    left = [(node, None) for node in info.rootSnapshotList] if info is not None else []
    while left:
        node, below = left.pop()
        ours = node.name.startswith("drdeck-")
        at = node.createTime
        if node.name.startswith("drdeck-before-"):
            at = below or at
        elif ours:
            at = datetime.fromisoformat(node.name.removeprefix("drdeck-"))
        yield node.snapshot._moId, at
        left += [(child, at) for child in node.childSnapshotList or ()]


def _give_clock(clock: MovedClock, patch: pytest.MonkeyPatch) -> None:
    """Whatever reads this machine's clock for a vSphere site reads this one."""
    readers = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("drdeck.sites.vsphere") and hasattr(module, "steady_now")
    ]
    assert readers
    for module in readers:
        patch.setattr(module, "steady_now", clock)


class VCenters(NamedTuple):
    """Two processes for all tests; each test has roots of its own in them."""

    recovery: VCenter
    protected: VCenter


class VSphereBench(Bench):
    def __init__(self, plan: Plan, directory: Path, centers: VCenters, patch: pytest.MonkeyPatch) -> None:
        self.recovery, self.protected = centers
        for center in centers:
            center.clear_rules()
        clock = MovedClock()
        _give_clock(clock, patch)
        self._laid_out_at = clock().replace(microsecond=0)
        number = next(_NUMBERS)
        root = self._lay_out_recovery(plan, f"dr-{number}")
        protected = self._lay_out_protected(plan, f"prod-{number}")
        self._replicas = {vm: self.recovery.vm(vm) for vm in VMS}
        self._sources = {vm: self.protected.vm(vm) for vm in VMS} if plan.protected != "lost" else {}
        self._since: Counter[str] = self.protected.calls()
        settings = VSphereSettings(
            url=self.recovery.url,
            username=self.recovery.user,
            ca_file=str(self.recovery.ca_file),
            root=root,
            protected=protected,
            test=self._trials(f"test-{number}") if plan.tests else None,
            domains={
                DOMAIN: DomainSettings(
                    pitr=PitrSettings(
                        enabled=plan.pitr, window=Duration(WINDOW_S), interval=Duration(INTERVAL_S), keep=31
                    ),
                    shutdown_timeout=Duration(SHUTDOWN_S),
                    start_protected=plan.starts_there,
                    tool="manual" if plan.tool else None,
                )
            },
        )
        self._settings = settings
        site = self.another()
        super().__init__(site, plan, clock, directory)

    def another(self) -> RecoverySite:
        return make_vsphere_site("dr", self._settings, OnePassword(self.recovery.password))

    def _lay_out_recovery(self, plan: Plan, root: str) -> str:
        """Replicas; where the site owns them already, they run, and drdeck made the points."""
        owned, now = plan.state == "owned", self._laid_out_at
        times = [now - timedelta(minutes=m) for m in MINUTES_AGO]
        self._named = [(f"drdeck-{show(at)}" if owned else f"replica {i}", at) for i, at in enumerate(times)]
        path = self.recovery.layout({DOMAIN: VMS[:1]}, root, self._named, running=owned)
        self.recovery.add_vm(DOMAIN, VMS[1], () if plan.behind else self._named, running=owned)
        began = {"began": show(now), "since": show(now)}
        if plan.state != "imported":
            self._write("drdeck.mode", {"mode": "cfo", "by": "op-before"})
        if owned:
            before = {"id": "op-before", "type": "force", "phase": "finished", **began}
            self._write("drdeck.failover", before)
        if plan.powerless:
            self.recovery.fail_power_on(plan.powerless, text="Insufficient resources to satisfy HA.")
        return path

    def _lay_out_protected(self, plan: Plan, root: str) -> VCenterSettings:
        url = "https://127.0.0.1:1/sdk"  # nobody listens there
        if plan.protected != "lost":
            self.protected.layout({DOMAIN: VMS}, root, snapshots=(), running=plan.protected == "on")
            url = self.protected.url
            if plan.stubborn:
                self.protected.stubborn(plan.stubborn)
        return VCenterSettings(
            url=url,
            username=self.protected.user,
            ca_file=str(self.protected.ca_file),
            root=f"/DC0/vm/{root}",
        )

    def _trials(self, name: str) -> TrialSettings:
        """A test folder and an isolated network of this test's own."""
        self.test_folder = rehearsing.make_test_folder(self.recovery, name)
        rehearsing.make_isolated_network(self.recovery, f"bubble-{name}")
        return TrialSettings(folder=f"/DC0/vm/{name}", network=f"bubble-{name}", space="0%", keep_running=9)

    def _write(self, name: str, value: dict[str, Any]) -> None:
        self.recovery.set_attribute(DOMAIN, name, json.dumps(value))

    async def until_true(self, holds: Callable[[], object], explain: Callable[[], str] = str) -> None:
        try:
            await eventually(holds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {explain()}") from None

    async def advance(self, seconds: float) -> None:
        """The site looks at the time by itself while something is under way."""
        self.clock.on(seconds)

    async def look(self) -> None:
        view = await self.site.observe()
        await self.until_true(lambda: self.serial >= view.serial)

    # -- the truth

    def truth(self) -> Truth:
        kept = self.recovery.attributes(DOMAIN)
        phase = json.loads(kept.get("drdeck.failover", "{}")).get("phase", "shutdown")
        reset = json.loads(kept.get("drdeck.pitr", "{}")).get("reset")
        here = {vm: self.recovery.read(entity, *_PATHS) for vm, entity in self._replicas.items()}
        there = {vm: self.protected.read(entity, *_PATHS) for vm, entity in self._sources.items()}
        points = {vm: dict(_points(values.get("snapshot"))) for vm, values in here.items()}
        return Truth(
            local=phase not in ("shutdown", "point", "take"),
            session=json.loads(kept.get("drdeck.session", "{}")).get("id"),
            reset=None if reset is None else datetime.fromisoformat(reset),
            closed=len([p for p in kept.get("drdeck.excluded", "").split(",") if p]),
            power={vm: _POWER[values["runtime.powerState"]] for vm, values in here.items()},
            standing={
                vm: points[vm][values["snapshot"].currentSnapshot._moId] if "snapshot" in values else None
                for vm, values in here.items()
            },
            source={vm: _POWER[values["runtime.powerState"]] for vm, values in there.items()},
            named=frozenset(at for instants in points.values() for at in instants.values()),
        )

    # -- what befalls it

    async def catch_up(self) -> None:
        for name, at in self._named:
            self.recovery.make_snapshot(VMS[1], name, at)

    async def rest_of_data(self) -> None:
        await self.until_true(
            lambda: self.domain.question and "newer than the shutdown" in self.domain.question.text,
            self.state_text,
        )
        for vm in VMS:
            self.recovery.make_snapshot(vm, "replica last", self.now())

    async def disturb(self) -> None:
        """A backup tool is at work on a VM, until things settle; vCenter tells nobody who does not ask."""
        vm = self.recovery.vm(VMS[0])
        self.recovery.slow("CreateSnapshot_Task", vm, BUSY_MS, times=1)
        vm.CreateSnapshot_Task(name="backup", description="", memory=False, quiesce=False)

    async def settle(self) -> None:
        self.recovery.release()

    async def trouble(self) -> None:
        """A replica's host is lost."""
        self.recovery.set_connection(VMS[0], "disconnected")

    async def mend(self) -> None:
        self.recovery.set_connection(VMS[0], "connected")

    def power_off_by_hand(self, vm: str) -> None:
        self.protected.power_off(vm)

    def outsider(self) -> None:
        for vm in VMS:
            self.recovery.make_snapshot(vm, "somebody else's", self.now())

    async def meddler(self, vm: str) -> None:
        joe = Somebody(self.recovery, "j.doe@corp.example", "10.0.0.7")
        await asyncio.to_thread(joe.make_snapshot, self._replicas[vm])

    def _test_vm(self, vm: str) -> Any:
        return next(x for x in self.test_folder.childEntity if x.name.endswith(vm))

    async def spoil_test_vm(self, vm: str) -> None:
        other = next(x for x in VMS if x != vm)
        ((file, _),) = rehearsing.disk_files(self.recovery, other)
        rehearsing.attach_disk(self.recovery, self._test_vm(vm), file)

    def can_be_attached(self, file: str) -> None:
        rehearsing.attach_disk(self.recovery, self.recovery.vm(VMS[1]), file)

    async def mend_test_vm(self, vm: str) -> None:
        rehearsing.detach_disk(self.recovery, self._test_vm(vm))

    async def late_clone(self, vm: str) -> None:
        """As vCenter made it, marked as the journal has it."""
        start = await self.done(self.asks("test_start"))
        await self.done(self.asks("test_end"))
        marks = self.controller.recorder.marks_of_tests({start})
        name = f"drdeck-test-{DOMAIN}-{vm}"
        clone = rehearsing.clone(self.recovery, vm, self.test_folder, name, self._named[-1][0])
        rehearsing.mark(self.recovery, clone, marks[0], vm)
        await self.until(lambda d: bool(d.strays))

    def changes_at_source(self) -> list[str]:
        calls = self.protected.calls() - self._since
        return sorted(m for m in calls if not m.startswith(LOOKING) or m == "Destroy_Task")
