"""The runs of failover plans that a vCenter keeps, as one controller sees them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

import msgspec

from drdeck.model.plans.run_note import KeptRun, RunMark
from drdeck.sites.vsphere.record.leases.lease_record import holder_words

from .run_slots import read_notes


def kept_runs(
    root: Mapping[str, str],
    domains: Iterable[tuple[str, Iterable[RunMark]]],
    me: str,
    silent: Container[str],
) -> tuple[KeptRun, ...]:
    """The runs that a vCenter keeps, as the controller `me` sees them. `root`: attributes of the root folder;
    `domains`: name of each domain, and the marks at its folder."""
    kept = read_notes(root)
    if not kept.notes:
        return ()
    marks: dict[str, dict[str, RunMark]] = {note.id: {} for note in kept.notes}
    for name, marks_there in domains:
        for mark in marks_there:
            if mark.run in marks:
                marks[mark.run][name] = mark
    return tuple(
        KeptRun(
            note=msgspec.structs.replace(
                note,
                holder=holder_words(by, me) if (by := kept.by.get(note.id, "")) not in ("", me) else None,
                silent=by in silent,
            ),
            marks=marks[note.id],
        )
        for note in kept.notes
    )
