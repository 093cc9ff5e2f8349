"""A domain's life through a controller process that may die: tested with a disk of others at the test VM,
undone, there again, and released."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType, Mode, Vm
from drdeck.model.facts.trial_facts import TrialState
from tests.support.deck import SITE
from tests.support.faults.live import VM, Live
from tests.support.vcenter import rehearsing
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter


class LifeTruth(NamedTuple):
    """The end of a life as the vCenter has it. `destroyed`: how many VMs, and files of others with them."""

    mode: str
    record: tuple[str, ...]
    snapshots: tuple[str, ...]
    power: str
    test_vms: tuple[str, ...]
    destroyed: tuple[tuple[str, ...], ...]
    clones: int
    alarms: tuple[str, ...]


class WholeLife(Live):
    """As `Live`, with a test folder and an isolated network of its own, and a failover that can be undone."""

    def __init__(self, directory: Path, vcenter: VCenter) -> None:
        super().__init__(directory, vcenter)
        name = f"tests-of-{self.root.rpartition('/')[2]}"
        self.folder = rehearsing.make_test_folder(vcenter, name)
        rehearsing.make_isolated_network(vcenter, name)
        text = self.deck.config.read_text("utf-8").replace("undo = false", "undo = true")
        table = f'[sites.{SITE}.test]\nfolder = "/DC0/vm/{name}"\nnetwork = "{name}"\nspace = "0%"\n'
        self.deck.config.write_text(f"{text}\n{table}", "utf-8")
        self.destroyed_before = len(rehearsing.destroyed(vcenter))

    async def done(self, action: str, **wish: object) -> None:
        ident = await self.ask(Request(action=action, domain=DOMAIN, confirm=DOMAIN, **wish))  # type: ignore[arg-type]
        await self.until(lambda: self.ended(ident))

    async def fails_over(self) -> None:
        await self.done("cfo_start")
        await self.done("cfo_complete", type=FailoverType.FORCE)
        await self.until(lambda: self.domain_now and self.domain_now.mode is Mode.RUNNING_IN_FAILOVER)

    async def flow(self) -> None:
        await self.until(
            lambda: self.domain_now and self.domain_now.trial_offer and not self.domain_now.trial_offer.closed
        )
        await self.done("test_start")
        await self.until(
            lambda: (
                self.domain_now
                and self.domain_now.trial
                and self.domain_now.trial.state is TrialState.RUNNING
            )
        )
        (test_vm,) = self.folder.childEntity
        ((of_the_replica, _),) = rehearsing.disk_files(self.vcenter, VM)
        rehearsing.attach_disk(self.vcenter, test_vm, of_the_replica)
        await self.done("test_end")
        await self.until(lambda: self.domain_now and self.domain_now.trial and self.domain_now.trial.foreign)
        await self.done("test_detach")
        await self.fails_over()
        await self.done("failover_undo")
        await self.until(lambda: self.domain_now and self.domain_now.mode is Mode.IMPORTED)
        await self.fails_over()
        await self.done("failover_commit")
        self.vcenter.power_off(VM)
        await self.until(lambda: (vms := self.rows()) and all(vm.power == "off" for vm in vms))
        release = await self.ask(Request(action="domain_release", domain=DOMAIN, confirm=DOMAIN))
        await self.until(lambda: self.domain_now and self.domain_now.mode is Mode.RELEASING)
        self.vcenter.make_snapshot(VM, "replica anew")
        await self.until(lambda: self.ended(release))
        await self.until(
            lambda: self.domain_now and self.domain_now.mode is Mode.IMPORTED
        )  # a new one looks first

    def rows(self) -> tuple[Vm, ...]:
        """The domain's VMs as the controller shows them; none before it does."""
        detail = self.client.detail if self.client is not None else None
        return detail.domain.vms if detail is not None and detail.domain is not None else ()

    def life_truth(self) -> LifeTruth:
        attributes = self.vcenter.attributes(DOMAIN)
        other = ("drdeck.lease", "drdeck.asked")
        destroyed = rehearsing.destroyed(self.vcenter)[self.destroyed_before :]
        return LifeTruth(
            mode=str(self.domain_now.mode) if self.domain_now else "",
            record=tuple(sorted(k for k, v in attributes.items() if v and k not in other)),
            snapshots=tuple(sorted(s.name for s in self.vcenter.snapshots(VM))),
            power=self.vcenter.power(VM),
            test_vms=tuple(sorted(vm.name for vm in self.folder.childEntity)),
            destroyed=tuple(x.shared for x in destroyed),
            clones=(self.vcenter.calls() - self.before)["CloneVM_Task"],
            alarms=tuple(self.journal_texts("alarm")),
        )
