"""Ten thousand messages that no client of ours would send: each refused or carried out, and nobody hurt."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from drdeck.controller.controller import Controller
from drdeck.controller.ipc import protocol as p
from drdeck.controller.ipc.client import Client
from drdeck.controller.ipc.server import Server
from drdeck.controller.ipc.sockets import connect_address
from drdeck.controller.journal.event_store import Journal
from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType
from drdeck.sites.training.scenario.scenario_file import load
from drdeck.sites.training.site import TrainingSite
from tests.support.mutations import SEED, TIMES, Mutator
from tests.support.serving import serving
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually

MESSAGES = 10_000 * TIMES
TOGETHER = 60
"""messages that are sent over one connection"""
LAST = 2**52 + 1
"""the number of the question that ends a talk"""
HELLO = p.line(p.Hello(version=p.VERSION, who="fuzz@here"))
DOMAIN = "erp-prod"
AT = datetime(2026, 1, 16, 21, 30, tzinfo=UTC)
SCENARIO = """
name = "fuzz"
title = "Small and fast"
start = "2026-01-16T22:00:00Z"
link_bytes_per_s = 1_000_000_000
[[domains]]
name = "erp-prod"
pitr = { enabled = true, window = "2h", interval = "1m" }
protected_site = "lost"
[[domains.vms]]
name = "db"
disk_bytes = 1_000_000
network = "VM_1"
boot = "1s"
[[domains.vms]]
name = "app"
disk_bytes = 1_000_000
network = "VM_1"
boot = "1s"
[[domains]]
name = "crm"
state = "protected"
pitr = { enabled = true, window = "2h", interval = "1m" }
vms = [{ name = "crm1", disk_bytes = 1_000_000 }]
"""
STAGES = ("imported", "synchronised", "pitr_session", "running_in_failover")
FLOW = (
    Request(action="cfo_start", domain=DOMAIN, networks={"VM_1": "DRSeg"}),
    Request(action="cfo_complete", domain=DOMAIN, type=FailoverType.FORCE, run_pitr=True, confirm=DOMAIN),
    Request(action="pitr_exit", domain=DOMAIN, confirm=DOMAIN),
)
REQUESTS = (
    *FLOW,
    Request(
        action="cfo_complete", domain=DOMAIN, type=FailoverType.PLANNED, preview={"mode": "synchronised"}
    ),
    Request(action="pitr_start", domain="crm", vms=("crm1",)),
    Request(action="pitr_run", domain=DOMAIN, to=AT),
    Request(action="pitr_run", domain=DOMAIN, to=AT, vms=("db",)),
    Request(action="take_over", domain=DOMAIN, confirm=DOMAIN),
)
QUESTIONS = ("listing", "show", "points", "preview", "tasks", "status", "findings")
FAULTS = (
    "object_store_lost",
    "power_on_fails",
    "shutdown_fails",
    "foreign_snapshot",
    "slow_vm",
    "late_clone",
)
VALID: tuple[p.FromClient, ...] = (
    p.Hello(version=p.VERSION, who="fuzz@here", kind="console"),
    p.Subscribe(domain=DOMAIN),
    *(p.Submit(id=1, request=request) for request in REQUESTS),
    *(p.Ask(id=2, what="preview", domain=DOMAIN, request=request) for request in REQUESTS),
    p.Answer(id=3, operation="op-1", choice="retry"),
    *(p.Ask(id=4, what=what, domain=DOMAIN) for what in QUESTIONS),
    p.Secret(id=5, password="canary"),
    p.Stop(id=6),
    *(p.Inject(id=7, fault=fault, domain=DOMAIN, vms=("db",), for_s=60.0) for fault in FAULTS),
    p.Jump(id=8, seconds=60.0),
)
TREES: list[dict[str, Any]] = [json.loads(p.line(message)) for message in VALID]
KEYS = tuple(
    sorted({key for tree in TREES for key in tree} | {"to", "vms", "networks", "shown", "type", "action"})
)
CORPUS = (
    b"", b" ", b"null", b"[]", b"{}", b'"hello"', b"7", b"nonsense",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r", b"\x16\x03\x01\x02\x00",
    b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf" + HELLO[:-1], HELLO[:-1] + HELLO[:-1], HELLO[:-2], b"\x00" * 1000,
    b"[" * 500_000, b'{"is":' * 100_000, b'{"is":"stop"}',
    b'{"is":"stop","id":-1}', b'{"is":"stop","id":9007199254740993}',
    b'{"is":"stop","id":' + b"9" * 100_000 + b"}",
    b'{"is":"jump","id":1,"seconds":' + b"1" * 100_000 + b"}",
    b'{"is":"jump","id":1,"seconds":1e400}', b'{"is":"jump","id":1,"seconds":NaN}',
    b'{"is":"ask","id":1,"what":"\\ud800"}',
    b'{"is":"ask","id":1,"what":"' + b"x" * 201 + b'"}',
    b'{"is":"ask","id":1,"what":"show","domain":"' + b"x" * 1001 + b'"}',
    b'{"is":"ask","id":1,"what":"' + b"x" * (p.MAX_REQUEST + 10) + b'"}', b'{"is":"welcome","id":1}',
    b'{"is":"ask","is":"stop"}',
    b'{"is":"submit","id":1,"request":{"action":"cfo_start","domain":"erp-prod","to":"2026-01-16T22:00:00"}}',
    b'{"is":"submit","id":1,"request":{"action":"cfo_start","domain":"erp-prod","type":"sideways"}}',
    b'{"is":"inject","id":1,"fault":"slow_vm","times":-1}',
    b'{"is":"inject","id":1,"fault":"slow_vm","vms":"db"}',
    b'{"is":"hello","version":' + b"1" * 5000 + b',"who":"x"}',
    b'{"is":"hello","version":1,"who":"x","kind":"root"}',
)  # fmt: skip
"""each ends its connection, with a sentence"""


def messages(count: int, part: int) -> list[bytes]:
    """Lines without their ends: valid trees with one or several things wrong, and bytes with some damage."""
    make = Mutator(SEED + part)
    lines: list[bytes] = []
    while len(lines) < count:
        tree = make.random.choice(TREES)
        for _ in range(make.random.choice((0, 1, 1, 1, 1, 2))):
            tree = make.tree(tree, KEYS)
        line = make.json(tree)
        if make.random.random() < 0.1:
            line = make.bytes(line)
        lines.append(line.replace(b"\n", b" "))
    return lines


class House:
    """The real controller on a small training site, and everything that its log says."""

    def __init__(self, directory: Path) -> None:
        scenario = directory / "fuzz.toml"
        scenario.write_text(SCENARIO)
        self.path = directory / "run" / "controller.sock"
        self.journal = Journal(directory / "journal.db")
        self.site = TrainingSite("training", load(scenario), directory / "state", 60.0)
        self.controller = Controller(self.site, self.journal)
        self.server = Server(self.controller, self.path, lambda: None)

    async def go_to(self, mode: str, client: Client) -> None:
        """Bring the flow forward to where the domain's mode is this."""
        for request in FLOW[: STAGES.index(mode)]:
            await client.submit(request)
            for _ in range(10):
                serial = self.controller.watcher.serial
                await client.jump(60)
                await eventually(partial(self._seen_after, serial))
        await eventually(lambda: str(self.controller.desk.domain(DOMAIN).mode) == mode)

    def _seen_after(self, serial: int) -> bool:
        return self.controller.watcher.serial > serial


