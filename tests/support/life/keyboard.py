"""A person at the console who takes a domain through its life, by the keys of the dialogs alone."""

from __future__ import annotations

from collections.abc import Callable

from drdeck.model.domains import Domain, Mode, SessionState
from drdeck.model.facts.trial_facts import TrialState
from tests.support.console.console_deck import Deck


class Operator:
    """Sits at `deck`, whose list has the domain `name` and no other."""

    def __init__(self, deck: Deck, name: str) -> None:
        self.deck, self.name = deck, name

    @property
    def domain(self) -> Domain:
        domain = self.deck.app.state.domain(self.name)
        assert domain is not None
        return domain

    async def until(self, holds: Callable[[Domain], object], what: str) -> None:
        await self.deck.until(lambda: bool(holds(self.domain)), what)

    async def closed(self) -> None:
        await self.deck.until(lambda: self.deck.dialog is None, "every dialog closed")

    async def agree(self, *texts: str) -> None:
        """Read these in a dialog, and go on with its yes, the name typed where it is wanted."""
        await self.deck.sees(*texts)
        if self.deck.focused() == "cancel":
            await self.deck.press("tab")
        elif not self.deck.focused().startswith(("confirm", "yes", "go")):
            await self.deck.type(self.name)
            await self.deck.press("enter")
        await self.deck.press("enter")

    async def act(self, label: str, *texts: str) -> None:
        """Choose an item of More, and agree to what it says."""
        await self.deck.more(label)
        await self.agree(*texts)
        await self.closed()

    async def tests(self) -> None:
        """A test of all VMs at their newest points, and its end, as passed."""
        await self.begins_test()
        await self.ends_test()
        await self.until(lambda d: d.trial is None and d.tested, "the test is over")
        await self.idle()

    async def begins_test(self) -> None:
        """A test of all VMs at their newest points, until it runs."""
        await self.asks_for_test()
        await self.until(lambda d: d.trial and d.trial.state is TrialState.RUNNING, "the test runs")

    async def asks_for_test(self) -> None:
        """The form of a test of all VMs, up to the last yes."""
        deck = self.deck
        await deck.more("Test Failover")
        await deck.sees("Test Failover of Protected Domain", "Isolated Network", "> the newest point")
        await deck.press("enter", "enter", "enter")
        assert deck.focused() == "begin", deck.text
        await deck.press("enter")
        await self.agree("is cloned from its newest point")

    async def ends_test(self) -> None:
        """The end of a test, as passed."""
        deck = self.deck
        await deck.more("End Test")
        await deck.sees("End: passed", "A note")
        await deck.press("tab")
        assert deck.focused() == "passed", deck.text
        await deck.press("enter")
        await self.closed()

    async def detaches(self, file: str, vm: str, alarm: str) -> None:
        """Read the alarm of a test VM that is left over since a disk of others is attached to it, detach
        that, and see the test over."""
        deck = self.deck
        await self.until(lambda d: d.trial and d.trial.state is TrialState.LEFT_OVER, "left over")
        await self.idle()
        await deck.press("enter", "right", "right", "right")
        await deck.sees(alarm)
        await deck.press("escape")
        await deck.sees("Protected Domains")
        label = "Detach Foreign Disks"
        await self.act(label, f"Detached, without deleting any file: {file} from {vm}.", f"removed: {vm}.")
        await self.until(lambda d: d.trial is None and d.tested, "the test is over")
        await self.idle()

    async def starts(self) -> None:
        """Continuous failover, by the wizard, to the first network that it offers."""
        deck = self.deck
        await deck.more("Continuous Failover")
        await deck.sees("Continuous Failover Protected Domain", "1. General")
        await deck.press("enter")
        await deck.sees("Recovery VM Network")
        if "not set" in deck.text or "choose" in deck.text:
            await deck.press("right", "=")
        await deck.press("enter")
        await deck.sees(">5. Summary", ">Cancel<")
        await deck.press("tab", "enter")
        await self.until(lambda d: d.mode is Mode.SYNCHRONISED, "synchronised")
        await self.idle()

    async def completes(self) -> None:
        """A Regular Failover with Run PITR."""
        deck = self.deck
        await deck.press("f")
        await deck.sees("Complete Continuous Failover for Protected Domain", "Run PITR after recovering VMs")
        await deck.press("i", "tab")
        await deck.sees(">Complete Failover<")
        await deck.press("enter")
        await deck.sees("PITR session", ">Cancel<", "y Continue")
        await deck.press("y")
        await self.agree("Continuous rehydration")
        await self.until(lambda d: d.session and d.session.state is SessionState.ACTIVE, "a session")

    async def rolls_back(self, point: int) -> None:
        """To that restore point of the list, the newest being 0."""
        deck = self.deck
        await deck.press("p")
        await deck.sees(f"Run PITR of {self.name}")
        await deck.press(*["down"] * point, "enter")
        await self.agree(f"Roll {self.name} back to")
        await self.until(lambda d: d.session and d.session.rolled_back_to, "rolled back")
        await self.until(lambda d: d.session and d.session.state is SessionState.ACTIVE, "active again")
        await deck.press("escape")
        await deck.sees("Protected Domains")

    async def leaves(self) -> None:
        await self.act("Exit PITR Session", "Exit PITR Session", ">Cancel<")
        await self.until(lambda d: d.mode is Mode.RUNNING_IN_FAILOVER, "running in failover")
        await self.deck.becomes_quiet()
        await self.deck.sees("Continuous Rehydration Task Result")
        await self.deck.press("enter")
        await self.closed()
        await self.idle()

    async def idle(self) -> None:
        """No operation of the domain is open any more."""

        def settled() -> bool:
            listing = self.deck.app.state.listing
            operations = listing.operations if listing is not None else ()
            return all(op.ended_at is not None for op in operations if op.domain == self.name)

        await self.deck.until(settled, "idle")
