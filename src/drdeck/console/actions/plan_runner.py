"""Carries out what concerns Failover Plans: which screen or flow a key of a run leads to."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from drdeck.console.dialogs.action_lists import Item, MoreMenu
from drdeck.console.dialogs.dialog import Dialog
from drdeck.console.key_bindings import keys_of
from drdeck.console.ports import Console
from drdeck.console.screens.plan_rollback import PlanRollbackScreen
from drdeck.console.screens.plan_run import PlanRunScreen
from drdeck.model.plans.run_requests import RunPitrRequest
from drdeck.model.plans.run_views import NOT_BEGUN, RUN_ENDED, InRunState, RunView

from . import plan_flows


class PlanRunner:
    """Starts the screens and flows of plans; each flow is one at a time, as all others."""

    def __init__(self, app: Console) -> None:
        self._app = app

    def show(self, marked: tuple[str, ...]) -> None:
        """The run that is open, or has sessions still, else the way to a new one, as from the screen of a run
        that is over. Right after the start that is not known yet."""
        if self._app.state.listing is None and self._app.state.lost is None:
            self._app.dialog_queue.start(self._showing(marked))
            return
        going = next((run for run in self._app.state.runs if self._goes_on(run)), None)
        screen = self._app.screen
        here = going is not None and isinstance(screen, PlanRunScreen) and screen.run_id == going.run
        if going is not None and not marked and not (here and going.state in RUN_ENDED):
            self.open(going.run)
        else:
            self.begin(marked)

    def _goes_on(self, run: RunView) -> bool:
        """True until nothing of a run is left to do: its sessions come after its end."""
        return run.state not in RUN_ENDED or bool(plan_flows.in_session(run, self._app.state.domains))

    async def _showing(self, marked: tuple[str, ...]) -> None:
        await self._app.first_news()
        self._app.dialog_queue.then(lambda: self.show(marked))

    def open(self, run: str) -> None:
        """Show a run."""
        screen = self._app.screen
        if isinstance(screen, Dialog) or (isinstance(screen, PlanRunScreen) and screen.run_id == run):
            return
        self._app.push_screen(PlanRunScreen(run))

    def begin(self, marked: tuple[str, ...]) -> None:
        """Choose, look, decide; then the run's screen."""
        self._app.dialog_queue.start(self._beginning(marked))

    async def _beginning(self, marked: tuple[str, ...]) -> None:
        run = await plan_flows.begin(self._app, marked)
        if run is not None:
            self._app.call_later(self.open, run)

    def pause(self, run: str, pausing: bool) -> None:
        self._with(run, lambda view: plan_flows.pause(self._app, view, pausing))

    def answer(self, run: str, domain: str) -> None:
        """Answer what a domain of the run asks."""

        async def answering(view: RunView) -> None:
            row = next((d for d in view.domains if d.name == domain), None)
            if row is not None:
                await plan_flows.answer(self._app, view, row)

        self._with(run, answering)

    def choose_instant(self, run: str) -> None:
        """Show where the sessions of a run can go back to."""
        if not isinstance(self._app.screen, PlanRollbackScreen | Dialog):
            self._app.push_screen(PlanRollbackScreen(run))

    def roll_back(self, request: RunPitrRequest) -> None:
        """Confirm a common rollback; once it is asked for, the run's screen is shown again."""
        screen = self._app.screen

        async def rolling() -> None:
            if await plan_flows.roll_back(self._app, request) and isinstance(screen, PlanRollbackScreen):
                self._app.call_later(screen.action_back)

        self._app.dialog_queue.start(rolling())

    def more(self, run: str, domain: str | None) -> None:
        """The More menu of a run and of the domain under the cursor."""
        menu = MoreMenu(lambda: self._items(run, domain), keys_of("more", self._app.remapped))
        self._app.dialog_queue.start(self._choosing(menu, run, domain))

    async def _choosing(self, menu: MoreMenu, run: str, domain: str | None) -> None:
        name = await self._app.ask(menu)
        view = self._app.state.run(run)
        if name is None or view is None:
            return
        if name == "leave_out" and domain is not None:
            await plan_flows.leave_out(self._app, view, domain)
        elif name == "release" and domain is not None:
            await plan_flows.release(self._app, view, domain)
        elif name == "exit":
            await plan_flows.leave_sessions(self._app, view)
        elif name == "take_over":
            await plan_flows.take_over(self._app, view)
        elif name == "open" and domain is not None:
            self._app.call_later(self._app.action_runner.open_domain, domain)

    def _items(self, run: str, domain: str | None) -> list[Item]:
        """The items as the run is now, each dimmed with its reason."""
        view = self._app.state.run(run)
        row = next((d for d in view.domains if d.name == domain), None) if view is not None else None
        if view is None:
            return []
        left = None
        if row is None:
            left = "no domain is chosen"
        elif row.state not in NOT_BEGUN and row.state not in (
            InRunState.QUESTION, InRunState.FAILED, InRunState.UNKNOWN,
        ):  # fmt: skip
            left = f'"{row.name}" is {row.state.words}'
        holding = view.pitr.barrier if view.pitr is not None and view.pitr.holds else ()
        taking = Item("take_over", "Take Over", "drive this run from here, which another controller began")
        return [
            *([taking] if view.holder else []),
            Item("open", "Open the domain", "its bars, VMs, and its own More menu", None if row else left),
            Item("leave_out", "Leave Out", "of this run; it cannot join it again", left),
            Item(
                "release",
                "Release the barrier",
                "from this domain: the others start without it",
                None if row is not None and row.name in holding else "this domain holds no barrier",
            ),
            Item(
                "exit",
                "Exit PITR Sessions ...",
                "of all domains of the run: two lists, one act",
                plan_flows.exit_closed(view, self._app.state.domains),
            ),
        ]

    def _with(self, run: str, flow: Callable[[RunView], Coroutine[Any, Any, None]]) -> None:
        view = self._app.state.run(run)
        if view is None:
            self._app.say("the controller tells of this run no more")
        else:
            self._app.dialog_queue.start(flow(view))
