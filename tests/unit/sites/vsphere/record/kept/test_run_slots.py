"""Runs in custom attributes: whoever dies between two writes leaves what was there, or what comes."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from drdeck.controller.plans.run_notes import kept
from drdeck.model.plans.run_note import RunMark
from drdeck.sites.vsphere.record.attribute_names import MAX_VALUE, RUN
from drdeck.sites.vsphere.record.kept.run_slots import (
    read_marks,
    read_notes,
    with_marks,
    with_notes,
    without,
)
from tests.support.plans.plan_build import frozen, run

LONG = frozen({f"wave {number} with a name of its own": [f"d{number}"] for number in range(30)})
RUN_1, RUN_2 = kept(run(LONG)), kept(run(LONG, "d0", "d1", id="run-2"))


def test_a_death_between_two_writes_leaves_the_notes_of_before() -> None:
    attributes: dict[str, str] = {}
    states = [(), (RUN_1.note,), (RUN_1.note, RUN_2.note), (RUN_2.note,), ()]
    for before, after in itertools.pairwise(states):
        changes = with_notes(attributes, after, {note.id: "ann@jump1#1" for note in after})
        assert all(len(value) <= MAX_VALUE for value in changes.values())
        for name, value in changes.items():
            assert read_notes(attributes).notes == before
            attributes[name] = value
        assert read_notes(attributes).notes == after
    assert any(name.startswith(f"{RUN}.") for name in attributes), "it needs more than one attribute"


NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)


@given(
    st.lists(NAME, min_size=1, max_size=24, unique=True),
    st.lists(NAME, max_size=40, unique=True),
    st.integers(1, 4),
)
def test_no_value_is_longer_than_an_attribute_takes_and_all_of_a_run_is_read_again(
    waves: list[str], domains: list[str], runs: int
) -> None:
    """Of whatever names and number: the plan's, its waves' and domains', in whatever script."""
    plan = frozen({wave: domains[n :: len(waves)] for n, wave in enumerate(waves)}, plan=waves[0])
    several = [kept(run(plan, id=f"run-{n}", actor=waves[-1])) for n in range(runs)]
    notes, attributes = tuple(one.note for one in several), dict[str, str]()
    for _ in range(2):  # into the one slot, and into the other one
        changes = with_notes(attributes, notes, {note.id: waves[-1] for note in notes})
        assert all(len(value) <= MAX_VALUE for value in changes.values())
        attributes |= changes
        assert read_notes(attributes).notes == notes
    for name in domains:
        marks = tuple(one.marks[name] for one in several)
        changes = with_marks({}, marks)
        assert all(len(value) <= MAX_VALUE for value in changes.values())
        assert read_marks(changes) == marks


def test_a_domain_keeps_the_marks_of_several_runs() -> None:
    attributes: dict[str, str] = {}
    marks: tuple[RunMark, ...] = ()
    for mark in (RUN_1.marks["d3"], RUN_2.marks["d3"]):
        marks = (*marks, mark)
        attributes |= with_marks(attributes, marks)
        assert read_marks(attributes) == marks
    attributes |= with_marks(attributes, marks[1:])
    assert read_marks(attributes) == marks[1:]
    attributes |= with_marks(attributes, ())
    assert not any(attributes.values()), "nothing stays behind"


def test_what_others_wrote_there_is_nothing() -> None:
    for text in ("{", "^AAAA", '{"n":1,"notes":3}', '{"n":-4}'):
        assert read_notes({RUN: text}).notes == () and read_marks({RUN: text}) == ()
    other = {"drdeck.runbook": "x", f"{RUN}.2": "y", RUN: "z"}
    assert without(other) == {RUN: "", f"{RUN}.2": ""}
