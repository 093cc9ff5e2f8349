"""Addresses of logins: a proxy's or vCenter's own are no person's (vcenter.md V21)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyVmomi import vim

from drdeck.model.guard import THROUGH_CLIENT
from drdeck.sites.vsphere.guard import event_log
from tests.support.vcenter.events import AT, JOE, event

SERVER = "10.1.1.5"


@pytest.mark.parametrize(
    ("logged_in_from", "expected"),
    [
        (["127.0.0.1"], [THROUGH_CLIENT]),
        (["::1"], [THROUGH_CLIENT]),
        (["127.0.1.1", "127.0.0.1"], [THROUGH_CLIENT]),
        ([SERVER], [THROUGH_CLIENT]),
        (["10.9.9.9"], ["10.9.9.9"]),
        (["10.9.9.9", "127.0.0.1", "10.9.9.9"], ["10.9.9.9", THROUGH_CLIENT]),
        (["desk.example"], ["desk.example"]),
        ([""], []),
    ],
)
@pytest.mark.parametrize("url_has_port", [True, False])
@pytest.mark.parametrize("logins_are_kept", [True, False])
def test_nobody_is_accused_by_a_machines_address(
    monkeypatch: pytest.MonkeyPatch,
    logged_in_from: list[str],
    expected: list[str],
    url_has_port: bool,
    logins_are_kept: bool,
) -> None:
    """By the events of logins, and by the list of sessions where those are not there any more."""
    sessions = {f"s{number}": address for number, address in enumerate(logged_in_from)} | {"ours": "10.7.7.7"}
    login = vim.event.UserLoginSessionEvent
    logins = [
        event(login, key=number, sessionId=key, ipAddress=address)
        for number, (key, address) in enumerate(sessions.items())
    ]
    listed = [
        SimpleNamespace(ipAddress=address, userName=JOE, loginTime=AT, key=key)
        for key, address in sessions.items()
    ]
    monkeypatch.setattr(event_log, "properties", lambda *_: {"sessionList": listed})
    events = SimpleNamespace(QueryEvents=lambda spec: logins if logins_are_kept else [])
    content = SimpleNamespace(sessionManager=None, eventManager=events)
    endpoint = SimpleNamespace(server=f"{SERVER}:443" if url_has_port else SERVER)
    session = cast(Any, SimpleNamespace(content=content, endpoint=endpoint))
    assert list(event_log.addresses(session, JOE, AT, frozenset({"ours"}))) == expected
