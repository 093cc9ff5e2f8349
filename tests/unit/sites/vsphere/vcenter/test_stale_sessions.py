"""Which sessions are ended before anything is asked: those of drivers that are gone, and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyVmomi import vim

from drdeck.sites.vsphere.vcenter.attribute_writer import AttributeWriter
from drdeck.sites.vsphere.vcenter.connection import Credentials, Endpoint, VCenterSession
from drdeck.sites.vsphere.vcenter.stale_sessions import StaleSessions, last_active
from drdeck.sites.vsphere.vcenter.transport import SessionEnded, steady
from tests.support.vcenter.soapcount import soap_calls
from tests.support.vcenter.vcsim import VCenter

ANNA, BOB = "änna@jump1#01", "bob@jump2#02"
TERMINATE = "Sessions.TerminateSession"
LogIn = Callable[..., VCenterSession]


@pytest.fixture
def log_in(vcenter: VCenter) -> Iterator[LogIn]:
    """A commanding session of a driver: `log_in(me, life)`."""
    opened: list[VCenterSession] = []

    def make(me: str = "", life: str = "", user: str = "") -> VCenterSession:
        endpoint = Endpoint(url=vcenter.url, ca_file=str(vcenter.ca_file))
        session = VCenterSession(
            endpoint,
            Credentials(user or vcenter.user, vcenter.password),
            stale_sessions=StaleSessions(me, life),
        )
        session.log_in()
        opened.append(session)
        return session

    yield make
    for session in opened:
        session.close()


def lives(vcenter: VCenter, session: VCenterSession) -> bool:
    return session.key in vcenter.sessions()


def test_those_of_an_earlier_life_are_ended_and_no_others(vcenter: VCenter, log_in: LogIn) -> None:
    vcenter.control("user", text="somebody@corp.example")
    dead, deader = log_in(ANNA), log_in(ANNA)
    others = [
        log_in(BOB),  # a colleague's controller
        log_in(),  # what only looks, and other tools
        log_in(ANNA, "a1"),  # the same life, with the other site perhaps
        log_in(ANNA, user="somebody@corp.example"),  # another account
    ]
    mine = log_in(ANNA, "a1")
    mine.settle()
    assert not lives(vcenter, dead) and not lives(vcenter, deader)
    assert all(lives(vcenter, one) for one in [mine, *others])


def test_those_of_a_driver_that_is_followed(vcenter: VCenter, log_in: LogIn) -> None:
    anna, bob = log_in(ANNA), log_in(BOB)
    bob.settle()
    assert lives(vcenter, anna)
    bob.stale_sessions.succeed(ANNA)
    bob.settle()
    assert not lives(vcenter, anna) and lives(vcenter, bob)


def test_it_costs_a_call_or_two_and_only_once(vcenter: VCenter, log_in: LogIn) -> None:
    for left, calls in (
        (0, {"RetrievePropertiesEx": 1}),
        (3, {"RetrievePropertiesEx": 1, "TerminateSession": 1}),
    ):
        for _ in range(left):
            log_in(ANNA)
        mine = log_in(ANNA)
        with soap_calls() as sent:
            for _ in range(3):
                mine.settle()
        assert sent == calls, left
        mine.close()


def test_nothing_that_opens_a_session_is_told(vcenter: VCenter, log_in: LogIn) -> None:
    session = log_in(ANNA)
    agent = vcenter.sessions()[session.key]
    assert agent == session.stale_sessions.agent and agent.isascii() and len(agent) < 80
    assert "nna" not in agent and session.session_id not in agent and session.session_id != session.key


def test_without_the_privilege_it_goes_on(
    vcenter: VCenter, log_in: LogIn, caplog: pytest.LogCaptureFixture
) -> None:
    dead, mine = log_in(ANNA), log_in(ANNA)
    vcenter.deny(TERMINATE)
    with soap_calls() as sent:
        mine.settle()
        mine.settle()
    assert sent == {"RetrievePropertiesEx": 1} and lives(vcenter, dead)
    assert TERMINATE in caplog.text and dead.key not in caplog.text
    vcenter.grant_all()
    mine.stale_sessions.succeed(BOB)
    mine.settle()
    assert lives(vcenter, dead), "that is over; the next controller asks again"


def test_one_that_goes_by_itself_meanwhile_saves_none_of_the_rest(vcenter: VCenter, log_in: LogIn) -> None:
    """vCenter stops at the first session that is no more."""
    dead, deader, mine = log_in(ANNA), log_in(ANNA), log_in(ANNA)
    manager, refused = mine.content.sessionManager, list[list[str]]()

    class Content:
        """What a vCenter has, but the first one ends just before it is told to."""

        propertyCollector = mine.content.propertyCollector

        class sessionManager(vim.SessionManager):
            def TerminateSession(self, sessionId: list[str]) -> None:
                if not refused:
                    refused.append(sessionId)
                    manager.TerminateSession(sessionId=sessionId[:1])
                manager.TerminateSession(sessionId=sessionId)

    content: Any = Content()
    content.sessionManager = Content.sessionManager(manager._GetMoId(), mine.stub)
    mine.stale_sessions.settle_others(content, mine.user)
    assert len(refused) == 1 and not lives(vcenter, dead) and not lives(vcenter, deader)


def test_what_a_lease_guards_is_not_repeated_when_its_session_has_ended(
    vcenter: VCenter, log_in: LogIn
) -> None:
    """Who ended it may drive now: the lease is to be looked at first."""
    vcenter.layout({"erp-prod": []})
    folder, attributes = vcenter.folder("erp-prod")._moId, AttributeWriter()
    anna, bob = log_in(ANNA), log_in(BOB)
    attributes.set(anna, folder, "drdeck.mode", "before")

    def end_hers() -> None:
        bob.stale_sessions.succeed(ANNA)
        bob.settle()

    end_hers()
    with anna.stub.no_later_than(steady() + 60), pytest.raises(SessionEnded):
        attributes.set(anna, folder, "drdeck.mode", "after")
    assert vcenter.attributes("erp-prod")["drdeck.mode"] == "before"
    with anna.stub.no_later_than(steady() + 60):
        attributes.set(anna, folder, "drdeck.mode", "after")
    end_hers()
    attributes.set(anna, folder, "drdeck.mode", "at last")  # nobody minds this one
    assert vcenter.attributes("erp-prod")["drdeck.mode"] == "at last"


def test_when_a_driver_used_its_session_last(vcenter: VCenter, log_in: LogIn) -> None:
    mine = log_in(ANNA, "a1")
    assert last_active(mine.content, BOB) is None, "it has none"
    other = log_in(BOB)
    first = last_active(mine.content, BOB)
    assert first is not None
    other.si.CurrentTime()
    later = last_active(mine.content, BOB)
    assert later is not None and later > first
    vcenter.deny("Sessions.TerminateSession")
    try:
        with pytest.raises(vim.fault.NoPermission):
            last_active(mine.content, BOB)
    finally:
        vcenter.grant_all()
