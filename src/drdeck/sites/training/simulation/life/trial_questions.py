"""Questions of a test about the replication tool, where the scenario has one that a person pauses."""

from __future__ import annotations

from drdeck.model.commands import Resolve
from drdeck.model.life.trial_words import tool_pause_asks, tool_resume_asks
from drdeck.model.planned import SiteQuestion
from drdeck.sites.training.simulation.domain_machine import DomainMachine
from drdeck.sites.training.units import NEVER, instant

from . import trial, trial_state


def question(machine: DomainMachine, at: int) -> SiteQuestion | None:
    """The question that is open, by the test that it is about; None: there is none."""
    if machine.trials is None:
        return None
    trials, name = trial_state.of(machine), machine.spec.name
    now = trials.now
    if now is None:
        return None
    if trial_state.unasked(machine):
        return SiteQuestion(
            id=f"tool:test:{now.of}:1",
            operation=now.operation,
            text=tool_pause_asks(name, "scenario"),
            choices=("confirm", "abort"),
        )
    paused, over = trials.tool, now.off_at < NEVER and at >= now.removed_at
    if paused is None or not over or not now.operation or not trial_state.tool_owed(machine):
        return None
    if now.left or trial_state.listed(machine, at) or trial_state.strays(machine, at):
        return None
    return SiteQuestion(
        id=f"tool_on:test:{now.of}:1",
        operation=now.operation,
        text=tool_resume_asks(name, paused.by, instant(paused.at)),
        choices=("confirm",),
    )


def resolve(machine: DomainMachine, command: Resolve, at: int) -> None:
    """Carry out the answer; a test that is given up before its clones waits for End Test."""
    if command.question.startswith("tool_on:"):
        trial.resume_tool(machine)
    elif command.choice == "confirm":
        trial.pause_tool(machine, command.asked_by, at)
