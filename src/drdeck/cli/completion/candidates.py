"""Names to complete with: of the site's things from the controller where it runs, of others from files."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

import click

from drdeck.cli.context import context_of
from drdeck.config.settings import TRAINING
from drdeck.controller.ipc.client import Client
from drdeck.controller.process.launch import attach
from drdeck.model.domains import Domain
from drdeck.model.text import hides
from drdeck.model.times import show

TIMEOUT_S = 1.0
"""A person waits with a finger on the tab key."""
BEFORE_ABNORMAL = "before-abnormal"
"""In place of a time: the last restore point before the abnormal writing."""
LONGEST_HELP = 60
"""Characters of a question that stand beside an operation; shells cut longer ones."""
_Item = TypeVar("_Item")
if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def domain_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of the site's domains; those that nobody can type are left out."""

    async def names(client: Client) -> list[str]:
        return [domain.name for domain in (await client.get_listing()).domains]

    return begun(ask_controller(context, names), incomplete)


def restore_points(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Times of the restore points of the domain that was typed before, newest first."""
    domain = _typed_domain(context)
    if domain is None:
        return []

    async def times(client: Client) -> list[str]:
        points = await client.points(domain)
        abnormal = [BEFORE_ABNORMAL] if any(point.abnormal_since for point in points.points) else []
        return [*abnormal, *(show(point.time) for point in points.points)]

    return [time for time in ask_controller(context, times) if time.startswith(incomplete)]


def vm_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of the VMs of the domain that was typed before, without those that the line has already."""
    before = {*(context.params.get("vms") or ()), *(context.params.get("without") or ())}
    names = _of_domain(context, lambda domain: [vm.name for vm in domain.vms])
    return begun((name for name in names if name not in before), incomplete)


def vms_to_hit(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """VMs of --domain, or of the only domain there is."""
    before = set(context.params.get("vms") or ())
    typed: str | None = context.params.get("domain")

    async def look(client: Client) -> list[str]:
        names = [typed] if typed else [domain.name for domain in (await client.get_listing()).domains]
        if len(names) != 1:
            return []
        domain = (await client.show(names[0])).detail.domain
        return [] if domain is None else [vm.name for vm in domain.vms]

    return begun((name for name in ask_controller(context, look) if name not in before), incomplete)


def asked_vms(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """VMs of which vCenter asks something, in the domain of the operation that was typed before."""
    typed = context.params.get("operation") or next(iter(context.args), None)

    async def names(client: Client) -> list[str]:
        listing = await client.get_listing()
        of = {op.domain for op in listing.operations if op.id == typed} | {typed}
        alarms = [alarm for domain in listing.domains if domain.name in of for alarm in domain.alarms]
        return [alarm.vm for alarm in alarms if alarm.vm is not None and alarm.choices]

    return begun(dict.fromkeys(ask_controller(context, names)), incomplete)


def stray_vms(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Test VMs that no test's list has; of those that share a name the ids."""

    async def names(client: Client) -> list[str]:
        having = [domain.name for domain in (await client.get_listing()).domains if domain.strays]
        whole = [(await client.show(name)).detail.domain for name in having]
        strays = [stray for domain in whole if domain is not None for stray in domain.strays]
        shared = Counter(stray.name for stray in strays)
        return [stray.id if shared[stray.name] > 1 else stray.name for stray in strays]

    return begun(ask_controller(context, names), incomplete)


def isolated_pairs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Each network of the typed domain's VMs with each isolated one, as FROM=TO."""

    def pairs(domain: Domain) -> list[str]:
        targets = domain.trial_offer.networks if domain.trial_offer is not None else ()
        return [f"{source}={target}" for source in (*domain.networks.protected, "*") for target in targets]

    return begun(_of_domain(context, pairs), incomplete)


def domains_between_commas(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of the site's domains behind those that were typed already, with a comma between."""
    before, comma, part = incomplete.rpartition(",")
    typed = before.split(",")
    names = domain_names(context, parameter, part)
    return [f"{before}{comma}{name}" for name in names if name not in typed and "," not in name]


def reported(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Domains, and the operations that the controller still lists, newest first."""

    async def names(client: Client) -> list[str]:
        listing = await client.get_listing()
        operations = sorted(listing.operations, key=lambda op: op.asked_at, reverse=True)
        return [*(domain.name for domain in listing.domains), *(op.id for op in operations)]

    return begun(ask_controller(context, names), incomplete)


def run_ids(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Runs of plans: open ones, and those that ended last."""

    async def names(client: Client) -> list[str]:
        return [run.run for run in (await client.get_listing()).runs]

    return begun(ask_controller(context, names), incomplete)


def network_pairs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Each network of the typed domain's VMs with each that the recovery site offers, as FROM=TO."""

    def pairs(domain: Domain) -> list[str]:
        sources, targets = domain.networks.protected, domain.networks.recovery
        return [f"{source}={target}" for source in (*sources, "*") for target in targets]

    return begun(_of_domain(context, pairs), incomplete)


def _item(value: str, **about: str) -> CompletionItem[str]:
    from click.shell_completion import CompletionItem  # no command needs it

    return CompletionItem(value, **about)


def asking(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Operations that wait for an answer, with their question, and the domains of those that are alone."""
    questions: list[CompletionItem[str]] = []

    async def collect(client: Client) -> list[str]:
        asking = [op for op in (await client.get_listing()).operations if op.question is not None]
        domains = [op.domain for op in asking]
        for op in asking:
            assert op.question is not None
            help_text = f"{op.domain}: {op.question.text}"[:LONGEST_HELP]
            questions.append(_item(op.id, help=help_text))
            if domains.count(op.domain) == 1 and not hides(op.domain):
                questions.append(_item(op.domain, help=help_text))
        return []

    ask_controller(context, collect)
    return [item for item in questions if item.value.startswith(incomplete)]


def answers(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The choices of the operation, or of the domain's operation, that was typed before."""
    typed = context.params.get("operation") or next(iter(context.args), None)

    async def choices(client: Client) -> list[str]:
        operations = (await client.get_listing()).operations
        questions = [op.question for op in operations if op.question and typed in (op.id, op.domain)]
        return [choice for question in questions for choice in question.choices]

    return begun(dict.fromkeys(ask_controller(context, choices)), incomplete)


def site_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The sites of the settings file."""

    def names() -> list[str]:
        return sorted({*context_of({**context.params, "site": None}).settings.sites, TRAINING})

    return begun(silently(names), incomplete)


def scenario_names(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The scenarios that come with drdeck, and files."""
    from drdeck.coach.lesson_file import scenario_names as shipped

    names = begun(silently(lambda: list(shipped())), incomplete)
    items = [_item(name) for name in names]
    return items if items else [_item(incomplete, type="file")]


def lesson_words(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Numbers and names of the lessons that come with drdeck, or files."""
    items = [item for item in lessons() if item.value.startswith(incomplete)]
    return items if items else [_item(incomplete, type="file")]


def lessons() -> list[CompletionItem[str]]:
    """Numbers of the lessons, then their names, each with its title."""
    from drdeck.coach.lesson_file import shipped

    all_lessons = [course.lesson for course in shipped()]
    numbers = [_item(str(lesson.number), help=lesson.title) for lesson in all_lessons]
    return [*numbers, *(_item(lesson.name, help=lesson.title) for lesson in all_lessons)]


def begun(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete) and not hides(name)]


def _typed_domain(context: click.Context) -> str | None:
    # click gives up at an option without its value, and leaves what it has not sorted in `args`
    domain: str | None = context.params.get("domain") or next(iter(context.args), None)
    return domain


def _of_domain(context: click.Context, names: Callable[[Domain], list[str]]) -> list[str]:
    """Names in the domain that was typed before; none where none was, or where it is not there."""
    typed = _typed_domain(context)
    if typed is None:
        return []

    async def look(client: Client) -> list[str]:
        domain = (await client.show(typed)).detail.domain
        return [] if domain is None else names(domain)

    return ask_controller(context, look)


def ask_controller(context: click.Context, question: Callable[[Client], Awaitable[list[str]]]) -> list[str]:
    """The controller's answer; empty where it does not run, does not answer soon, or refuses."""

    async def ask() -> list[str]:
        async with asyncio.timeout(TIMEOUT_S):
            client = await attach(context_of(context.find_root().params).paths, [], start=False)
            try:
                return await question(client)
            finally:
                await client.close()

    return silently(lambda: asyncio.run(ask()))


def silently(names: Callable[[], list[_Item]]) -> list[_Item]:
    """Names, or none where they cannot be had; the terminal shows the line that is being typed."""
    silence = io.StringIO()
    with (
        contextlib.redirect_stderr(silence),
        contextlib.redirect_stdout(silence),
        contextlib.suppress(Exception),  # whatever it is, the command itself will say it
    ):
        return names()
    return []
