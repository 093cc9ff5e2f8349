"""Probes of VMs that count as ready once they answer: a TCP connection, or a page."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable

from drdeck.config.readiness import Readiness, reachable_address
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts
from drdeck.sites.vsphere.plan.domain_state import DomainState
from drdeck.sites.vsphere.plan.parts.runbook_groups import readiness_of
from drdeck.sites.vsphere.vcenter.connection import in_thread
from drdeck.sites.vsphere.vcenter.server_certificate import unchecked

ANSWERS_WITHIN_S = 3.0
EVERY_S = 2.0
AT_ONCE = 32


class ReadinessProbes:
    """The VMs that have answered since they were started. `changed` is called when one more has.

    A VM that answered once counts until it is off, as one whose VMware Tools were seen does.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._limit = asyncio.Semaphore(AT_ONCE)
        self._asked_at: dict[str, float] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self.reached: frozenset[str] = frozenset()
        """ids of VMs"""

    def follow(self, domain_states: Iterable[DomainState]) -> None:
        """Probe those VMs of owned domains that are on and have not answered; returns at once."""
        now = asyncio.get_running_loop().time()
        on: set[str] = set()
        for s in domain_states:
            for vm in s.vms if s.record.owned else ():
                readiness, subnet = readiness_of(vm, s.settings)
                if not readiness.is_probed or vm.power != "on":
                    continue
                on.add(vm.id)
                address = reachable_address(vm.addresses, subnet)
                waits = vm.id in self.reached or vm.id in self._under_way
                if address and not waits and now - self._asked_at.get(vm.id, -EVERY_S) >= EVERY_S:
                    self._asked_at[vm.id] = now
                    self._under_way[vm.id] = asyncio.create_task(self._probe(vm, readiness, address))
        self.reached &= on

    async def _probe(self, vm: VmFacts, readiness: Readiness, address: str) -> None:
        try:
            async with self._limit:
                if await answers(readiness, address):
                    self.reached |= {vm.id}
                    self._changed()
        finally:
            self._under_way.pop(vm.id, None)

    def close(self) -> None:
        for task in self._under_way.values():
            task.cancel()


async def answers(readiness: Readiness, address: str) -> bool:
    """Tell whether a VM answers at its address as the settings want; a page has to be one, not an error."""
    with contextlib.suppress(OSError, TimeoutError):
        if readiness.kind == "tcp":
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                _, writer = await asyncio.open_connection(address, readiness.port)
            writer.close()
            return True
        return await in_thread(lambda: _page(readiness.url, address))
    return False


def _page(url: str, address: str) -> bool:
    """Tell whether a page is there. Its certificate is of a name, and the address is what is looked for."""
    host = f"[{address}]" if ":" in address else address
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unchecked())
    )
    try:
        with opener.open(url.replace("{ip}", host), timeout=ANSWERS_WITHIN_S) as answer:
            return int(answer.status) < 400
    except (urllib.error.URLError, ValueError):
        return False
