"""One driver for a domain at a time: races, expiry, takeover, and a driver that was stopped."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from pyVmomi import vim

from drdeck.sites.vsphere.record.leases.lease import CLAIM, HeldElsewhere, Leases
from drdeck.sites.vsphere.record.leases.lease_record import ProcessMark, abandoned_by, lease_holder
from drdeck.sites.vsphere.vcenter.connection import Credentials, Endpoint, VCenterSession
from tests.support.vcenter.soapcount import library_objects, soap_calls
from tests.support.vcenter.vcsim import VCenter

ROUNDS, RACERS = 200, 8


def session(vcenter: VCenter) -> VCenterSession:
    endpoint = Endpoint(url=vcenter.url, ca_file=str(vcenter.ca_file))
    opened = VCenterSession(endpoint, Credentials(vcenter.user, vcenter.password))
    opened.log_in()
    return opened


class Clock:
    """vCenter's clock, moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 16, 22, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Steady:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def on(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(vcenter: VCenter) -> str:
    vcenter.layout({"erp": []})
    return str(vcenter.folder("erp")._moId)


def race(
    number: int, leases: Leases, own: VCenterSession, folder: str, start: threading.Barrier, won: list[int]
) -> None:
    """Try to become the driver at the same moment as the others."""
    start.wait()
    try:
        leases.hold(own, folder)
    except HeldElsewhere:
        return
    won.append(number)


