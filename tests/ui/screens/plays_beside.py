"""Plays beside the flow: what goes wrong, what is asked, other terminals, the first start."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from drdeck.controller.ipc.client import ControllerError, UnknownCertificate
from drdeck.model.certificates import Certificate
from drdeck.sites.jetstream.answer_parser import parse
from tests.support.appliance.sample import PUBLISHED, sound
from tests.ui.screens.stage import Stage


async def question(s: Stage) -> None:
    await s.press("right", "enter")
    await s.shoot("question")
    await s.press("a")
    await s.shoot("question-choices")
    await s.press("t")
    await s.shoot("question-steps")
    await s.press("a", "tab", "enter")
    await s.shoot("question-abort")
    await s.press("escape", "escape", "escape")
    await s.shoot("domains-asking")
    await s.press("a")
    await s.press("a", "tab", "enter")
    await s.press("tab", "enter")
    await s.advance_until(lambda: not s.house.controller.recorder.open_operations())
    await s.sees("r Results (1)")
    await s.press("r")
    await s.shoot("result-aborted")


async def crowd(s: Stage) -> None:
    await s.press("escape", "A", "down", "down")
    await s.shoot("alarms-crowd")
    await s.press("space")
    await s.shoot("alarms-crowd-every-vm")


async def unknown(s: Stage) -> None:
    await s.shoot("unknown")
    await s.press("tab", "enter")
    await s.shoot("unknown-domain")
    await s.press("a", "enter")
    await s.shoot("unknown-confirm")
    await s.press("escape", "a", "right", "enter")
    await s.shoot("unknown-retry")
    await s.press("escape", "l", "enter")
    await s.shoot("unknown-task")


async def driven(s: Stage) -> None:
    await s.press("escape")
    s.house.site.holder["payroll"] = "ben@jump2"
    s.house.site.left_by["erp-prod"] = "ben@jump2"
    await s.advance(1)
    await s.press("down", "down", "down", "enter")
    await s.shoot("driven")
    await s.press("m")
    await s.shoot("more-driven")
    await s.press("enter")
    await s.shoot("take-over")
    await s.press("escape", "escape", "home", "m")
    await s.press("end", "up", "enter")
    await s.shoot("take-over-silent")
    await s.press("escape")


REMOVED = (
    "somebody removed drdeck.mode from its folder in vCenter, and with it what drdeck does here; have the"
    " last record, as of 2026-01-16 22:41:07Z, written back with: drdeck record restore"
    ' "payroll"; if the removal was meant: drdeck record accept "payroll"'
)


async def removed(s: Stage) -> None:
    await s.press("escape")
    s.house.site.removed["payroll"] = REMOVED
    s.house.site.without_entry.add(s.house.domain("files").vms[0].name)
    await s.advance(5)
    await s.press("down", "enter", "m")
    await s.shoot("more-entry")
    await s.press("down", "enter")
    await s.shoot("entry-points")
    await s.press("escape", "escape", "down", "down", "enter")
    await s.shoot("record-removed")
    await s.press("m")
    await s.shoot("more-removed")
    await s.press("end", "up", "up", "enter")
    await s.shoot("record-restore")
    await s.press("escape", "escape", "m", "end", "up", "enter")
    await s.type("payroll")
    await s.shoot("record-accept")
    await s.press("escape")


async def changed(s: Stage) -> None:
    await s.press("f", "3", "tab", "enter", "y", "y")
    await s.type("erp-prod")
    s.house.site.lost.add("erp-prod")
    await s.press("down", "enter")
    await s.shoot("state-changed")
    await s.press("escape")


async def stale(s: Stage) -> None:
    await s.press("escape", "down", "enter", "escape")
    s.house.site.unreachable = "vcsa.dr.example does not answer: the connection timed out"
    s.house.clock.move(1)
    s.house.site.wake()
    await s.until(lambda: s.house.controller.watcher.error is not None)
    await s.advance(75)
    await s.shoot("stale")
    await s.press("enter")
    await s.shoot("stale-domain")
    await s.press("m", "enter")
    await s.shoot("stale-refused")
    await s.press("escape", "escape", "D")
    await s.shoot("doctor-stale")
    await s.press("escape")
    await s.house.server.close()
    await s.until(lambda: s.app.state.lost is not None)
    await s.shoot("no-controller")
    await s.resize(59, 23)
    await s.shoot("too-small")


CERTIFICATE = Certificate(
    thumbprint=":".join(f"{number:02X}" for number in range(7, 256, 8)),
    subject="vcsa.dr.example",
    issuer="vcsa.dr.example",
    names=("vcsa.dr.example",),
    until=datetime(2028, 3, 1, tzinfo=UTC),
)
ANSWERS = (
    ControllerError("unreachable", "vcsa.dr.example does not answer: the name is not known"),
    UnknownCertificate("the certificate of vcsa.dr.example is not trusted", CERTIFICATE),
)
"""What the form hears, a try each, before the site answers."""


async def fresh(s: Stage) -> None:
    await s.shoot("first-start")
    await s.press("colon")
    await s.type("lessons")
    await s.press("enter")
    await s.shoot("lessons")
    await s.press("escape", "D")
    await s.shoot("doctor")
    await s.press("escape", "S")
    await s.shoot("add-site")
    answers = (
        "west",
        "https://vcsa.dr.example/sdk",
        "drdeck@vsphere.local",
        "/DC0/vm/drdeck",
        "",
        "",
        "secret",
    )
    for text in answers:
        await s.type(text)
        await s.press("enter")
    await s.press("enter")
    await s.shoot("add-site-refused")
    await s.press("enter")
    await s.shoot("add-site-certificate")
    await s.press("tab", "enter")
    await s.shoot("add-site-done")
    await s.press("enter")


async def appliance(s: Stage) -> None:
    s.house.site.name, s.house.site.kind = "msa", "jetstream"
    s.house.site.appliance = parse(json.dumps(sound(criticalAlerts=PUBLISHED["criticalAlerts"])).encode())
    await s.advance(1)
    await s.press("enter")
    await s.shoot("appliance-vms")
    await s.press("right")
    await s.shoot("appliance-pitr")
    await s.press("right", "right")
    await s.shoot("appliance-alarms")
    await s.press("t")
    await s.shoot("appliance-steps")
    await s.press("escape", "m")
    await s.shoot("appliance-more")
    await s.press("enter")
    await s.shoot("appliance-refused")


async def read_only(s: Stage) -> None:
    await s.press("m")
    await s.shoot("read-only")


async def password(s: Stage) -> None:
    await s.type("secret")
    await s.shoot("password")
    await s.press("escape")
    await s.shoot("domains-password")


async def lesson(s: Stage) -> None:
    s.app._tick()
    await s.shoot("lesson")
    await s.press("h")
    await s.shoot("lesson-hint")
    await s.press("enter", "ctrl+t")
    await s.shoot("lesson-folded")


async def wide_list(s: Stage) -> None:
    await s.press("escape", "down")
    await s.shoot("wide-domains")


async def wide_pitr(s: Stage) -> None:
    await s.press("escape", "m", "enter")
    await s.shoot("wide-run-pitr")
