"""A failover flow at a vCenter where domains can be tested."""

from __future__ import annotations

from typing import Any

from tests.support.deck import SITE
from tests.support.vcenter import rehearsing
from tests.support.vcenter.flow import Flow, MakeFlow, settings
from tests.support.vcenter.flowsite import DOMAIN
from tests.support.vcenter.vcsim import VCenter


def table(more: str = "", space: str = "0%") -> str:
    """TOML of the test folder and its network."""
    return (
        f'[sites.{SITE}.test]\nfolder = "{rehearsing.TEST_FOLDER}"\nnetwork = "{rehearsing.BUBBLE}"\n'
        f'space = "{space}"\n{more}\n'
    )


class TrialFlow:
    """A flow whose vCenter has a test folder and an isolated network."""

    def __init__(
        self,
        make_flow: MakeFlow,
        recovery: VCenter,
        more: str = "",
        uplink: bool = False,
        space: str = "0%",
        extra: str = "",
        protected: VCenter | None = None,
    ) -> None:
        self.folder = rehearsing.make_test_folder(recovery)
        self.network = rehearsing.make_isolated_network(recovery, uplink=uplink)
        self.flow: Flow = make_flow(recovery, protected, toml=settings(extra=extra) + table(more, space))
        self.recovery = recovery
        self.flow.until(lambda domain: domain["mode"] == "imported")

    def clones(self) -> list[str]:
        """Names of the VMs in the test folder."""
        return sorted(vm.name for vm in self.folder.childEntity)

    def trial_json(self) -> dict[str, Any]:
        (trial,) = self.flow.deck.json("test", "show", DOMAIN)["tests"]
        return dict(trial)
