"""Following what goes on: `--wait` of the acts, and `watch`."""

from __future__ import annotations

import asyncio
import math
import re
from datetime import datetime

from drdeck.controller.ipc import liveness
from drdeck.controller.ipc.client import Client, ControllerError, Disconnected, Silent
from drdeck.controller.ipc.protocol import Listing
from drdeck.controller.journal.operations import OperationState, OperationView
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, Mode, SessionState
from drdeck.model.times import show_clock, show_seconds

from . import exit_codes, json_shapes, output
from .exit_codes import Exit
from .reading.watch_lines import difference, line_of, spoken, urgent

_NUMBER = re.compile(r"\d+")


def find(listing: Listing, ident: str) -> OperationView | None:
    return next((op for op in listing.operations if op.id == ident), None)


def question_exit(op: OperationView) -> Exit:
    """The end of a command when the operator is needed."""
    assert op.question is not None
    choices = "|".join(op.question.choices)
    code = exit_codes.UNKNOWN if op.unknown else exit_codes.WAITS
    return Exit(code, f"{op.question.text} Answer with: drdeck answer {op.id} {choices}")


async def until_done(client: Client, ident: str, timeout: float | None) -> None:
    """Return when what was asked has happened. Raises Exit when it failed, or needs the operator."""
    client.patience_s = liveness.FOLLOWS_S if timeout is None else math.inf
    client.subscribe()
    try:
        async with asyncio.timeout(timeout):
            await _over(client, ident)
    except TimeoutError:
        raise Exit(
            exit_codes.TIMED_OUT, f"operation {ident} continues; it was not over within {timeout:g} s"
        ) from None
    except Disconnected as error:
        raise Exit(
            exit_codes.UNKNOWN, f"{error}; what became of operation {ident} is for `drdeck tasks` to say"
        ) from None
    except asyncio.CancelledError:  # Ctrl-C ends the waiting only
        output.remark(f"operation {ident} continues")
        raise


async def _over(client: Client, ident: str) -> None:
    """Raises Exit like `until_done`, but for the time."""
    last = ""
    while True:
        listing = client.listing
        op = find(listing, ident) if listing else None
        if listing is not None and op is None:  # of those that ended, a listing has the newest only
            op = next((o for o in await client.tasks() if o.id == ident), None)
        if listing is not None and op is not None:
            if op.state is OperationState.FAILED:
                raise Exit(exit_codes.FAILED, op.error or "failed")
            if op.state is OperationState.ABORTED:
                raise Exit(exit_codes.FAILED, op.error or "aborted")
            if op.state is OperationState.DONE or _session_reached(listing.domains, op):
                return
            if op.question is not None:
                raise question_exit(op)
            waits = listing.error or _waits_for(listing, op)
            if waits and _NUMBER.sub("", waits) != last:  # a countdown is said once
                output.remark(waits)
                last = _NUMBER.sub("", waits)
        await client.changed()


def _waits_for(listing: Listing, op: OperationView) -> str:
    """An operation's wait in words, with the estimate of its end."""
    domain = next((d for d in listing.domains if d.name == op.domain), None)
    if not op.waits_for or domain is None or domain.estimate is None:
        return op.waits_for
    return f"{op.waits_for} ({domain.estimate.says(json_shapes.site_now(listing))})"


def _session_reached(domains: tuple[Domain, ...], op: OperationView) -> bool:
    """A completion with Run PITR has happened, for who waits, once its session is active: until the exit it
    waits for a person."""
    if op.action != "cfo_complete" or not op.request.run_pitr:
        return False
    domain = next((d for d in domains if d.name == op.domain), None)
    session = domain.session if domain else None
    return (
        session is not None and session.after_failover == op.id and session.state is not SessionState.WAITING
    )


def _operated_elsewhere(domains: tuple[Domain, ...], name: str | None) -> bool:
    """An operation of the vendor's appliance runs, which is none of this controller's."""
    return any(d.observed_only and d.session is not None for d in domains if name in (None, d.name))


