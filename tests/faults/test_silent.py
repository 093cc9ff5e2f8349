"""A controller that is stopped under a command that is attached already: it is said, and given up in time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from drdeck.cli import watching
from drdeck.controller.ipc import liveness
from drdeck.controller.ipc.client import Client, Disconnected
from drdeck.controller.ipc.protocol import Status
from tests.support.console.fake_client import FakeClient
from tests.support.deck import Deck
from tests.support.virtual_time import VirtualTime

SLOW = ("--speed", "0.001")
START = ("cfo", "start", "erp-prod", "--network", "VM_3510=DRSeg", "--network", "VM_3520=DRSeg",
         "--network", "VM_3530=DRSeg")  # fmt: skip


class Stopper:
    """Stops the controller of a site, and shortens the patience of commands with it."""

    def __init__(self, deck: Deck, patch: pytest.MonkeyPatch) -> None:
        self.pid: int = deck.json("controller", "status")["pid"]
        self.patch, self.stopped = patch, 0
        self._mind, self._again = liveness.mind, list[Any]()
        patch.setattr(liveness, "mind", self._noted)

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)
        self.stopped += 1

    def _noted(self, *args: Any) -> Coroutine[Any, Any, None]:
        self._again = list(args)
        return self._mind(*args)

    def stop_shortly(self, client: Client) -> None:
        self.stop()
        assert client._beside
        client._beside.cancel()
        for name in ("BEAT_S", "SILENT_S"):
            self.patch.setattr(liveness, name, 0.01)
        client.beside(self._mind(*self._again))
        if client.patience_s == liveness.FOLLOWS_S:
            client.patience_s = 0.2
        elif client.patience_s == liveness.GIVE_UP_S:
            client.patience_s = 0.1

    def goes_on(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    def before(self, owner: Any, name: str) -> None:
        """Stop it right before a method of a client, or a function that is given one, is called."""
        real = getattr(owner, name)

        async def called(client: Client, *args: Any) -> Any:
            if not self.stopped:
                self.stop_shortly(client)
            return await real(client, *args)

        self.patch.setattr(owner, name, called)


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Deck]:
    deck = Deck(tmp_path)
    deck.here = True
    deck.run(*SLOW, "domains")
    yield deck
    deck.stop()


@pytest.fixture
def stopper(deck: Deck, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stopper]:
    stopper = Stopper(deck, monkeypatch)
    yield stopper
    stopper.goes_on()


def test_who_waits_is_told_and_told_again(deck: Deck, stopper: Stopper) -> None:
    words = deck.argv(*START, "--wait")
    pipe = subprocess.PIPE
    with subprocess.Popen(words, env=deck.env, stdout=pipe, stderr=pipe, text=True) as command:
        assert command.stdout and command.stderr
        try:
            ident = command.stdout.readline().strip()
            stopper.stop()
            list(iter(command.stderr.readline, f"{liveness.SILENT}; given up after 60 s of that\n"))
            stopper.goes_on()
            list(iter(command.stderr.readline, f"{liveness.AGAIN}\n"))
            os.kill(command.pid, signal.SIGINT)
            stderr = command.stderr.read()
        finally:
            command.kill()
    assert ident and f"operation {ident} continues" in stderr
    assert deck.json("tasks")["operations"][0]["id"] == ident


def test_a_request_whose_answer_is_outstanding(deck: Deck, stopper: Stopper) -> None:
    stopper.before(Client, "submit")
    done = deck.run(*START, code=6)
    assert done.stdout == ""
    assert "does not answer" in done.stderr
    assert "has not answered for" in done.stderr and "look at the tasks before asking again" in done.stderr
    stopper.goes_on()
    assert deck.json("tasks")["operations"][0]["domain"] == "erp-prod", "it may have taken it: here it has"


def test_a_question_is_given_up(deck: Deck, stopper: Stopper) -> None:
    stopper.before(Client, "tasks")
    refusal = deck.run("tasks", code=1).stderr
    assert "does not answer" in refusal and "it may be paused or very busy" in refusal


def test_who_waits_without_a_time(deck: Deck, stopper: Stopper) -> None:
    stopper.before(watching, "_over")
    done = deck.run(*START, "--wait", code=6)
    assert "has not answered for" in done.stderr
    assert f"what became of operation {done.stdout.strip()}" in done.stderr


def test_who_waits_with_a_time(deck: Deck, stopper: Stopper) -> None:
    stopper.before(watching, "_over")
    stderr = deck.run(*START, "--wait", "--timeout", "3", code=7).stderr
    assert f"{liveness.SILENT}\n" in stderr and "was not over within 3 s" in stderr


def test_who_watches(deck: Deck, stopper: Stopper) -> None:
    stopper.before(watching, "_print_until")
    stderr = deck.run("watch", "erp-prod", "--until", "session", code=1).stderr
    assert "has not answered for" in stderr


def test_who_watches_with_a_time(deck: Deck, stopper: Stopper) -> None:
    stopper.before(watching, "_print_until")
    stderr = deck.run("watch", "--timeout", "3", code=7).stderr
    assert f"{liveness.SILENT}\n" in stderr and "watched for 3 s" in stderr


def test_said_once_within_five_seconds_and_given_up_in_time() -> None:
    heard: list[tuple[str, float]] = []

    class Silenced(FakeClient):
        async def status(self) -> Status:
            await self.closed.wait()
            raise Disconnected

        def give_up(self, seconds: float) -> None:
            hear(f"given up after {seconds:g} s")
            self.closed.set()

    def hear(what: str) -> None:
        heard.append((what, loop.time()))

    async def minded() -> None:
        client = Silenced()
        client.patience_s = liveness.GIVE_UP_S
        await liveness.mind(client.as_client(), lambda: hear("silent"), lambda: hear("again"))

    loop = VirtualTime()
    try:
        loop.run_until_complete(minded())
    finally:
        loop.close()
    assert heard == [("silent", 4.5), ("given up after 20 s", 20.0)]
