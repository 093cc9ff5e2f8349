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
[[faults]]
kind = "foreign_disk"
domain = "erp"
"""
FOREIGN_DISK = "[datastore1] file-server/file-server_1.vmdk"
"""What somebody attaches to the first test VM."""


class LifeSettings(NamedTuple):
    """Settings of a training site, and the scenario that they name."""

    toml: str
    scenario: str

    def write(self, directory: Path) -> None:
        (directory / "life.toml").write_text(self.scenario, "utf-8")


LIFE_SETTINGS = LifeSettings(
    '[sites.training]\nkind = "training"\nscenario = "life.toml"\nspeed = 300\n', _SCENARIO
)


def check_training_round(before: dict[str, Any], after: dict[str, Any], number: int) -> None:
    """A round left the domain, as `show --json` has it, as it was before, but for the time of its session,
    the word of its test, what is known of its data, and the sight of it."""
    assert len(after["excluded"]) == number + 1 and after["excluded"][:number] == before["excluded"]
    assert (after["tested"]["result"], after["tested"]["vms"]) == ("passed", 1)
    assert before["tested"] is None or after["tested"]["at"] > before["tested"]["at"]
    assert after["way_back"]["resumable"]
    assert _at_rest(after) == _at_rest(before)


def _at_rest(domain: dict[str, Any]) -> dict[str, Any]:
    """The part of it that no round changes."""
    vms = [{**vm, "restore_points": 0} for vm in domain["vms"]]
    way_back = {**domain["way_back"], "resumable": None}
    return {**domain, "seen_at": "", "excluded": [], "tested": None, "way_back": way_back, "vms": vms}


def check_training_log(deck: Deck) -> None:
    """Whatever was begun is done, and the audit log is whole."""
    assert {op["state"] for op in deck.json("tasks")["operations"]} == {"done"}
    assert deck.json("audit", "verify")["sound"] is True