def reached(
    domains: tuple[Domain, ...], until: str, operations: tuple[OperationView, ...], name: str | None
) -> bool:
    """True once the site is as `watch --until` wants it."""
    if until == "idle":
        at_work = any(
            op.ended_at is None and name in (None, op.domain) and not _session_reached(domains, op)
            for op in operations
        )
        return not at_work and not _operated_elsewhere(domains, name)
    domain = next((d for d in domains if d.name == name), None)
    if domain is None:
        return False
    if until == "session":
        return domain.session is not None and domain.session.state is not SessionState.WAITING
    if until == "healthy":
        return domain.checked.ok > 0 and domain.checked.failed == 0
    if until == "question":
        return any(op.domain == domain.name and op.question is not None for op in operations)
    return domain.mode == Mode(until)


async def watch(
    client: Client,
    name: str | None,
    until: str | None,
    timeout: float | None,
    as_json: bool,
    milestones: bool = False,
) -> None:
    """Print what changes until `until` is reached. Raises Exit(7) when `timeout` seconds are over."""
    if name is not None:
        await client.show(name)
    client.patience_s = liveness.FOLLOWS_S if timeout is None else math.inf
    client.subscribe(name)
    unread = False

    def nobody_reads() -> None:
        nonlocal unread
        unread = True
        limit.reschedule(asyncio.get_running_loop().time())

    try:
        async with asyncio.timeout(timeout) as limit:
            with output.told_when_unread(nobody_reads):
                await _print_until(client, name, until, _Lines(as_json, milestones))
    except TimeoutError:
        if unread:
            raise BrokenPipeError from None
        text = f"{name or 'the site'} did not reach {until} within" if until else "watched for"
        raise Exit(exit_codes.TIMED_OUT, f"{text} {timeout:g} s") from None
    except Silent:
        raise
    except Disconnected:
        raise ControllerError(
            "failed", "the controller ended; what it did continues when it is started"
        ) from None


async def _print_until(client: Client, name: str | None, until: str | None, lines: _Lines) -> None:
    questions: set[str] = set()
    while True:
        listing = client.listing
        if listing is not None:
            lines.tell(listing, name)
            if until and reached(listing.domains, until, listing.operations, name):
                return
            for op in listing.operations:
                if op.question is None or name not in (None, op.domain) or op.question.id in questions:
                    continue
                if until:
                    raise question_exit(op)
                questions.add(op.question.id)
                if lines.as_json:  # else it stands in the line
                    output.note(str(question_exit(op)))
        await client.changed()


class _Lines:
    """Prints of each domain what is new of it."""

    def __init__(self, as_json: bool, milestones: bool) -> None:
        self.as_json, self._milestones = as_json, milestones
        self._objects: dict[str, object] = {}
        self._words: dict[str, list[str]] = {}

    def tell(self, listing: Listing, name: str | None) -> None:
        """Print what is new in a listing of the domain `name`, or of all."""
        now = json_shapes.site_now(listing)
        for domain in listing.domains:
            if name in (None, domain.name):
                operation = json_shapes.open_operation(domain.name, listing.operations)
                waits = listing.error or (
                    operation.waits_for if operation and operation.question is None else ""
                )
                if self.as_json:
                    self._object(listing, domain, operation, waits)
                else:
                    self._line(domain, operation, waits, now)

    def _object(self, listing: Listing, domain: Domain, operation: OperationView | None, waits: str) -> None:
        now = json_shapes.site_now(listing)
        shaped = json_shapes.domain(domain, now, listing.operations)
        question = json_shapes.question(operation)
        # what grows by itself with the clock is no news
        still = {**shaped, "rpo_s": None, "question": question}
        if domain.session is not None:
            still["session"] = {**shaped["session"], "unprotected_s": None}
        if self._objects.get(domain.name) == (still, waits):
            return
        self._objects[domain.name] = (still, waits)
        stale = json_shapes.seconds(listing.stale_s) or 0
        line = {"time": json_shapes.time(now), "stale_s": stale, **shaped}
        output.emit({**line, "question": question, "waits_for": waits or None})

    def _line(self, domain: Domain, operation: OperationView | None, waits: str, now: datetime) -> None:
        after = [*_words(domain, waits, now), *urgent(domain, operation)]
        after = spoken(after) if self._milestones else after
        words = difference(self._words.get(domain.name), after)
        self._words[domain.name] = after
        if words:
            output.say(line_of(domain.name, words, now, self._milestones))


