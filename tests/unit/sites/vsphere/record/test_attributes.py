"""What a folder remembers: written and read back, and never believed blindly."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.model.domains import FailoverType, Mode, Period, SessionState
from drdeck.model.text import hides
from drdeck.sites.vsphere.record import attribute_names as names
from drdeck.sites.vsphere.record import attributes as r
from drdeck.sites.vsphere.record import record_values as values
from drdeck.sites.vsphere.record.domain_record import Record
from drdeck.sites.vsphere.record.packed_periods import pack_periods
from tests.support.vcenter.domain_states import OP, T0, failover, rollback, session

INSTANTS = st.datetimes(
    datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC), allow_imaginary=False
)
IDS = st.from_regex(r"op-[0-9a-f]{8}", fullmatch=True)
COUNTS = st.integers(0, 10_000)
FAILOVERS = st.builds(
    values.FailoverRecord,
    id=IDS,
    type=st.sampled_from(FailoverType),
    pitr=st.booleans(),
    began=INSTANTS,
    phase=st.sampled_from(["network", "power", "delay", "recovered", "finished"]),
    since=INSTANTS,
    g=COUNTS,
    n=COUNTS,
    recovered=st.none() | INSTANTS,
)
SESSIONS = st.builds(
    values.SessionRecord,
    id=IDS,
    state=st.sampled_from([SessionState.ACTIVE, SessionState.EXITING]),
    started=INSTANTS,
    entry=st.none() | INSTANTS,
    after=st.none() | IDS,
    last=st.none() | IDS,
    back=st.none() | INSTANTS,
    n=COUNTS,
)
ROLLBACKS = st.builds(
    values.RollbackRecord,
    id=IDS,
    to=INSTANTS,
    phase=st.sampled_from(["off", "revert", "power", "delay", "over"]),
    since=INSTANTS,
    g=COUNTS,
    n=COUNTS,
)
VM_IDS = st.lists(st.from_regex(r"vm-[0-9]{1,6}", fullmatch=True), unique=True, max_size=150).map(tuple)


@given(FAILOVERS, st.none() | SESSIONS, st.none() | ROLLBACKS, VM_IDS)
def test_read_is_what_was_written(
    f: values.FailoverRecord,
    s: values.SessionRecord | None,
    back: values.RollbackRecord | None,
    ids: tuple[str, ...],
) -> None:
    attributes = {names.FAILOVER: r.write(f), **r.write_many(names.SKIPPED, ids)}
    if s is not None:
        attributes[names.SESSION] = r.write(s)
    if back is not None:
        attributes[names.ROLLBACK] = r.write(back)
    assert all(len(value) <= names.MAX_VALUE for value in attributes.values())
    record = r.read(attributes)
    assert (record.failover, record.session, record.rollback, record.skipped) == (f, s, back, ids)


SPANS = st.lists(st.tuples(INSTANTS, st.floats(0, 10**6)), max_size=60)


@given(SPANS, st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_nothing_excluded_is_ever_forgotten(spans: list[tuple[datetime, float]], places: list[float]) -> None:
    periods = [Period(start=start, end=start + timedelta(seconds=length)) for start, length in spans]
    text = pack_periods(periods, names.MAX_VALUE)
    assert len(text) <= names.MAX_VALUE
    kept = r.read({names.EXCLUDED: text}).excluded
    for period in periods:
        assert period.end is not None
        for place in places:
            inside = period.start + (period.end - period.start) * place
            if period.covers(inside):
                assert any(p.covers(inside) for p in kept)
    assert pack_periods(kept, names.MAX_VALUE) == text, "writing what was read changes nothing"


def test_excluded_periods_keep_their_fractions() -> None:
    period = Period(start=T0 + timedelta(milliseconds=27), end=T0 + timedelta(hours=3, milliseconds=5))
    text = pack_periods([period] * 3, names.MAX_VALUE)
    assert r.read({names.EXCLUDED: text}).excluded == (period,) * 3
    assert len(pack_periods([period], names.MAX_VALUE)) == 14, "17 of them fit"


NONSENSE = [
    (names.MODE, "imported"),
    (names.MODE, '{"mode":"sideways"}'),
    (names.MODE, '{"mode":"cfo","more":1}'),
    (names.MODE, "[]"),
    (names.FAILOVER, '{"id":"x"}'),
    (names.FAILOVER, r.write(failover("power")).replace('"power"', '"flying"')),
    (names.FAILOVER, r.write(failover("power")).replace("2026-", "9026-")),
    (names.FAILOVER, r.write(failover("power")).replace("2026-", "1026-")),
    (names.FAILOVER, r.write(failover("power")).replace('Z"', '"')),
    (names.FAILOVER, r.write(failover("power", g=3)).replace('"g":3', '"g":-3')),
    (names.FAILOVER, r.write(failover("power", g=3)).replace('"g":3', '"g":99999999999')),
    (names.SESSION, r.write(session())),  # without a failover
    (names.SESSION, '{"id":"x","state":"active"}'),
    (names.PITR, '{"reset":"never"}'),
    (names.SYNCED, '{"by":"op-1"}'),
    (names.SYNCED, '{"by":"op-1","since":"2026-01-16T22:00:00Z","more":1}'),
    (names.ASKED, '["anna@jump1"]'),
    (names.ASKED, '{"op-1":7}'),
    (names.ASKED, '{"op-1":"' + 65 * "a" + '"}'),
    (names.EXCLUDED, "a-b-c"),
    (names.EXCLUDED, "b-a"),
    (names.EXCLUDED, "zzzzzzzzzzzzzzzz-zzzzzzzzzzzzzzzzz"),
    (names.EXCLUDED, "null"),
    (names.NETWORKS, "{"),
    (names.NETWORKS, '{"a":1}'),
    (names.SKIPPED, '"vm-1"'),
    (names.SKIPPED, "[" * 255),
]


@pytest.mark.parametrize(("name", "text"), NONSENSE)
def test_nonsense_is_told(name: str, text: str) -> None:
    with pytest.raises(r.BrokenRecord) as caught:
        r.read({name: text})
    assert "drdeck." in str(caught.value) and "which makes no sense" in str(caught.value)


@given(st.sampled_from([*names.SINGLE, *names.CHUNKED]), st.text(max_size=255))
def test_no_text_does_worse_than_that(name: str, text: str) -> None:
    with contextlib.suppress(r.BrokenRecord):
        r.read({name: text})


@given(st.dictionaries(IDS, st.text(max_size=200), max_size=6))
def test_who_asked_is_kept_as_far_as_there_is_room(askers: dict[str, str]) -> None:
    text = r.write_askers(askers)
    assert len(text) <= names.MAX_VALUE
    kept = r.read({names.ASKED: text}).askers
    assert list(kept) == list(askers)[len(askers) - len(kept) :], "the newest"
    assert not any(hides(who) for who in kept.values())
    if askers:
        assert kept


def test_a_rollback_or_active_session_needs_its_facts() -> None:
    base = {names.FAILOVER: r.write(failover("finished"))}
    rolling = r.write(session(SessionState.ROLLING_BACK))
    with pytest.raises(r.BrokenRecord, match="no record of it"):
        r.read({**base, names.SESSION: rolling})
    assert r.read({**base, names.SESSION: rolling, names.ROLLBACK: r.write(rollback("off"))}).rollback
    with pytest.raises(r.BrokenRecord, match="started"):
        r.read({**base, names.SESSION: f'{{"id":"{OP}","state":"active"}}'})


def test_too_much_is_refused_and_long_lists_go_on() -> None:
    ids = tuple(f"vm-{i}" for i in range(60))
    parts = r.write_many(names.SKIPPED, ids)
    assert parts["drdeck.skipped.2"] and not parts["drdeck.skipped.8"]
    assert r.write_many(names.SKIPPED, ids[:2])["drdeck.skipped.2"] == "", "parts not used are emptied"
    with pytest.raises(ValueError, match="would need"):
        r.write_many(names.SKIPPED, tuple(f"vm-{i}" for i in range(10_000)))
    with pytest.raises(ValueError, match="fit"):
        r.write(failover("power", id="x" * 300))


MODES = [
    ({}, Mode.IMPORTED, False),
    ({"mode": values.ModeRecord(mode="cfo")}, Mode.SYNCHRONISED, False),
    ({"failover": failover("shutdown")}, Mode.COMPLETING, False),
    ({"failover": failover("take")}, Mode.COMPLETING, False),
    ({"failover": failover("network")}, Mode.COMPLETING, True),
    ({"failover": failover("recovered")}, Mode.COMPLETING, True),
    ({"failover": failover("recovered"), "session": session(SessionState.WAITING)}, Mode.COMPLETING, True),
    ({"failover": failover("recovered"), "session": session()}, Mode.PITR_SESSION, True),
    ({"failover": failover("finished")}, Mode.RUNNING_IN_FAILOVER, True),
    (
        {"failover": failover("finished"), "session": session(SessionState.WAITING)},
        Mode.RUNNING_IN_FAILOVER,
        True,
    ),
]


@pytest.mark.parametrize(("fields", "mode", "owned"), MODES)
def test_the_mode(fields: dict[str, object], mode: Mode, owned: bool) -> None:
    record = msgspec.structs.replace(Record(), **fields)
    assert (record.mode_without_vms, record.owned) == (mode, owned)


def test_the_running_session_is_excluded_too() -> None:
    past = Period(start=T0 - timedelta(hours=2), end=T0 - timedelta(hours=1))
    record = Record(failover=failover("finished"), session=session(), excluded=(past,))
    assert record.periods == (past, Period(start=T0))


@given(st.lists(st.lists(st.integers(1, 3000), unique=True, max_size=90).map(sorted), max_size=6), st.data())
def test_a_list_is_whole_after_each_write(lists: list[list[int]], data: st.DataObject) -> None:
    """A controller may be killed between any two; whoever comes next may write something else."""
    attributes: dict[str, str] = {}
    before: tuple[str, ...] = ()
    for numbers in lists:
        after = tuple(f"vm-{number}" for number in numbers)
        writes = r.in_order({names.MODE: "", **r.write_many(names.SKIPPED, after)}, attributes)
        most = data.draw(st.integers(0, len(writes)) | st.just(len(writes)))
        for name, value in writes[:most]:
            attributes[name] = value
            assert len(value) <= names.MAX_VALUE
            assert r.read(attributes).skipped in (before, after)
        before = r.read(attributes).skipped
        assert before == after or most < len(writes)
    assert r.in_order(r.write_many(names.SKIPPED, before), attributes) == []


def test_a_list_that_is_small_again_leaves_nothing() -> None:
    attributes: dict[str, str] = {}
    for count in (3, 100, 0, 100, 2):
        after = tuple(f"vm-{number * 7}" for number in range(count))
        attributes.update(r.in_order(r.write_many(names.SKIPPED, after), attributes))
        assert r.read(attributes).skipped == after
    assert {name for name, value in attributes.items() if value} == {names.SKIPPED}


def test_a_list_without_room_beside_it_is_written_over() -> None:
    """Ids without a number are not packed; the record can hold them, and not twice."""
    first, second = (tuple(f"vm-{c}{n:07}" for n in range(1500)) for c in "ab")
    attributes = dict(r.in_order(r.write_many(names.SKIPPED, first), {}))
    attributes.update(r.in_order(r.write_many(names.SKIPPED, second), attributes))
    assert r.read(attributes).skipped == second


def test_only_what_differs_is_written() -> None:
    """vCenter keeps an event for each writing, also of what stands there already (register V16)."""
    standing = {names.MODE: "a", **r.write_many(names.SKIPPED, ("vm-1", "vm-2"))}
    changes = {**standing, names.SESSION: "", names.ROLLBACK: "b"}
    assert r.in_order(changes, standing) == [(names.ROLLBACK, "b")]
    assert r.in_order({names.MODE: ""}, standing) == [(names.MODE, "")]


def test_a_list_is_one_attribute_where_it_fits() -> None:
    counts = dict[int, int]()
    for many in range(1, 120):
        parts = r.write_many(names.SKIPPED, tuple(f"vm-{i * i + 1000}" for i in range(many)))
        text = "".join(parts[name] for name in parts)
        counts[len(text)] = len(r.in_order(parts, {}))
    assert {count == 1 for length, count in counts.items() if length <= names.MAX_VALUE} == {True}
    assert {count == 1 for length, count in counts.items() if length > names.MAX_VALUE} == {False}