def test_of_eight_that_race_never_two_hold(vcenter: VCenter, folder: str, clock: Clock) -> None:
    sessions = [session(vcenter) for _ in range(RACERS)]
    for number in range(ROUNDS):
        clock.now += timedelta(hours=1)  # the round before is over by far
        leases = [Leases(f"racer{i}@jump{number}", clock) for i in range(RACERS)]
        start = threading.Barrier(RACERS)
        won: list[int] = []

        threads = [
            threading.Thread(target=race, args=(i, leases[i], sessions[i], folder, start, won))
            for i in range(RACERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1, f"round {number}: {won}"
        leases[won[0]].hold(sessions[won[0]], folder)
    fields = vcenter.read(vcenter.content.customFieldsManager, "field")["field"]
    assert len([f for f in fields if f.name.startswith(CLAIM)]) == 1, "old claims are tidied away"


def test_a_look_at_a_lease_makes_no_object_for_each_claim_there_is(
    vcenter: VCenter, folder: str, clock: Clock
) -> None:
    """With a call on any VM all definitions are read: one for each domain's claim, and for each attribute."""
    mine, anna = session(vcenter), Leases("anna@jump1", clock)
    anna.hold(mine, folder)
    with library_objects() as objects, soap_calls() as calls:
        anna.hold(mine, folder)
    assert calls == {"RetrievePropertiesEx": 1}
    assert objects.keys() == {"PropertyFilterSpec", "ObjectSpec", "PropertySpec", "RetrieveOptions"}


def test_a_look_in_a_session_that_has_ended_logs_in_anew(vcenter: VCenter, folder: str, clock: Clock) -> None:
    mine, anna = session(vcenter), Leases("anna@jump1", clock)
    anna.hold(mine, folder)
    vcenter.content.sessionManager.TerminateSession([mine.key])
    logins = mine.stub.logins
    anna.hold(mine, folder)
    assert anna.holds(folder) and mine.stub.logins == logins + 1


def test_another_waits_until_the_lease_has_run_out(vcenter: VCenter, folder: str, clock: Clock) -> None:
    mine, other = session(vcenter), session(vcenter)
    anna, bob = Leases("anna@jump1", clock), Leases("bob@jump2", clock)
    anna.hold(mine, folder)
    with pytest.raises(HeldElsewhere, match="anna@jump1"):
        bob.hold(other, folder)
    clock.now += timedelta(seconds=31)
    bob.hold(other, folder)
    text = vcenter.attributes("erp")["drdeck.lease"]
    assert lease_holder(text, "anna@jump1", clock()) is not None
    assert lease_holder(text, "bob@jump2", clock()) is None
    assert lease_holder(text, "anna@jump1", clock() + timedelta(minutes=1)) is None


def test_since_when_a_process_drives(vcenter: VCenter, folder: str, clock: Clock) -> None:
    """Not since when its name does; and what the driver before had asked for is over by then."""
    mine, other = session(vcenter), session(vcenter)
    anna, bob, steady = Leases("anna@jump1", clock), Leases("bob@jump2", clock), Steady()
    bob.on_taken = lambda session, holder, force: clock.on(2)
    with mock.patch("drdeck.sites.vsphere.record.leases.lease.steady", steady):
        assert anna.since(folder) is None
        anna.hold(mine, folder)
        first = clock()
        for slept_s in (11, 31):  # renewed, and claimed anew after nobody drove for a while
            clock.on(slept_s)
            steady.on(slept_s)
            anna.hold(mine, folder)
            assert anna.since(folder) == first
        restarted = Leases("anna@jump1", clock)
        clock.on(3)
        restarted.hold(mine, folder)
        assert restarted.since(folder) == clock()
        before = clock()
        bob.hold(other, folder, force=True)
        assert bob.since(folder) == before + timedelta(seconds=2)
        restarted.hold(mine, folder, force=True)
        assert restarted.since(folder) == clock()
        steady.on(31)
        assert restarted.since(folder) is None


def test_a_driver_that_was_stopped_learns_that_it_drives_no_more(
    vcenter: VCenter, folder: str, clock: Clock
) -> None:
    mine, other = session(vcenter), session(vcenter)
    anna, bob = Leases("anna@jump1", clock), Leases("bob@jump2", clock)
    anna.hold(mine, folder)
    clock.now += timedelta(seconds=31)
    bob.hold(other, folder)
    with pytest.raises(HeldElsewhere, match="bob@jump2"):
        anna.hold(mine, folder)
    assert not anna.holds(folder)
    bob.hold(other, folder)


def sleeping_at(leases: Leases, call: str, meanwhile: Callable[[], None], number: int = 1) -> Any:
    """`leases` sleeps before a call of its own, the one with this number, and `meanwhile` others go on."""
    original, calls = getattr(leases, call), itertools.count(1)

    def slept(*args: Any) -> Any:
        if next(calls) != number:
            return original(*args)
        setattr(leases, call, original)
        meanwhile()
        return original(*args)

    return mock.patch.object(leases, call, slept)


@pytest.mark.parametrize(
    ("call", "slept_s"),
    [("_claim", 31), ("_tell", 25), ("_tell", 31)],
    ids=["claim", "renew", "take up again"],
)
def test_one_that_slept_between_its_look_and_its_word_has_nothing(
    vcenter: VCenter, folder: str, clock: Clock, call: str, slept_s: float
) -> None:
    """Meanwhile two others have driven it one after another, and tidied away what they claimed."""
    mine, other = session(vcenter), session(vcenter)
    anna, bob, carla = Leases("anna@jump1", clock), Leases("bob@jump2", clock), Leases("carla@jump3", clock)
    dora, steady = Leases("dora@jump4", clock), Steady()

    def others_drive() -> None:
        for leases in (bob, carla):
            for timepiece in (clock, steady):
                timepiece.on(31)
            leases.hold(other, folder)

    with mock.patch("drdeck.sites.vsphere.record.leases.lease.steady", steady):
        (dora if call == "_claim" else anna).hold(mine, folder)
        for timepiece in (clock, steady):
            timepiece.on(slept_s)
        with sleeping_at(anna, call, others_drive), pytest.raises(HeldElsewhere):
            anna.hold(mine, folder)
        assert not anna.holds(folder)
        bob_or_carla = carla.hold(other, folder)
        assert bob_or_carla > steady()
        with pytest.raises(HeldElsewhere):
            anna.hold(mine, folder)


def definitions(vcenter: VCenter) -> set[str]:
    fields = vcenter.read(vcenter.content.customFieldsManager, "field")["field"]
    return {field.name for field in fields}


def test_a_holder_defines_nothing_and_takes_its_own_up_again(
    vcenter: VCenter, folder: str, clock: Clock
) -> None:
    """Definitions want a privilege at the root: after the first claim none are made, nor after a release."""
    mine, steady = session(vcenter), Steady()
    anna = Leases("anna@jump1", clock)
    with mock.patch("drdeck.sites.vsphere.record.leases.lease.steady", steady):
        anna.hold(mine, folder)
        before = definitions(vcenter)
        with mock.patch.object(type(mine.content.customFieldsManager), "AddFieldDefinition", None):
            for slept_s in (11, 31, 10_000):
                for timepiece in (clock, steady):
                    timepiece.on(slept_s)
                anna.hold(mine, folder)
                assert anna.holds(folder)
            anna.release(mine, folder)
            anna.hold(mine, folder)
            assert Leases("anna@jump1", clock).hold(mine, folder) > steady()
    assert definitions(vcenter) == before


@pytest.mark.parametrize(
    ("sleeper", "call", "number", "holders"),
    [
        ("anna", "_renew", 1, ["bob"]),
        ("anna", "_tell", 1, ["bob"]),
        ("anna", "read", 2, ["anna"]),
        ("bob", "_wait_for_others", 1, ["anna"]),
        ("bob", "_claim", 1, ["anna"]),
        ("bob", "read", 2, ["bob"]),
        ("bob", "_write", 1, ["bob"]),
    ],
)
def test_of_one_that_takes_its_own_up_again_and_one_that_claims_it_never_both_hold(
    vcenter: VCenter, folder: str, clock: Clock, sleeper: str, call: str, number: int, holders: list[str]
) -> None:
    """Each writes and then looks: wherever one of them sleeps while the other goes through."""
    steady = Steady()
    both = {name: (Leases(f"{name}@jump", clock), session(vcenter)) for name in ("anna", "bob")}
    winners: list[str] = []

    def hold(name: str) -> None:
        leases, own = both[name]
        with contextlib.suppress(HeldElsewhere):
            leases.hold(own, folder)
            winners.append(name)

    with mock.patch("drdeck.sites.vsphere.record.leases.lease.steady", steady):
        both["anna"][0].hold(both["anna"][1], folder)
        for timepiece in (clock, steady):
            timepiece.on(31)
        (other,) = both.keys() - {sleeper}
        with sleeping_at(both[sleeper][0], call, lambda: hold(other), number):
            hold(sleeper)
    assert winners == holders


def test_in_quiet_a_lease_is_long_and_what_goes_on_makes_it_short(
    vcenter: VCenter, folder: str, clock: Clock
) -> None:
    mine, other, steady = session(vcenter), session(vcenter), Steady()
    anna, bob = Leases("anna@jump1", clock), Leases("bob@jump2", clock)
    with mock.patch("drdeck.sites.vsphere.record.leases.lease.steady", steady):
        assert anna.hold(mine, folder) == steady() + 30
        assert anna.hold(mine, folder, quiet=True) == steady() + 1020
        written, before = 0, vcenter.calls()
        with mock.patch.object(anna, "_tell", side_effect=anna._tell) as tell:
            for _ in range(24 * 60):
                for timepiece in (clock, steady):
                    timepiece.on(60)
                if anna.tiring(folder, quiet=True):
                    anna.hold(mine, folder, quiet=True)
                assert anna.holds(folder)
            written = tell.call_count
        assert 90 <= written <= 100, "the events of a day fit on one page"
        day = vcenter.calls() - before
        assert day["SetField"] == written, "each is an event that a vCenter keeps"
        assert day["AddCustomFieldDef"] == day["RemoveCustomFieldDef"] == 0
        assert day["RetrievePropertiesEx"] <= 2 * written + 2, day
        with pytest.raises(HeldElsewhere):
            bob.hold(other, folder)
        assert anna.hold(mine, folder) == steady() + 30
        clock.on(31)
        bob.hold(other, folder)


def test_a_quiet_renewal_reads_its_own_folder_only_and_notices_who_took_it(
    vcenter: VCenter, folder: str, clock: Clock
) -> None:
    for number in range(50):  # the claims of as many other domains
        vcenter.content.customFieldsManager.AddFieldDefinition(f"{CLAIM}group-{number}.1", vim.Folder)
    mine, other, steady = session(vcenter), session(vcenter), Steady()
    anna, bob = Leases("anna@jump1", clock), Leases("bob@jump2", clock)
    with mock.patch("drdeck.sites.vsphere.record.leases.lease.steady", steady):
        anna.hold(mine, folder, quiet=True)
        before = vcenter.bytes_of_calls()
        for timepiece in (clock, steady):
            timepiece.on(950)
        anna.hold(mine, folder, quiet=True)
        assert (vcenter.bytes_of_calls() - before)["RetrievePropertiesEx"] < 4000
        bob.silent = lambda session, holder: holder == "anna@jump1"
        bob.hold(other, folder)
        with pytest.raises(HeldElsewhere, match="bob@jump2"):
            anna.hold(mine, folder, quiet=True)


def test_who_is_gone_for_certain_is_not_waited_for(vcenter: VCenter, folder: str, clock: Clock) -> None:
    mine, other = session(vcenter), session(vcenter)
    anna, bob = Leases("anna@jump1", clock), Leases("bob@jump2", clock)
    anna.hold(mine, folder, quiet=True)
    bob.silent = lambda session, holder: holder != "anna@jump1"
    with pytest.raises(HeldElsewhere):
        bob.hold(other, folder)
    bob.silent = lambda session, holder: holder == "anna@jump1"
    bob.hold(other, folder)
    with pytest.raises(HeldElsewhere, match="bob@jump2"):
        anna.hold(mine, folder)


def test_until_when_it_is_held_is_counted_from_before_it_was_asked(
    vcenter: VCenter, folder: str, clock: Clock
) -> None:
    mine = session(vcenter)
    anna, steady = Leases("anna@jump1", clock), Steady()
    with mock.patch("drdeck.sites.vsphere.record.leases.lease.steady", steady):
        with sleeping_at(anna, "_tell", lambda: steady.on(40)):
            assert anna.hold(mine, folder) < steady(), "whoever acts on this is kept from it"
        assert anna.hold(mine, folder) == steady() + 30


def test_a_word_takes_it_over_at_once(vcenter: VCenter, folder: str, clock: Clock) -> None:
    mine, other = session(vcenter), session(vcenter)
    anna, bob = Leases("anna@jump1", clock), Leases("bob@jump2", clock)
    anna.hold(mine, folder)
    bob.hold(other, folder, force=True)
    with pytest.raises(HeldElsewhere, match="bob@jump2"):
        anna.hold(mine, folder)


def test_a_released_one_is_free_at_once(vcenter: VCenter, folder: str, clock: Clock) -> None:
    mine, other = session(vcenter), session(vcenter)
    anna, bob = Leases("anna@jump1", clock), Leases("bob@jump2", clock)
    anna.hold(mine, folder)
    anna.release(mine, folder)
    bob.hold(other, folder)


def test_a_claim_whose_owner_died_before_writing_its_name_is_not_for_ever(
    vcenter: VCenter, folder: str, clock: Clock
) -> None:
    mine = session(vcenter)
    vcenter.content.customFieldsManager.AddFieldDefinition(name=f"{CLAIM}{folder}.1", moType=vim.Folder)
    bob = Leases("bob@jump2", clock, length_s=0.05)
    with pytest.raises(HeldElsewhere, match="just taken"):
        bob.hold(mine, folder)
    deadline = datetime.now(UTC) + timedelta(seconds=60)
    while True:
        try:
            bob.hold(mine, folder)
            break
        except HeldElsewhere:
            assert datetime.now(UTC) < deadline


def test_drivers_are_named_as_people_are() -> None:
    value = (
        '{"by":"bob@jump2#1b81230c","g":1,"since":"2026-01-16T22:00:00.730Z","until":"2026-01-16T22:00:30Z"}'
    )
    at = datetime(2026, 1, 16, 22, 0, 10, tzinfo=UTC)
    assert lease_holder(value, "anna@jump1#00000001", at) == "bob@jump2 since 2026-01-16 22:00:00Z"
    later = at + timedelta(minutes=1)
    assert abandoned_by(value, "anna@jump1#00000001", later) == "bob@jump2 until 2026-01-16 22:00:30Z"
    holder = lease_holder(value, "bob@jump2#00000001", at)
    assert holder == "another drdeck of bob@jump2 (1b81230c) since 2026-01-16 22:00:00Z"


# -- two processes of one name: a copied machine, or a copied state directory


def test_a_process_of_our_name_on_another_machine_is_somebody_else(
    vcenter: VCenter, folder: str, clock: Clock
) -> None:
    mine, copied = ProcessMark("boot-1"), ProcessMark("boot-2")
    original = Leases("anna@jump1#7", clock, mark=mine)
    copy = Leases("anna@jump1#7", clock, mark=copied)
    own, other = session(vcenter), session(vcenter)
    original.hold(own, folder)
    text = vcenter.attributes("erp")["drdeck.lease"]
    assert lease_holder(text, original.me, clock(), mine) is None
    says = lease_holder(text, copy.me, clock(), copied)
    assert says is not None and "another process under this controller's own name (anna@jump1;" in says
    with pytest.raises(HeldElsewhere, match="is this machine, or its state directory, a copy"):
        copy.hold(other, folder)
    original.hold(own, folder)
    copy.hold(other, folder, force=True)  # on an operator's word
    with pytest.raises(HeldElsewhere, match="under this controller's own name"):
        original.hold(own, folder)
    clock.on(31)
    original.hold(own, folder)


def test_a_process_that_was_started_again_goes_on_and_two_at_work_do_not(
    vcenter: VCenter, folder: str, clock: Clock
) -> None:
    before, after = ProcessMark("boot-1"), ProcessMark("boot-1")
    first = Leases("anna@jump1#7", clock, mark=before)
    second = Leases("anna@jump1#7", clock, mark=after)
    own, other = session(vcenter), session(vcenter)
    first.hold(own, folder)
    second.hold(other, folder)  # as after a kill
    with pytest.raises(HeldElsewhere, match="under this controller's own name"):
        first.hold(own, folder)  # it lives: there are two
    with pytest.raises(HeldElsewhere):
        first.hold(own, folder)
    assert before.doubled and lease_holder(
        vcenter.attributes("erp")["drdeck.lease"], first.me, clock(), before
    )
    second.hold(other, folder)
    assert not after.doubled


def test_after_a_reboot_a_lease_is_waited_for(vcenter: VCenter, folder: str, clock: Clock) -> None:
    own = session(vcenter)
    Leases("anna@jump1#7", clock, mark=ProcessMark("boot-1")).hold(own, folder)
    again = Leases("anna@jump1#7", clock, mark=ProcessMark("boot-2"))
    with pytest.raises(HeldElsewhere):
        again.hold(own, folder)
    clock.on(31)
    again.hold(own, folder)
