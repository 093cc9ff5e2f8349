"""A domain in a quiet PITR session, as a whole program at a hostile vCenter: what it costs it an hour."""

from __future__ import annotations

import time
from collections import Counter

from tests.support.vcenter.flow import MakeFlow, eventually, settings
from tests.support.vcenter.vcsim import VCenter

LEASE_S = 30
RENEWED_S, REALLY_RENEWED_S = 10, 900
"""After so long this test's lease is renewed, and one of the default length."""
MOST_BYTES = 4_000_000
"""of an hour, for a site of one domain"""
RENEWALS = 2
HOUR_S = 3600
BEAT_S = 1.5
READS = {"CurrentTime", "WaitForUpdatesEx", "RetrievePropertiesEx"}
TO_WATCH = {"RetrieveEntityScheduledTask", "CancelWaitForUpdates"}
"""for what may come (guard), and to read at once"""
STORED = (
    "CustomFieldValueChangedEvent", "CustomFieldDefAddedEvent", "CustomFieldDefRemovedEvent",
    "GeneralUserEvent", "UserLoginSessionEvent", "UserLogoutSessionEvent",
)  # fmt: skip


def events(vcenter: VCenter) -> Counter[str]:
    """The events that vCenter has stored, by type."""
    spec = vcenter.event_filter(*STORED)
    spec.maxCount = 1000
    return Counter(
        type(event).__name__.rpartition(".")[2]
        for event in vcenter.content.eventManager.QueryEvents(spec) or ()
    )


def test_an_hour_has_ten_changes_ten_events_and_no_definition(make_flow: MakeFlow, recovery: VCenter) -> None:
    site = f'quiet_lease = "{LEASE_S}s"'
    toml = settings().replace('ready = "tools"', 'ready = "power"')
    flow = make_flow(recovery, None, toml=toml, site=site)
    flow.start()
    flow.complete("force", "--run-pitr")
    flow.until(lambda d: (d["session"] or {}).get("state") == "active")
    eventually(lambda: recovery.calls()["RetrieveEntityScheduledTask"] >= 2)  # the guard has begun
    written = recovery.calls()["SetField"]
    eventually(
        lambda: recovery.calls()["SetField"] > written, within_s=2 * LEASE_S
    )  # a renewal, and from it on

    stored, before, began = events(recovery), recovery.calls(), time.monotonic()
    sent = recovery.bytes_of_calls()
    written = before["SetField"]
    eventually(lambda: recovery.calls()["SetField"] >= written + RENEWALS, within_s=RENEWALS * LEASE_S)
    passed_s, calls = time.monotonic() - began, recovery.calls() - before
    sent = recovery.bytes_of_calls() - sent
    for counts in (calls, sent):
        del counts["QueryEvents"]  # this test's

    assert set(calls) <= {"SetField", *READS, *TO_WATCH}, calls
    of_an_hour = HOUR_S / passed_s
    with_renewals = of_an_hour * RENEWED_S / REALLY_RENEWED_S
    assert calls["SetField"] * with_renewals <= 6, (calls, passed_s)
    beats = sent.pop("CurrentTime")
    hour = beats * of_an_hour + sent.total() * with_renewals
    assert hour <= MOST_BYTES, (sent, hour)
    assert calls["RetrievePropertiesEx"] <= 6 * (calls["SetField"] + 1) + passed_s / 20, calls
    assert calls["CurrentTime"] <= passed_s / BEAT_S + 2
    assert calls["WaitForUpdatesEx"] <= 4 * (calls["SetField"] + 1) + passed_s / 20, calls
    more = events(recovery) - stored
    assert set(more) <= {"CustomFieldValueChangedEvent"}, more
    assert more.total() == calls["SetField"], "an event for each, and none else"
