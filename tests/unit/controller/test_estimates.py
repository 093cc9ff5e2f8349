"""When what goes on will be over: by bytes and their pace, VMs that are ready, or earlier runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from drdeck.controller.estimates import Estimates
from drdeck.controller.journal.operations import Operation, OperationState, Question
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, FailoverType, Mode, SessionState
from drdeck.model.facts.life_facts import Estimate
from drdeck.model.views import SiteClock, SiteView
from tests.support.console.fake_client import NOW, changed, domain, in_session, vm

GB = 1_000_000_000


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def view(domain: Domain, at: datetime) -> SiteView:
    return SiteView(
        site="dr-west", kind="training", serial=1, clock=SiteClock(site=at, real=at), domains=(domain,)
    )


def call(
    action: str, of: str = "erp-prod", since: float = 0, took: float | None = None, **more: Any
) -> Operation:
    """An operation that was asked for `since` seconds from NOW; over after `took`, or still open."""
    kind = FailoverType.PLANNED if action == "cfo_complete" else None
    to = after(-600) if action == "pitr_run" else None
    ended: dict[str, Any] = {}
    if took is not None:
        ended = {
            "state": OperationState.DONE,
            "ended_at": after(since + took),
            "result": {"rto_s": str(took)},
        }
    return Operation(
        id=f"{action}-{of}-{since}",
        request=Request(action=action, domain=of, type=kind, to=to),
        actor="ann@jump1",
        asked_at=after(since),
        **ended,
        **more,
    )


def estimate_of(domain: Domain, *operations: Operation, at: datetime = NOW) -> Estimate | None:
    """The estimate of a domain with these operations."""
    estimates = Estimates(lambda: {op.id: op for op in operations})
    return estimates.with_remarks(view(domain, at)).domains[0].estimate


def test_a_rehydration_ends_when_its_bytes_have_come() -> None:
    estimates = Estimates(dict)

    def at(seconds: float, left: int | None, mode: Mode = Mode.REHYDRATING) -> Estimate | None:
        told_view = estimates.with_remarks(view(domain(mode=mode, remaining_bytes=left), after(seconds)))
        return told_view.domains[0].estimate

    assert at(0, 120 * GB) is None
    assert at(5, 119 * GB) is None  # too soon to tell
    half = at(60, 60 * GB)
    assert half == Estimate(ends_at=after(123), source="what remains at 1.0 GB/s")  # to ten seconds
    assert half.says(NOW) == "est. end 10:44:10Z, from what remains at 1.0 GB/s"
    assert at(70, 130 * GB) is None  # more has come to copy than was copied
    assert at(80, 50 * GB) is not None
    assert at(95, 50 * GB) is None  # it stands still
    assert at(100, 1 * GB, Mode.SYNCHRONISED) is None
    assert at(110, 120 * GB) is None  # begins anew


def test_an_exit_ends_when_its_snapshots_are_removed() -> None:
    op = call("pitr_exit")
    estimates = Estimates(lambda: {op.id: op})

    def at(seconds: float, left: int, rollbacks: int = 0) -> Estimate | None:
        vms = (vm("a", restore_points=left), vm("b", restore_points=left))
        subject = in_session("erp-prod", rollbacks, vms=vms)
        exiting = changed(subject, session=changed(subject.session, state=SessionState.EXITING))
        return estimates.with_remarks(view(exiting, after(seconds))).domains[0].estimate

    assert at(0, 30) is None
    assert at(60, 20) == Estimate(ends_at=after(183), source="40 snapshots to remove, one in 3s")
    assert at(70, 19, rollbacks=1) is None  # some are kept, nobody knows how many
    assert at(80, 0) is None


def test_an_act_takes_as_long_as_the_last_ones_of_its_domain() -> None:
    earlier = [call("pitr_run", since=-3600 * n, took=100 * n) for n in (1, 2, 3)]
    others = [call("pitr_run", of="files", since=-100, took=5), call("pitr_exit", since=-50, took=7)]
    estimate = estimate_of(in_session("erp-prod"), *earlier, *others, call("pitr_run", since=-60))
    assert estimate == Estimate(ends_at=after(140), source="the last 3 rollbacks here")


def test_it_takes_as_long_as_at_other_domains_where_it_is_the_first_time() -> None:
    estimate = estimate_of(
        in_session("erp-prod"), call("pitr_exit", of="files", since=-900, took=30), call("pitr_exit")
    )
    assert estimate == Estimate(ends_at=after(30), source="the last exit of other domains")


def test_a_failover_counts_until_its_vms_served() -> None:
    """The operation itself ends with its PITR session."""
    earlier = msgspec.structs.replace(call("cfo_complete", since=-9000, took=8000), result={"rto_s": "200"})
    completing = domain(mode=Mode.COMPLETING)
    estimate = estimate_of(completing, earlier, call("cfo_complete", since=-20))
    assert estimate == Estimate(ends_at=after(180), source="the last failover here")
    forced = changed(earlier, request=changed(earlier.request, type=FailoverType.FORCE))
    assert (
        estimate_of(completing, forced, call("cfo_complete", since=-20)) is None
    )  # another type is another length


VMS = tuple(vm(f"vm{n}") for n in range(4))
SHARES = {
    "boots": (
        domain(mode=Mode.COMPLETING, vms=VMS, vms_recovered=1),
        "cfo_complete",
        Estimate(ends_at=after(183), source="1 of 4 VMs recovered"),
    ),
    "no boot yet": (domain(mode=Mode.COMPLETING, vms=VMS), "cfo_complete", None),
    "reverts": (
        in_session(
            "erp-prod", vms=(vm("a", progress=50, status="rolling_back"), vm("b", status="recovered"))
        ),
        "pitr_run",
        Estimate(ends_at=after(183), source="25% of 2 VMs rolled back and ready"),
    ),
    "reverted, and some boot": (
        in_session(
            "erp-prod",
            vms=tuple(vm(n, status="recovered", ready=n == "a", rolled_back_to=after(-600)) for n in "abcd"),
        ),
        "pitr_run",
        Estimate(ends_at=after(183), source="25% of 4 VMs rolled back and ready"),
    ),
    "data that is rolled back": (
        changed(in_session("erp-prod"), session=changed(in_session().session, progress=25)),
        "pitr_run",
        Estimate(ends_at=after(183), source="25% of what is rolled back"),
    ),
    "removals": (
        changed(in_session("erp-prod"), session=changed(in_session().session, progress=25)),
        "pitr_exit",
        Estimate(ends_at=after(183), source="25% of snapshots removed"),
    ),
    "all removed": (
        changed(in_session("erp-prod"), session=changed(in_session().session, progress=100)),
        "pitr_exit",
        None,
    ),
    "what takes no time": (domain(), "failover_commit", None),
}


@pytest.mark.parametrize("case", SHARES)
def test_without_earlier_runs_the_share_that_is_done_tells(case: str) -> None:
    subject, action, expected = SHARES[case]
    assert estimate_of(subject, call(action, since=-60)) == expected


def test_an_act_that_takes_longer_than_before_is_reckoned_by_its_share() -> None:
    earlier = call("pitr_exit", since=-3600, took=30)
    exiting = changed(in_session("erp-prod"), session=changed(in_session().session, progress=50))
    estimate = estimate_of(exiting, earlier, call("pitr_exit", since=-60))
    assert estimate == Estimate(ends_at=after(63), source="50% of snapshots removed")
    assert estimate.says(after(70)) == "longer than est., from 50% of snapshots removed"


def test_earlier_acts_are_put_in_order_once_for_all_domains() -> None:
    class Counted(dict[str, Operation]):
        looks = 0

        def values(self) -> Any:
            self.looks += 1
            return super().values()

    names = [f"d{number}" for number in range(20)]
    calls = [call("pitr_exit", of="old", since=-3600, took=30)]
    calls += [call("pitr_exit", of=name, since=-5) for name in names]
    operations = Counted({op.id: op for op in calls})
    domains = tuple(changed(in_session(name)) for name in names)
    all_of_them = msgspec.structs.replace(view(domains[0], NOW), domains=domains)
    estimated = Estimates(lambda: operations).with_remarks(all_of_them)
    ends = {domain.estimate for domain in estimated.domains}
    assert ends == {Estimate(ends_at=after(25), source="the last exit of other domains")}
    assert operations.looks <= 2, "and not once for each domain"


def test_nothing_is_estimated_while_somebody_is_asked() -> None:
    question = Question(id="q", kind="failed", text="?", choices=("retry",))
    asking = call("pitr_exit", since=-5, question=question)
    assert estimate_of(in_session("erp-prod"), call("pitr_exit", since=-3600, took=30), asking) is None
    assert (
        estimate_of(in_session("erp-prod"), call("pitr_exit", since=-3600, took=30)) is None
    )  # nothing goes on


@pytest.mark.parametrize("later", ["ended", "asks", "forgotten"])
def test_an_estimate_goes_with_its_act_and_not_with_the_next_view(later: str) -> None:
    earlier, going = call("pitr_exit", since=-3600, took=30), call("pitr_exit", since=-5)
    operations = {op.id: op for op in (earlier, going)}
    estimates = Estimates(lambda: operations)
    during = estimates.with_remarks(view(in_session("erp-prod"), NOW))
    assert during.domains[0].estimate is not None
    assert estimates.of_what_goes_on(during) is during
    question = Question(id="q", kind="failed", text="?", choices=("retry",))
    operations |= {
        "ended": {going.id: call("pitr_exit", since=-5, took=5)},
        "asks": {going.id: call("pitr_exit", since=-5, question=question)},
    }.get(later, {})
    if later == "forgotten":
        del operations[going.id]
    assert estimates.of_what_goes_on(during).domains[0].estimate is None
