"""End Test of what an earlier test left over, whose writer dies between any two of its writes."""

from __future__ import annotations

from datetime import UTC, datetime

from drdeck.model.commands import EndTrial
from drdeck.sites.vsphere.record import record_values, trial_transitions
from drdeck.sites.vsphere.record.attribute_names import TESTED, TRIAL_LEFT, TRIAL_VMS
from drdeck.sites.vsphere.record.attributes import in_order, read, write, write_many

NOW = datetime(2026, 1, 16, 22, 30, tzinfo=UTC)
CLONE = record_values.CloneRecord(of="vm-1", snapshot="snapshot-1", uuid="u", marker="op-1:00", bases=())
TESTED_BEFORE = record_values.TestedRecord(by="op-2", of="op-1", at=NOW, result="passed", note="fine")
LEFT_OVER = dict(
    in_order(
        {
            **write_many(TRIAL_VMS, {"vm-9": CLONE}),
            **write_many(TRIAL_LEFT, {"vm-9": "a disk of another VM is attached to it"}),
            TESTED: write(
                record_values.TestedRecord(by="op-2", of="op-1", at=NOW, result="passed", note="fine")
            ),
        },
        {},
    )
)
AGAIN = EndTrial(operation="op-3", domain="erp", detach=("0123456789ab",))


def test_given_again_it_writes_what_is_lacking() -> None:
    whole = in_order(trial_transitions.end(read(LEFT_OVER), AGAIN, NOW), LEFT_OVER)
    assert len(whole) >= 4
    for done in range(len(whole) + 1):
        attributes = LEFT_OVER | dict(whole[:done])
        attributes.update(in_order(trial_transitions.end(read(attributes), AGAIN, NOW), attributes))
        record = read(attributes)
        assert record.trial is not None and record.trial.id == "op-3", f"after {done} of {whole}"
        assert (record.left, record.detach) == ({}, AGAIN.detach)
        assert record.tested is not None
        assert (record.tested.by, record.tested.result, record.tested.note) == ("op-3", "passed", "fine")
