"""A training site whose names, and a lesson whose texts, begin with every attack that TOML can carry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from tests.support.deck import Deck
from tests.support.nasty import EVERYTHING, NASTY

OUT = EVERYTHING.replace("\x00", "")
"""a NUL stands in no TOML that is read, and in no argument"""
ERP, CRM, WEB = f"{OUT}erp", f"{OUT}crm", f"{OUT}web"
DB, APP = f"{OUT}db", f"{OUT}app"
NETWORK, DRSEG = f"{OUT}VM_1", f"{OUT}DRSeg"


def domain(name: str, **more: Any) -> dict[str, Any]:
    vms = [{"name": vm, "disk_bytes": 1000, "network": NETWORK, "boot": "2s"} for vm in (DB, APP)]
    return {
        "name": name,
        "pitr": {"enabled": True, "window": "2h", "interval": "1m"},
        "owner_address": f"{OUT}vcsa",
        "storage_site": f"{OUT}array",
        "recovery_networks": [DRSEG, f"{OUT}other"],
        "vms": vms,
        "runbook": [{"group": f"{OUT}first", "vms": [DB]}],
        **more,
    }


SCENARIO: dict[str, Any] = {
    "name": "nasty",
    "title": f"{OUT}title",
    "description": f"{OUT}description",
    "start": "2026-01-16T22:00:00Z",
    "opens": "2026-01-16T23:00:00Z",
    "domains": [domain(ERP), domain(CRM, state="protected"), domain(WEB, protected_site="lost")],
    "faults": [
        {"kind": "shutdown_fails", "domain": ERP, "vms": [DB], "times": 1},
        {"kind": "foreign_snapshot", "domain": CRM, "vms": [APP]},
    ],
}
OBJECTIVE = {
    "id": "one",
    "text": f"{OUT}text",
    "hint": f"{OUT}hint",
    "key": f"{OUT}key",
    "command": f"{OUT}command",
    "when": {"kind": "mode", "domain": ERP, "mode": "synchronised"},
}
LESSON: dict[str, Any] = {
    "name": "nasty-lesson",
    "title": f"{NASTY}lesson",
    "scenario": "nasty.toml",
    "situation": f"{OUT}situation",
    "end": f"{OUT}the end",
    "speed": 1000,
    "objectives": [OBJECTIVE, {**OBJECTIVE, "id": "two", "when": {"kind": "session", "domain": ERP}}],
    "mistakes": [{"kind": "force_while_reachable", "domain": ERP, "why": f"{OUT}why"}],
}


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    (tmp_path / "nasty.toml").write_text(tomli_w.dumps(SCENARIO), "utf-8")
    file = tmp_path / "lesson.toml"
    file.write_text(tomli_w.dumps(LESSON), "utf-8")
    return file


@pytest.fixture
def deck(tmp_path: Path, lesson: Path) -> Iterator[Deck]:
    site = {"kind": "training", "scenario": "nasty.toml", "speed": 1000.0}
    new_deck = Deck(tmp_path, tomli_w.dumps({"default_site": "lab", "sites": {"lab": site}}))
    new_deck.here = True
    yield new_deck
    new_deck.run("train", str(lesson), "--", "controller", "stop", "--force", code=None)
    new_deck.stop()