@contextlib.asynccontextmanager
async def house(directory: Path) -> AsyncIterator[House]:
    new_house = House(directory)
    async with serving(new_house.server, new_house.controller):
        yield new_house


async def talk(path: Path, lines: list[bytes], hello: bytes = HELLO) -> list[dict[str, Any]]:
    """What comes back for lines after a hello, up to the answer to a last question; no news."""
    with connect_address(path) as address:
        reader, writer = await asyncio.open_unix_connection(address, limit=p.MAX_LINE)
    answers = []
    with contextlib.suppress(ConnectionError):
        writer.write(hello + b"".join(line + b"\n" for line in lines))
        writer.write(p.line(p.Ask(id=LAST, what="status")))
        await writer.drain()
        while data := await reader.readline():
            answer = json.loads(data)
            if answer["is"] not in ("listing", "detail", "welcome"):
                answers.append(answer)
            if answer.get("id") == LAST:
                break
    writer.close()
    return answers


def well_formed(line: bytes) -> bool:
    with contextlib.suppress(Exception):
        p.controller_decoder().decode(line)
        return True
    return False


def bugs(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log tells of that should never be."""
    wrong = [r for r in caplog.records if r.exc_info or r.levelno >= logging.ERROR or "bug" in r.getMessage()]
    return [r.getMessage() for r in wrong]


def clear(answer: dict[str, Any]) -> bool:
    """Whether a refusal is a sentence for a person."""
    text = answer["text"]
    return 3 < len(text) < 3000 and "drdeck failed" not in text and "Traceback" not in text


@pytest.mark.parametrize("mode", STAGES)
async def test_ten_thousand_messages(tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: str) -> None:
    caplog.set_level(logging.INFO)
    lines = messages(MESSAGES // len(STAGES), STAGES.index(mode))
    good, broken = [x for x in lines if well_formed(x)], [x for x in lines if not well_formed(x)]
    assert len(good) > len(lines) / 4 and len(broken) > len(lines) / 4
    # what can be read is sent many at a time; what cannot ends its connection
    batches = [good[i : i + TOGETHER] for i in range(0, len(good), TOGETHER)] + [[x] for x in broken]
    codes: Counter[str] = Counter()
    async with house(tmp_path) as home, Client(home.path, "console") as bystander:
        bystander.subscribe(DOMAIN)
        await home.go_to(mode, bystander)
        before, slowest = len(asyncio.all_tasks()), 0.0
        for batch in batches:
            answers = await asyncio.wait_for(talk(home.path, batch), 60)
            for answer in answers:
                codes[answer.get("code", "accepted")] += 1
                assert answer["is"] != "refusal" or clear(answer), (batch, answer)
            if batch[0] in broken:
                assert answers[-1]["is"] == "refusal" and answers[-1]["code"] == "usage", (batch, answers)
            if len(batch) > 1 or sum(codes.values()) % 20 == 0:
                watch = Stopwatch()
                assert (await bystander.show(DOMAIN)).detail.domain is not None
                slowest = max(slowest, watch.seconds())
        await eventually(lambda: len(home.server.consoles) == 1)
        await eventually(lambda: len(asyncio.all_tasks()) <= before + 2)
        assert home.journal.verify() == [] and home.controller.watcher.error is None
    assert bugs(caplog) == []
    assert "canary" not in caplog.text
    assert {"accepted", "usage", "rule"} <= set(codes), codes
    assert slowest < 2, "who sends nonsense holds nobody up"


async def test_the_corpus(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with house(tmp_path) as home, Client(home.path, "console") as bystander:
        for line in CORPUS:
            for hello in (HELLO, b""):
                answers = await asyncio.wait_for(talk(home.path, [line], hello), 60)
                if line.startswith(HELLO[:-1]) and not hello:
                    continue  # that one is a hello
                assert [a["is"] for a in answers] == ["refusal"] and clear(answers[0]), (line[:80], answers)
        assert (await bystander.get_listing()).site == "training"
        await eventually(lambda: len(home.server.consoles) == 1)
    assert bugs(caplog) == []


async def test_half_messages_are_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Cut off anywhere, as when a client dies in the middle of a word."""
    lines = [HELLO, p.line(VALID[2])]
    async with house(tmp_path) as home, Client(home.path, "console") as bystander:
        for cut in range(len(HELLO) + len(lines[1])):
            with connect_address(home.path) as address:
                _, writer = await asyncio.open_unix_connection(address)
            writer.write(b"".join(lines)[:cut])
            writer.close()
        await eventually(lambda: len(home.server.consoles) == 1)
        assert await bystander.tasks() == ()
    assert bugs(caplog) == []
