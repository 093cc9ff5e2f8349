"""The vendor's published call out of a training site: what scripts are tried against."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from drdeck.sites.jetstream.answer_parser import PitrStatus, parse
from tests.support.appliance.stand_in import CERTIFICATE, KEY
from tests.support.deck import Deck
from tests.support.vcenter.flow import eventually

QUICK = '[sites.training]\nkind = "training"\nscenario = "ransomware"\nspeed = 600\n'
NETWORKS = ["--network", "VM_3510=DRSeg", "--network", "VM_3520=DRSeg", "--network", "VM_3530=DRSeg"]
SESSION = "a-session-of-ours"


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    new_deck = Deck(tmp_path, QUICK)
    yield new_deck
    new_deck.stop()


@contextlib.contextmanager
def serving(deck: Deck, *words: str) -> Iterator[dict[str, Any]]:
    """The command while it runs, and what it says of itself; ctrl+c ends it with 0."""
    argv = deck.argv("train", "appliance", "--port", "0", "--json", *words)
    process = subprocess.Popen(argv, env=deck.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


def get(service: dict[str, Any], path: str = "", session: str | None = None, **how: Any) -> httpx.Response:
    ident = next(d["id"] for d in service["domains"] if d["name"] == "erp-prod")
    headers = {"fios-session": service["session"] if session is None else session}
    where = path or f"/jss/domains/azureblob/{ident}/pitrstatus"
    return httpx.get(service["url"] + where, headers=headers, trust_env=False, timeout=30, **how)


def status(service: dict[str, Any]) -> PitrStatus:
    """The answer as drdeck itself reads that of an appliance: nothing in it is odd."""
    answer = get(service)
    assert answer.status_code == 200, answer.text
    read = parse(answer.content, "ms")
    assert read.oddities == {}
    return read


def test_a_pitr_operation_from_its_begin_to_its_end(deck: Deck) -> None:
    with serving(deck) as service:
        assert service["url"].startswith("http://127.0.0.1:")
        before = status(service)
        assert before.name == "erp-prod" and not before.running and before.connection == "OK"
        deck.run("cfo", "start", "erp-prod", *NETWORKS, "--wait")
        accepted = ("--even-though", "answers,vms-running")
        force = ("--type", "force", "--run-pitr", "--confirm", "erp-prod", *accepted)
        deck.run("cfo", "complete", "erp-prod", *force, "--wait")
        point = deck.json("pitr", "points", "erp-prod")["points"][1]["time"]
        steps: list[str] = []
        deck.run("pitr", "run", "erp-prod", "--to", point, "--confirm", "erp-prod")

        def complete() -> bool:
            latest = status(service)
            if latest.step and latest.step not in steps[-1:]:
                steps.append(latest.step)
            return latest.complete

        eventually(complete, lambda: str(steps))
        after = status(service)
        assert after.rollback is not None and after.rollback.instant is not None
        assert after.recoveries[0].point == after.rollback
        assert {vm.status for vm in after.vms} == {"RECOVERED"}
        assert len({vm.uuid for vm in after.vms}) == len(after.vms) == deck.domain("erp-prod")["vms_total"]


def test_the_header_is_checked(deck: Deck) -> None:
    with serving(deck, "--session", SESSION) as service:
        assert service["session"] == SESSION and get(service).status_code == 200
        for wrong in ("", "x", SESSION + "x", "a" * 4000):
            assert get(service, session=wrong).status_code == 401
        assert httpx.get(service["url"], trust_env=False).status_code == 401
        for path in ("/", "/jss/domains/azureblob/nope/pitrstatus", "/jss/domains/azureblob/../pitrstatus"):
            assert get(service, path=path).status_code == 404
        assert httpx.post(service["url"], trust_env=False).status_code == 501


def test_over_tls_and_on_this_machine_alone(deck: Deck) -> None:
    with serving(deck, "--cert", str(CERTIFICATE), "--key", str(KEY)) as service:
        assert service["url"].startswith("https://127.0.0.1:")
        assert get(service, verify=ssl.create_default_context(cafile=str(CERTIFICATE))).status_code == 200
        port = int(service["url"].rpartition(":")[2])
        others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)}
        for address in others - {"127.0.0.1"}:
            if not str(address).startswith("127."):
                with pytest.raises(OSError):
                    socket.create_connection((str(address), port), timeout=2)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--port", "0", "--session", "short"), 2, "--session is 8 to 200 printable"),
        (("--port", "0", "--key", "x"), 2, "--key belongs to --cert"),
        (("--port", "0", "--cert", "/nonexistent"), 1, "cannot be served"),
        (("--port", "70000"), 2, "not in the range"),
        ((), 2, "--port"),
    ],
)
def test_what_cannot_be_served(deck: Deck, words: tuple[str, ...], code: int, says: str) -> None:
    assert says in deck.run("train", "appliance", *words, code=code).stderr


def test_a_port_that_is_taken(deck: Deck) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refusal = deck.run("train", "appliance", "--port", str(port), code=1).stderr
    assert f"127.0.0.1:{port}: Address already in use" in refusal


def test_a_vcenter_does_not_answer_it(tmp_path: Path) -> None:
    west = (
        '[sites.west]\nkind = "vsphere"\nurl = "https://v.invalid/sdk"\nusername = "u"\nroot = "/DC0/vm/d"\n'
    )
    west_deck = Deck(tmp_path, west)
    refusal = west_deck.run("--site", "west", "train", "appliance", "--port", "0", code=3).stderr
    assert '"west" is no training site' in refusal