def _words(domain: Domain, waits: str, now: datetime) -> list[str]:
    """Words about a domain, in the order of their columns."""
    words = [domain.mode_label]
    words.append(f"{domain.vms_recoverable}/{domain.vms_total} recoverable")
    if domain.step is not None:
        progress = "" if domain.step.progress is None else f" {domain.step.progress:.0f}%"
        words.append(f"{domain.step.number}/{domain.step.of} {domain.step.label}{progress}")
    if domain.estimate is not None:
        words.append(domain.estimate.says(now))
    unprotected = domain.unprotected_s(now)
    if unprotected is not None:
        words.append(f"unprotected {show_clock(unprotected)}")
    if domain.checked.says:
        words.append(domain.checked.says)
    if domain.abnormal_since is not None:
        last = "none" if domain.last_good is None else show_seconds(domain.last_good)
        words.append(f"abnormal since {show_seconds(domain.abnormal_since)}, last good {last}")
    if waits:
        words.append(f"waits: {waits}")
    return words


CHECKED = ("pitr_run", "pitr_exit")
"""Actions that end with the health of the VMs, whatever it is."""

ENDS = {
    "cfo_remap": "the networks of {} are mapped anew",
    "cfo_cancel": "the continuous failover of {} is cancelled; it is imported again",
    "cfo_resume": "continuous rehydration of {} continues",
    "test_start": "the test of {0} runs; `drdeck test end {0}` ends it",
    "test_end": "the test of {} has ended",
    "test_detach": "the disks of others are off the test VMs of {}, which are removed",
    "test_adopt": "the test VMs of {} are in its list again: End Test removes them",
    "pitr_entry": "all VMs of the session of {} have their entry points",
    "take_over": "{} is driven from here",
    "record_restore": "the record of {} is written back",
    "record_accept": "{} continues without the record that was removed",
    "failover_undo": "the failover of {} is undone; it is imported again",
    "failover_commit": "the failover of {} is committed; it cannot be undone any more",
    "domain_failback": "{} is back at its protected site, which owns it",
    "domain_restore": "this site is the primary site of {}",
    "domain_release": "{} is released: the other side owns it, and it waits for its replicas here",
    "release_cancel": "the release of {} is cancelled: it stays here",
}
"""Ends of actions that say no more than that they are done; `{}`: the domain's name."""


def end_sentence(request: Request, domain: Domain) -> str:
    """The end of an act in a sentence."""
    name = domain.name
    match request.action:
        case "cfo_start":
            done = f"{name} is synchronised: {domain.vms_recoverable} of {domain.vms_total} VMs recoverable"
        case "cfo_complete":
            done = f"{name} runs here: {domain.vms_recovered} of {domain.vms_total} VMs recovered"
            if domain.session is not None:
                done += "; its PITR session is active, its VMs are not protected until it is exited"
        case "pitr_start":
            done = f"the PITR session of {name} is active, its VMs are not protected until it is exited"
        case "pitr_run":
            to = "" if request.to is None else f" to {show_seconds(request.to)}"
            count = len(request.vms) or domain.vms_total
            done = f"{count} of {domain.vms_total} VMs of {name} rolled back{to}"
        case "pitr_exit":
            done = f"the PITR session of {name} is exited"
        case _:
            done = ENDS.get(request.action, "{}: done").format(name)
    return f"{done}, {health_words(domain)}" if request.action in CHECKED else done


def health_words(domain: Domain) -> str:
    """The check of the VMs, also where there is none."""
    return domain.checked.says or "no check has looked at its VMs"


async def say_end(client: Client, request: Request, waited: bool, healthy: bool) -> None:
    """Say it. Raises Exit(1) with `healthy` where a VM fails its check, or none was looked at."""
    if not waited and request.action != "pitr_exit":
        return
    domain = (await client.show(request.domain)).detail.domain
    if domain is None:
        return
    say = output.note if domain.checked.failed else output.remark  # sick data is never silent
    say(end_sentence(request, domain) if waited else f"{domain.name}: {health_words(domain)}")
    if healthy and (domain.checked.failed or not domain.checked.ok):
        raise Exit(exit_codes.FAILED, f"{domain.name} is not healthy: {health_words(domain)}")
