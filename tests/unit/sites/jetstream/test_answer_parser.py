"""The published answer, whole and in parts: nothing in it, and nothing missing, is more than a remark."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.model.alarms import Severity
from drdeck.model.domains import Domain, Mode, Owner, StepState
from drdeck.sites.jetstream.answer_parser import NotAnAnswer, PitrStatus, parse
from drdeck.sites.jetstream.status_view import UNPUBLISHED, DomainReading, PitrRun, domain_of
from tests.support.appliance.sample import DOMAIN_ID, PUBLISHED, STEPS, answer, idle, sound

NOW = datetime(2026, 11, 22, 10, 42, tzinfo=UTC)
Path = tuple[str | int, ...]


def read(body: Any, unit: str = "raw") -> PitrStatus:
    return parse(json.dumps(body).encode(), unit)


def domain_of_answer(body: Any, unit: str = "raw") -> Domain:
    """The domain on the screens; it can be stored and sent."""
    status = read(body, unit)
    run = PitrRun(id="pitr-1", since=NOW) if status.running else None
    domain = domain_of(DomainReading(ident=DOMAIN_ID, status=status, run=run), NOW)
    assert msgspec.json.decode(msgspec.json.encode(domain), type=Domain) == domain
    return domain


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """The way to each value in an answer, whole parts too."""
    if at:
        yield at
    if isinstance(value, dict):
        for key, part in value.items():
            yield from paths(part, (*at, key))
    elif isinstance(value, list):
        for index, part in enumerate(value[:2]):
            yield from paths(part, (*at, index))


def changed(at: Path, *value: Any) -> dict[str, Any]:
    """The published answer with another value at a path; with none, without it."""
    body = copy.deepcopy(PUBLISHED)
    part: Any = body
    for key in at[:-1]:
        part = part[key]
    if value:
        part[at[-1]] = value[0]
    else:
        del part[at[-1]]
    return body


ALL = list(paths(PUBLISHED))
OTHERS: list[Any] = ["text", 7, -3.5, True, [], {}, [[]], [None], {"a": {}}, 10**30, "\ud800", "x" * 10_000]


def test_the_whole_published_answer() -> None:
    domain = domain_of_answer(PUBLISHED)
    assert domain.name == "erp-prod" and domain.mode is Mode.PITR_SESSION
    assert domain.mode_label == "PITR in progress" and domain.owner is Owner.UNKNOWN
    assert (domain.vms_recoverable, domain.vms_total, domain.vms_recovered) == (2, 2, 0)
    assert domain.processed_bytes == 13_002_342 * 1024 and domain.remaining_bytes == 33_554_432 * 1024
    assert domain.step is not None and (domain.step.number, domain.step.of) == (7, 10)
    assert domain.step.label == "Recover VMs' data from Storage Site" and domain.step.progress == 10
    states = [step.state for step in domain.steps]
    assert states == [StepState.DONE] * 6 + [StepState.CURRENT] + [StepState.PENDING] * 3
    assert domain.session is not None and domain.session.started_at == NOW
    assert domain.observed_only == UNPUBLISHED
    facts = {fact.label: fact.text for fact in domain.site_facts}
    assert facts["Connection status"] == "OK" and facts["Progress"] == "10 %"
    assert facts["Domain id"] == f"{DOMAIN_ID} (answered for as erp-0001)"
    assert facts["Rollback timestamp"] == "163745200 (as it came)"
    assert facts["Previous recovery 1"] == "163741600 (as it came)"
    alert, odd = domain.alarms
    assert alert.severity is Severity.WARNING and alert.text == (
        "DOMAIN_ALERT_OBJECT_STORE_CONNECTION_LOST (code 20102, WARNING, resumable):"
        " OBJECT_STORE_TIMEOUT: no answer from the object store for 30 s"
    )
    assert odd.text == (
        "The appliance's answer is odd: remainingDataKB and recoveredDataKB do not add up to totalDataKB;"
        " progress is another than recoveredDataKB is of totalDataKB. Shown is what came."
    )


def test_nothing_is_odd_in_a_sound_answer() -> None:
    assert read(sound()).oddities == read(idle()).oddities == read({}).oddities == {}


@pytest.mark.parametrize("at", ALL, ids=str)
def test_each_field_absent(at: Path) -> None:
    domain = domain_of_answer(changed(at))
    whole = domain_of_answer(PUBLISHED)
    assert len(domain.steps) >= (0 if at[0] == "overview" else 10)
    assert at[0] == "name" or domain.name == whole.name
    assert read(changed(at)).oddities.keys() <= {*read(PUBLISHED).oddities, "step"}


@pytest.mark.parametrize("at", ALL, ids=str)
def test_each_field_null(at: Path) -> None:
    domain = domain_of_answer(changed(at, None))
    if isinstance(at[-1], str):
        absent = domain_of_answer(changed(at))
        assert domain == absent, "null is as good as absent"


@pytest.mark.parametrize("at", ALL, ids=str)
def test_each_field_of_another_type(at: Path) -> None:
    """The rest is shown as it was, and what is odd is said once."""
    before = domain_of_answer(PUBLISHED)
    for other in OTHERS:
        body = changed(at, other)
        domain = domain_of_answer(body)
        odd = [alarm for alarm in domain.alarms if alarm.kind == "odd_answer"]
        assert len(odd) <= 1
        if at[0] != "protectedVms":
            assert domain.vms == before.vms
        if at[0] not in ("overview", "progress"):
            assert domain.steps == before.steps
    whole = isinstance(at[-1], int)
    where = ".".join(str(key) for key in at if isinstance(key, str))
    if where not in ("id", "name") and not where.endswith((".id", ".name", ".index", ".code")):
        oddities = " ".join(read(changed(at, 7.5 if whole else [[]])).oddities.values())
        assert where in oddities or str(at[0]) in oddities, oddities


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=8), part, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(PUBLISHED)), _json), st.sampled_from(["s", "ms", "us", "raw"]))
def test_any_values(body: dict[str, Any], unit: str) -> None:
    domain_of_answer(PUBLISHED | body, unit)


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    try:
        parse(data)
    except NotAnAnswer as error:
        assert "JSON" in str(error)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<html><body>Welcome</body></html>", "is HTML in place of JSON"),
        (b"", "is something else in place of JSON"),
        (b"[]", "is JSON, but no object with the published fields"),
        (b'"erp"', "is JSON, but no object with the published fields"),
        (b'{"id": ', "is something else in place of JSON"),
        (b"\xff\xfe{}", "is something else in place of JSON"),
        (b"[" * 100_000, "JSON"),
        (b'{"overview": ' * 100_000, "JSON"),
    ],
)
def test_what_is_no_answer(data: bytes, says: str) -> None:
    with pytest.raises(NotAnAnswer, match=says):
        parse(data)


@pytest.mark.parametrize(
    ("unit", "raw", "instant"),
    [
        ("s", 1_795_344_120, datetime(2026, 11, 22, 10, 42, tzinfo=UTC)),
        ("ms", 1_795_344_120_500, datetime(2026, 11, 22, 10, 42, 0, 500_000, tzinfo=UTC)),
        ("us", 1_795_344_120_000_001, datetime(2026, 11, 22, 10, 42, 0, 1, tzinfo=UTC)),
        ("raw", 1_795_344_120, None),
        ("s", 1_795_344_120_000, None),
        ("ms", 1_795_344_120, None),
        ("s", 10**25, None),
    ],
)
def test_timestamps(unit: str, raw: int, instant: datetime | None) -> None:
    status = read(sound(rollbackTimestamp=raw, previousRecoveries=[]), unit)
    assert status.rollback is not None and status.rollback.instant == instant
    unlikely = instant is None and unit != "raw"
    assert any("no likely time" in oddity for oddity in status.oddities.values()) == unlikely


def test_steps_and_statuses_that_nobody_has_published() -> None:
    vms = [
        {"id": "1", "name": "a", "status": "FROBNICATING"},
        {"id": "1", "name": "b", "status": "RECOVERED"},
    ]
    body = answer(step="DANCE", protectedVms=vms, criticalAlerts=[{"code": 999, "category": "ODD"}])
    domain = domain_of_answer(body)
    assert [vm.status for vm in domain.vms] == ["FROBNICATING", "recovered"]
    assert len({vm.id for vm in domain.vms}) == 2, "rows are told apart by their ids"
    assert [step.label for step in domain.steps][-2:] == ["Complete", "DANCE"]
    assert domain.steps[-1].state is StepState.CURRENT
    assert {step.state for step in domain.steps[:-1]} == {StepState.PENDING}
    assert domain.alarms[0].text == "an alert without a name (code 999, ODD)"


def test_complete() -> None:
    """The call does not tell whether the session was exited: that is said, and no mode is made up."""
    domain = domain_of_answer(
        sound(step="COMPLETE", progress=100, recoveredDataKB=40_000_000, remainingDataKB=0)
    )
    assert domain.mode is Mode.UNKNOWN and domain.mode_label == "PITR complete" and domain.session is None
    assert {step.state for step in domain.steps} == {StepState.DONE} and len(domain.steps) == len(STEPS)
    assert "does not tell whether its session was" in domain.alarms[-1].text


def test_no_operation() -> None:
    domain = domain_of_answer(idle())
    assert domain.mode_label == "no PITR in progress" and domain.session is None and domain.steps == ()
