"""What happened before a chapter begins: operations that somebody at another console asked for."""

from __future__ import annotations

from drdeck.model.domains import FailoverType, Mode, SessionState
from drdeck.model.planned import PlannedCall
from tests.ui.screens.house import House

SEG = "DRSeg"


async def at_home(house: House) -> None:
    """intranet runs in failover, erp-prod is imported, and files synchronised."""
    await house.submit("cfo_complete", "intranet", type=FailoverType.REGULAR, networks={"VM_3700": SEG})
    await house.advance_until(lambda: house.domain("intranet").mode is Mode.RUNNING_IN_FAILOVER)


async def history(house: House) -> None:
    """intranet runs in failover, files has a PITR session, the others are as they were."""
    await house.submit("cfo_complete", "intranet", type=FailoverType.REGULAR, networks={"VM_3700": SEG})
    await house.advance_until(lambda: house.domain("intranet").mode is Mode.RUNNING_IN_FAILOVER)
    await house.submit(
        "cfo_complete",
        "files",
        type=FailoverType.FORCE,
        run_pitr=True,
        confirm="files",
        networks={"VM_3600": SEG, "VM_3610": SEG},
    )
    await house.advance_until(lambda: active(house, "files"))
    await house.advance(451)


async def rehydrated(house: House) -> None:
    """erp-prod is synchronised."""
    await house.submit("cfo_start", "erp-prod", networks={"VM_3510": SEG, "VM_3520": SEG})
    await house.advance_until(lambda: house.domain("erp-prod").mode is Mode.SYNCHRONISED)
    await house.advance(60)


async def in_session(house: House) -> None:
    """erp-prod was failed over with Run PITR, and its session is active."""
    await rehydrated(house)
    await house.submit(
        "cfo_complete",
        "erp-prod",
        type=FailoverType.PLANNED,
        run_pitr=True,
        networks={"VM_3510": SEG, "VM_3520": SEG},
    )
    await house.advance_until(lambda: active(house, "erp-prod"))
    await house.advance(60)


async def stuck(house: House) -> None:
    """The planned failover of payroll stands still: a VM does not shut down."""
    await house.submit("cfo_complete", "payroll", type=FailoverType.PLANNED, networks={"VM_3800": SEG})
    await house.advance_until(lambda: house.domain("payroll").question is not None)


def active(house: House, name: str) -> bool:
    session = house.domain(name).session
    return session is not None and session.state is SessionState.ACTIVE


UNANSWERED = PlannedCall(key="power-on", kind="power_on", after_loss="ask", says='power on "files-srv01"')
"""Of which nobody but a person can tell whether it happened, once its answer is lost."""


async def unanswered(house: House) -> None:
    """The forced failover of files has lost an answer."""
    house.site.unanswered = UNANSWERED
    await house.submit(
        "cfo_complete",
        "files",
        type=FailoverType.FORCE,
        confirm="files",
        networks={"VM_3600": SEG, "VM_3610": SEG},
    )
    await house.advance_until(
        lambda: any(op.question is not None for op in house.controller.recorder.open_operations())
    )
