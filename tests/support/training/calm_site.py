"""A training site of one domain in which nothing happens until it is thrown in, for a `Deck`."""

from __future__ import annotations

import os
import signal

from tests.support.deck import Deck

FILES = "files"
SETTINGS = """
default_site = "lab"
[sites.lab]
kind = "training"
scenario = "calm.toml"
speed = 20
"""
CALM = """
name = "calm"
start = "2026-05-23T06:00:00Z"
link_bytes_per_s = 500_000_000
seed = 23
[[domains]]
name = "files"
pitr = { enabled = true, window = "3d", interval = "15m" }
state = "synchronised"
recovery_networks = ["DRSeg"]
vms = [
  { name = "files-srv01", disk_bytes = 6_000_000_000, write_bytes_per_s = 1_000_000, boot = "20s" },
  { name = "files-srv02", disk_bytes = 6_000_000_000, write_bytes_per_s = 1_000_000, boot = "20s" },
]
"""


def kill(deck: Deck) -> None:
    os.kill(deck.json("controller", "status")["pid"], signal.SIGKILL)


def alarms_of(deck: Deck, domain: str) -> list[str]:
    return [alarm["kind"] for alarm in deck.domain(domain)["alarms"]]


def alarms(deck: Deck) -> list[str]:
    return alarms_of(deck, FILES)
