"""A training site on which a domain lives its whole life, and what each round of it leaves there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from tests.support.deck import Deck

_SCENARIO = """
name = "life"
start = "2026-01-16T22:00:00Z"
[[domains]]
name = "erp"
pitr = { enabled = true, window = "3d", interval = "1m" }
state = "imported"
[[domains.vms]]
name = "db1"
disk_bytes = 1_000_000_000
write_bytes_per_s = 1_000
network = "VM_3510"
"""


class LifeSettings(NamedTuple):
    """Settings of a training site, and the scenario that they name."""

    toml: str
    scenario: str

    def write(self, directory: Path) -> None:
        (directory / "life.toml").write_text(self.scenario, "utf-8")


LIFE_SETTINGS = LifeSettings(
    '[sites.training]\nkind = "training"\nscenario = "life.toml"\nspeed = 300\n', _SCENARIO
)


def training_kept(deck: Deck) -> dict[str, Any]:
    """What is left of a round at the training site."""
    domain = deck.domain("erp")
    return {
        "mode": domain["mode"],
        "owner": domain["owner"],
        "session": domain["session"],
        "operation": domain["operation"],
        "undo": domain["undo"]["possible"],
        "committed_at": domain["committed_at"],
        "tested": domain["tested"]["result"],
        "test": domain["test"],
        "power": [vm["power"] for vm in domain["vms"]],
    }


def check_training_left(deck: Deck, left: list[dict[str, Any]]) -> None:
    """Each round left the same: the domain as imported, and its last test."""
    assert left[0] == left[1] == left[2]
    end = left[-1]
    assert (end["mode"], end["owner"], end["power"]) == ("imported", "remote", ["off"])
    assert (end["tested"], end["test"], end["session"], end["operation"]) == ("passed", None, None, None)
    assert not end["undo"] and end["committed_at"] is None
    assert {op["state"] for op in deck.json("tasks")["operations"]} == {"done"}
    assert deck.json("audit", "verify")["sound"] is True
