"""Addresses of logins: a proxy's or vCenter's own are no person's (register V21)."""

from __future__ import annotations

from datetime import timedelta
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


def test_a_login_that_was_over_or_came_later_is_not_told() -> None:
    """Nobody is accused who was not there at the time."""
    login, logout = vim.event.UserLoginSessionEvent, vim.event.UserLogoutSessionEvent
    events = [
        event(login, key=1, sessionId="left", ipAddress="10.9.9.1"),
        event(login, key=2, sessionId="there", ipAddress="10.9.9.2"),
        event(logout, key=3, sessionId="left", ipAddress="10.9.9.1"),
        event(logout, key=5, sessionId="there", createdTime=AT + timedelta(seconds=9)),
        event(login, key=4, sessionId="later", ipAddress="10.9.9.4", createdTime=AT + timedelta(seconds=1)),
        event(login, key=6, sessionId="another", ipAddress="10.9.9.6", userName="CORP\\m.roe"),
    ]
    content = SimpleNamespace(sessionManager=None, eventManager=SimpleNamespace(QueryEvents=lambda _: events))
    session = cast(Any, SimpleNamespace(content=content, endpoint=SimpleNamespace(server=SERVER)))
    assert event_log.addresses(session, JOE, AT, frozenset()) == ("10.9.9.2",)
