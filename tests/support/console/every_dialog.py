"""Every dialog of the console with more to say than most, and where its focus is at first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from drdeck.console.dialogs.action_lists import Item, MoreMenu, NetworkList
from drdeck.console.dialogs.add_site import AddSiteDialog
from drdeck.console.dialogs.ask_password import PasswordDialog
from drdeck.console.dialogs.choose_columns import ColumnsDialog
from drdeck.console.dialogs.choose_lesson import LessonRow, LessonsDialog
from drdeck.console.dialogs.choose_plan import PlansDialog
from drdeck.console.dialogs.complete_failover import CompleteDialog
from drdeck.console.dialogs.confirmation import Confirm, ConfirmByName, Notice
from drdeck.console.dialogs.dialog import Dialog
from drdeck.console.dialogs.fact_sheets import Help, progress_dialog, result_dialog
from drdeck.console.dialogs.failover_wizard import (
    GeneralPage,
    Page,
    SummaryPage,
    VmSettingsPage,
    pages_for,
)
from drdeck.console.dialogs.life.begin_trial import BeginTest
from drdeck.console.dialogs.life.end_trial import EndTest
from drdeck.console.dialogs.life.return_list import ReturnList
from drdeck.console.dialogs.palette_dialog import Palette
from drdeck.console.dialogs.plan_answers import AnswerDialog, ConfirmByWords, ExitDialog
from drdeck.console.dialogs.plan_decision import DecisionDialog
from drdeck.console.dialogs.results_list import ResultsDialog
from drdeck.console.state import State
from drdeck.controller.journal.operations import OperationState
from drdeck.model.actions.confirming import Preview
from drdeck.model.actions.request import Request
from drdeck.model.domains import FailoverType, Mode, Networks, ProtectedSite
from drdeck.model.passwords import OWN, PasswordWanted
from drdeck.model.pitr import Points
from drdeck.model.plans.run_requests import RunRequest
from drdeck.model.returning.checklist import open_ways, return_steps
from tests.support.console.fake_client import NOW, domain, in_session, operation, points, vm
from tests.support.console.plan_double import PLAN, PlanningClient

LONG = "This sentence says once more what will happen to each of the VMs of this domain, and to its points."
PAGE = [f"{number}. {LONG}" for number in range(1, 12)]
MANY = Networks(protected=tuple(f"VM_{n}" for n in range(3500, 3512)), recovery=("DRSeg", "DRIsolated"))
IMPORTED = domain(mode=Mode.IMPORTED, networks=MANY, vms=tuple(vm(f"erp-app{n:02}") for n in range(30)))
REQUEST = Request(action="cfo_start", domain=IMPORTED.name, networks=dict.fromkeys(MANY.protected, "DRSeg"))
ITEMS = [Item(f"act-{n}", f"Act {n}", LONG, LONG if n % 2 else None) for n in range(14)]


async def _preview(request: Request) -> Preview:
    return Preview(
        request=request,
        tier=3,
        refusal=None,
        facts={},
        says=tuple(PAGE),
        not_checked=("whether users can reach the recovery network",),
        against=tuple(PAGE[:3]),
        protected=ProtectedSite(state="reachable", running=20, total=20, checked_at=NOW),
        vms=tuple(v.name for v in IMPORTED.vms),
    )


async def _nothing(*_: Any) -> Any:
    raise AssertionError("nothing is asked for by a dialog that is only looked at")


async def _points(name: str) -> Points:
    return points()


def _ended() -> Any:
    return operation(state=OperationState.DONE, ended_at=NOW, result={f"fact_{n}": LONG for n in range(9)})


class _LastingPasswordDialog(PasswordDialog):
    """Nobody else gives it meanwhile."""

    def take(self, state: State) -> None:
        pass


@dataclass(frozen=True)
class Case:
    """`focus`: the id (or the class) of what has the focus at first. `leads_on`: an Enter there answers,
    and the answer only leads to what comes next."""

    make: Callable[[], Awaitable[Dialog[Any]]]
    focus: str
    leads_on: bool = False


def _now(make: Callable[[], Dialog[Any]]) -> Callable[[], Awaitable[Dialog[Any]]]:
    async def at_once() -> Dialog[Any]:
        return make()

    return at_once


async def _summary() -> Dialog[Any]:
    pages = pages_for(IMPORTED)
    return SummaryPage(pages[-1], pages, IMPORTED, REQUEST.networks, await _preview(REQUEST))


async def _decision() -> Dialog[Any]:
    plans = PlanningClient().plans
    request = RunRequest(plan=PLAN.name, type=FailoverType.FORCE)
    return DecisionDialog(request, await plans.check(request), plans.check)


async def _plans() -> Dialog[Any]:
    return PlansDialog(await PlanningClient().plans.plans())


def _pages() -> list[str]:
    return pages_for(IMPORTED)


CASES: dict[str, Case] = {
    "Notice": Case(_now(lambda: Notice("Read this", PAGE)), "cancel"),
    "Confirm": Case(_now(lambda: Confirm("Sure?", PAGE, "Do it", warns=PAGE[:2])), "cancel"),
    "ConfirmByName": Case(_now(lambda: ConfirmByName("Sure?", PAGE, "Do it", "erp-prod")), "cancel"),
    "ConfirmByWords": Case(_now(lambda: ConfirmByWords("Sure?", PAGE, "Do it", "RESET 3")), "cancel"),
    "Facts": Case(_now(lambda: result_dialog(_ended())), "cancel"),
    "Facts of two buttons": Case(_now(lambda: progress_dialog(operation(), IMPORTED, NOW)), "cancel"),
    "Help": Case(_now(lambda: Help("Keys", lambda: [((line, ""),) for line in PAGE * 2])), "cancel"),
    "ReturnList": Case(
        _now(
            lambda: ReturnList(
                "files", return_steps(in_session(), ProtectedSite(state="lost")), open_ways(in_session(), NOW)
            )
        ),
        "cancel",
    ),
    "ResultsDialog": Case(_now(lambda: ResultsDialog([_ended()] * 12, {"op-1"})), "results", leads_on=True),
    "MoreMenu": Case(_now(lambda: MoreMenu(lambda: ITEMS)), "items", leads_on=True),
    "NetworkList": Case(_now(lambda: NetworkList("VM_3510", MANY)), "networks"),
    "Palette": Case(_now(lambda: Palette(lambda: ITEMS)), "wanted", leads_on=True),
    "LessonsDialog": Case(
        _now(lambda: LessonsDialog([LessonRow(str(n), LONG, "-", LONG) for n in range(9)])), "lessons"
    ),
    "PasswordDialog": Case(
        _now(lambda: _LastingPasswordDialog("dr", PasswordWanted(of=OWN, user="u", why=LONG), _nothing)),
        "password",
    ),
    "AddSiteDialog": Case(_now(lambda: AddSiteDialog(_nothing)), "name"),
    "GeneralPage": Case(_now(lambda: GeneralPage(_pages()[0], _pages(), IMPORTED)), "next", leads_on=True),
    "VmSettingsPage": Case(
        _now(lambda: VmSettingsPage(_pages()[1], _pages(), IMPORTED, {})), "NetworkMapping"
    ),
    "SummaryPage": Case(_summary, "cancel"),
    "CompleteDialog": Case(_now(lambda: CompleteDialog(IMPORTED, _preview)), "cancel"),
    "BeginTest": Case(_now(lambda: BeginTest(IMPORTED, NOW, _preview, _points)), "points"),
    "EndTest": Case(_now(lambda: EndTest(PAGE, PAGE[:2])), "cancel"),
    "AnswerDialog": Case(
        _now(lambda: AnswerDialog("files", "\n".join(PAGE), ("retry", "skip", "abort"), ("a", "b"))), "cancel"
    ),
    "ExitDialog": Case(
        _now(lambda: ExitDialog([f"d-{n:020}" for n in range(20)], [f"e-{n:020}" for n in range(20)], LONG)),
        "cancel",
    ),
    "PlansDialog": Case(_plans, "plans", leads_on=True),
    "ColumnsDialog": Case(_now(lambda: ColumnsDialog(("mode", "health"), "RPO")), "mode"),
    "DecisionDialog": Case(_decision, "checked"),
}


def kinds_of(kind: type[Dialog[Any]] = Dialog) -> set[type[Dialog[Any]]]:
    """Every class of dialog of the console that is shown, and no base of others only."""
    kinds = {kind} - {Dialog, Page} if kind.__module__.startswith("drdeck.") else set()
    return kinds.union(*(kinds_of(below) for below in kind.__subclasses__()))
