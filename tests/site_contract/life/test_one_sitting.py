"""A failover of an imported domain in one sitting: started and completed by one operation."""

from __future__ import annotations

from drdeck.controller.journal.operations import OperationState
from drdeck.model.domains import Mode, SessionState
from tests.site_contract.bench import MakeBench


async def test_one_operation_starts_and_completes(make: MakeBench) -> None:
    bench = await make(state="imported", protected="off")
    await bench.refused(bench.failover("regular"), "only while it is in progress")
    ident = await bench.done(bench.failover("regular", start_first=True))
    assert bench.mode == Mode.RUNNING_IN_FAILOVER and bench.truth().local
    keys = [intent["key"] for intent in bench.intents() if intent["operation"] == ident]
    assert keys.index("StartContinuousFailover") < keys.index("BeginCompletion")
    assert len(set(keys)) == len(keys), "nothing is given twice"
    await bench.refused(bench.failover("regular", start_first=True), "only while it is in progress")


async def test_it_waits_until_every_vm_is_recoverable(make: MakeBench) -> None:
    bench = await make(state="imported", behind=True, protected="off")
    ident = await bench.submit(bench.failover("regular", run_pitr=True, start_first=True))
    await bench.until(lambda d: d.mode is Mode.REHYDRATING)
    assert not bench.operation(ident).ended and not bench.truth().local
    await bench.catch_up()
    active = await bench.until(lambda d: d.session and d.session.state is SessionState.ACTIVE)
    assert active.session is not None and active.session.after_failover == ident


async def test_it_is_given_up_by_a_cancel(make: MakeBench) -> None:
    bench = await make(state="imported", behind=True)
    ident = await bench.submit(bench.failover("force", start_first=True))
    await bench.until(lambda d: d.mode is Mode.REHYDRATING)
    await bench.done(bench.asks("cfo_cancel"))
    assert (await bench.ended(ident)).state is OperationState.ABORTED
    await bench.look()
    assert bench.mode == Mode.IMPORTED and bench.domain.failover is None and not bench.truth().local
