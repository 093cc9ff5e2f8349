"""The coach's panel in the console has the room that its words need, also when they came under a dialog."""

from __future__ import annotations

from pathlib import Path

import msgspec
from textual.app import App, ComposeResult

from drdeck.coach.coach import Coach, CoachNews
from drdeck.coach.lesson_file import find
from drdeck.console.widgets.text_lines import Lines
from drdeck.controller.ipc.client import Client
from drdeck.model.domains import Mode, Networks, ProtectedSite
from drdeck.model.facts.trial_facts import TrialOffer
from tests.support.console.console_deck import running
from tests.support.console.fake_client import FakeClient, domain
from tests.support.training.lesson_build import T0

MANY = Networks(protected=tuple(f"VM_35{number}0" for number in range(5)), recovery=("DRSeg",))


class Quiet(Coach):
    """A coach that is told by the test what was met."""

    async def observe(self, client: Client) -> CoachNews:
        return CoachNews()

    def meet(self, *ids: str) -> None:
        self.progress = msgspec.structs.replace(self.progress, met=dict.fromkeys(ids, T0))


class Bare(App[None]):
    """Nothing but lines, which nobody else changes."""

    def compose(self) -> ComposeResult:
        yield Lines()


async def test_lines_that_change_twice_between_two_layouts_have_room() -> None:
    app = Bare()
    async with app.run_test() as pilot:
        lines = app.query_one(Lines)
        for many in ((2, 5), (5, 2), (3, 6)):
            for count in many:
                lines.put([((str(number), ""),) for number in range(count)])
                app.screen._refresh_layout()
            await pilot.pause()
            await pilot.pause()
            assert lines.size.height == many[-1]


async def test_what_is_to_be_done_stands_below_the_largest_dialog(tmp_path: Path) -> None:
    coach = Quiet(find("8"), tmp_path, tmp_path / "journal.db")
    objective = coach.course.lesson.objectives[0]
    offer = TrialOffer(networks=("DR-Bubble",), mapping=dict.fromkeys(MANY.protected, "DR-Bubble"))
    tested = domain("web", Mode.IMPORTED, networks=MANY, trial_offer=offer)
    async with running(FakeClient(tested), coach=coach) as deck:
        await deck.press("m", "down", "down", "enter")
        await deck.sees("Test Failover of Protected Domain web", "pgup pgdn Read on")
        assert objective.text in deck.words()
        assert deck.text.splitlines()[0].strip(), "and the clock stands above it"


async def test_what_speaks_against_a_failover_is_seen_at_once_in_a_lesson_too(tmp_path: Path) -> None:
    coach = Quiet(find("4"), tmp_path, tmp_path / "journal.db")
    networks = Networks(protected=("VM_1", "VM_2", "VM_3"), recovery=("DRSeg", "DRIsolated"))
    client = FakeClient(domain(mode=Mode.IMPORTED, networks=networks))
    client.protected, client.against = ProtectedSite(state="lost"), ("20 VMs run there, and more of it",)
    async with running(client, size=(80, 22), coach=coach) as deck:
        await deck.press("f", "3")
        await deck.sees("Failover of Protected Domain", " ! 20 VMs run there", "Not checked: whether users")
        assert "pgup pgdn" not in deck.text
        client.against = tuple(f"fact {number} against it" for number in range(9))
        await deck.press("i")
        await deck.sees("fact 0 against it", "pgup pgdn Read on")


async def test_what_comes_while_a_dialog_is_open_has_room_when_it_is_closed(tmp_path: Path) -> None:
    coach = Quiet(find("5"), tmp_path, tmp_path / "journal.db")
    coach.meet("rehydrate", "complete")
    first, second = coach.course.lesson.objectives[2:4]
    async with running(FakeClient(domain()), coach=coach) as deck:
        await deck.sees(first.text)
        await deck.press("question_mark")
        await deck.sees("Keys of this screen")
        coach.meet("rehydrate", "complete", "attach")
        assert deck.app.coach_session is not None
        deck.app.coach_session.draw()
        await deck.settle()
        await deck.press("escape")
        await deck.settle()
        assert " ".join(second.text.split()) in deck.words()
