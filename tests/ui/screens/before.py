"""What happened before a chapter begins: operations that somebody at another console asked for."""

from __future__ import annotations

from drdeck.model.alarms import Alarm, Severity
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


MOVED = (
    'vCenter asks, and the VM waits: "This virtual machine might have been moved or copied."',
    ("button.uuid.movedTheVM", "button.uuid.copiedTheVM"),
)
FULL = (
    'vCenter asks, and the VM waits: "There is no more space for virtual disk plant-db.vmdk."',
    ("button.retry", "button.abort"),
)


async def in_trouble(house: House) -> None:
    """A failover of 200 VMs goes on: vCenter asks of 20, a datastore is full, three replicas are away."""

    def alarm(vm: str, kind: str, text: str, choices: tuple[str, ...] = ()) -> Alarm:
        severity = Severity.CRITICAL if choices else Severity.WARNING
        time = house.clock.now.replace(second=0)
        return Alarm(time=time, severity=severity, vm=vm, kind=kind, text=text, choices=choices)

    await house.submit(
        "cfo_complete", "plant", type=FailoverType.FORCE, confirm="plant", networks={"VM_3600": SEG}
    )
    await house.advance_until(lambda: house.domain("plant").question is not None)
    away = "is not one of the failover's VMs: left out: inaccessible; it joins when it can be used"
    house.site.troubles["plant"] = (
        *(alarm(f"plant-app{number}", "vm_question", *MOVED) for number in range(11, 31)),
        *(alarm(f"plant-db{number}", "vm_question", *FULL) for number in (12, 13)),
        *(alarm(vm, "left_out", f"{vm} {away}") for vm in ("plant-app64", "plant-app65", "plant-db19")),
    )
    await house.advance(45)


def active(house: House, name: str) -> bool:
    session = house.domain(name).session
    return session is not None and session.state is SessionState.ACTIVE


UNANSWERED = PlannedCall(
    key="power-on", kind="power_on", name='"files-srv01"', after_loss="ask", says='power on "files-srv01"'
)
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
