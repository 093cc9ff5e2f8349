"""A protected vCenter that answers again while a Force of a plan goes on: told, and nothing is stopped."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drdeck.sites.vsphere.vcenter.transport import changing
from tests.support.vcenter.flow import Flow, MakeFlow, eventually
from tests.support.vcenter.flowsite import VMS
from tests.support.vcenter.vcsim import VCenter


@contextmanager
def silent(vcenter: VCenter) -> Iterator[None]:
    """It takes connections, and answers nothing."""
    os.kill(vcenter.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(vcenter.pid, signal.SIGCONT)


def status(flow: Flow, run: str) -> dict[str, Any]:
    return flow.deck.json("plan", "status", run)


def test_it_is_told_of_while_what_was_started_continues(
    make_flow: MakeFlow, vcenter: VCenter, protected_vcenter: VCenter
) -> None:
    flow = make_flow(vcenter, protected_vcenter)
    flow.start()
    with silent(protected_vcenter):
        run = str(flow.deck.json("plan", "run", "all", "--type", "force", "--confirm", "all 1")["run"])
        flow.until(lambda domain: domain["mode"] == "completing")
        assert status(flow, run)["answers_again"] is None
    before = protected_vcenter.calls()
    eventually(lambda: status(flow, run)["answers_again"], lambda: str(status(flow, run)))
    assert "answers again, since" in flow.deck.run("plan", "status", run).stdout
    calls = protected_vcenter.calls() - before
    assert not any(changing(method) for method in calls) and "Login" not in calls, calls
    for vm in VMS:
        vcenter.set_tools(vm, True)
    flow.until(lambda domain: domain["mode"] == "running_in_failover")
    eventually(lambda: status(flow, run)["ended_at"], lambda: str(status(flow, run)))
    assert {protected_vcenter.power(vm) for vm in VMS} == {"on"}
