"""`drdeck explain WORD|DOMAIN`: what it is, what can be done now, and why not the rest."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from drdeck.cli import exit_codes, json_shapes, output
from drdeck.cli.completion.candidates import domain_names
from drdeck.cli.context import Context, end_stale, json_option, runs
from drdeck.cli.exit_codes import Exit
from drdeck.controller.ipc.client import Client
from drdeck.controller.ipc.protocol import ShowAnswer
from drdeck.model.actions.action_table import ACTIONS, help_of, refusal
from drdeck.model.actions.request import Request
from drdeck.model.domains import Domain, Mode
from drdeck.model.text import spelled_as
from drdeck.model.words.glossary import GLOSSARY, GlossaryEntry, lookup
from drdeck.model.words.nearest_name import did_you_mean

COMMANDS = {
    "cfo_start": "drdeck cfo start DOMAIN",
    "cfo_complete": "drdeck cfo complete DOMAIN --type planned",
    "cfo_cancel": "drdeck cfo cancel DOMAIN",
    "test_start": "drdeck test start DOMAIN",
    "test_end": "drdeck test end DOMAIN",
    "test_detach": "drdeck test detach DOMAIN",
    "test_adopt": "drdeck test leftovers --adopt VM",
    "failover_undo": "drdeck failover undo DOMAIN",
    "failover_commit": "drdeck failover commit DOMAIN",
    "cfo_resume": "drdeck cfo resume DOMAIN",
    "domain_failback": "drdeck domain failback DOMAIN",
    "domain_restore": "drdeck domain restore DOMAIN",
    "domain_release": "drdeck domain release DOMAIN",
    "way_back": "drdeck way-back DOMAIN",
    "release_cancel": "drdeck domain cancel-release DOMAIN",
    "pitr_start": "drdeck pitr start DOMAIN",
    "pitr_run": "drdeck pitr run DOMAIN --to -15m",
    "pitr_entry": "drdeck pitr entry DOMAIN",
    "pitr_exit": "drdeck pitr exit DOMAIN",
    "take_over": "drdeck takeover DOMAIN",
    "record_restore": "drdeck record restore DOMAIN",
    "record_accept": "drdeck record accept DOMAIN",
    "cfo_remap": "drdeck cfo remap DOMAIN --network FROM=TO",
}
"""Action -> the command that requests it."""
IN_ONE_SITTING = "drdeck failover run DOMAIN --type planned"
"""The command for Failover of an imported domain, of which no failover is in progress yet."""


def _complete(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    typed = incomplete.casefold()
    words = [
        CompletionItem[str](e.word, help=e.meaning) for e in GLOSSARY if e.word.casefold().startswith(typed)
    ]
    return [*(CompletionItem(name) for name in domain_names(context, parameter, incomplete)), *words]


@click.command("explain")
@click.argument("words", nargs=-1, metavar="[WORD|DOMAIN]", shell_complete=_complete)
@json_option
@runs
async def explain(context: Context, words: tuple[str, ...], as_json: bool) -> None:
    """Explain a WORD of the screens and the docs, or how DOMAIN stands.

    Of a domain: what it is, what can be done now, and why not the rest. Without a word: all words.
    """
    if not words:
        _list(as_json)
        return
    word = " ".join(words)
    entry = lookup(word)
    if entry is not None:
        _print_entry(entry, as_json)
        return
    async with context.client(stale=True) as client:
        name = await _domain_named(client, word)
        answer = await client.show(name)
    _print_domain(answer, context.settings.read_only or answer.listing.read_only, as_json)
    end_stale(answer.listing)


async def _domain_named(client: Client, word: str) -> str:
    """The domain's name. Raises Exit where the word is neither a domain nor in the glossary."""
    names = [domain.name for domain in (await client.get_listing()).domains]
    name = spelled_as(word, names)
    if name in names:
        return name
    forms = [form for entry in GLOSSARY for form in (entry.word, *entry.also)]
    meant = did_you_mean(word, [*names, *forms])
    raise Exit(exit_codes.USAGE, f'no word and no Protected Domain is called "{word}"; {meant}')


def _list(as_json: bool) -> None:
    if as_json:
        output.emit({"words": [shaped_word(entry) for entry in GLOSSARY]})
        return
    for entry in GLOSSARY:
        output.say_wrapped(f"{entry.word}: {entry.meaning}")


def shaped_word(entry: GlossaryEntry) -> json_shapes.Json:
    """An entry of the glossary as in `explain --json`."""
    return {"word": entry.word, "meaning": entry.meaning, "also": list(entry.also), "see": list(entry.see)}


def _print_entry(entry: GlossaryEntry, as_json: bool) -> None:
    if as_json:
        output.emit(shaped_word(entry))
        return
    output.say_wrapped(f"{entry.word}: {entry.meaning}")
    if entry.also:
        output.say_wrapped(f"Also: {', '.join(entry.also)}")
    if entry.see:
        output.say_wrapped(f"See: {', '.join(entry.see)}")


def _print_domain(answer: ShowAnswer, read_only: bool, as_json: bool) -> None:
    domain, listing = answer.detail.domain, answer.listing
    assert domain is not None
    now = json_shapes.site_now(listing)
    reasons = [
        (action, refusal(Request(action=action.name, domain=domain.name), domain, now, read_only))
        for action in ACTIONS
        if action.menu
    ]
    operation = json_shapes.open_operation(domain.name, listing.operations)
    if as_json:
        actions = [
            {"action": a.name, "label": a.label, "possible": why is None, "reason": why,
             "command": _command(a.name, domain)}
            for a, why in reasons
        ]  # fmt: skip
        output.emit(
            {
                "domain": domain.name,
                "mode": str(domain.mode),
                "meaning": _meaning(domain),
                "actions": actions,
                "question": json_shapes.question(operation),
            }
        )
        return
    output.say_wrapped(f"{domain.name}: {domain.mode_label}. {_meaning(domain)}")
    if operation is not None and operation.question is not None:
        choices = "|".join(operation.question.choices)
        output.say_wrapped(f"Needs you: {operation.question.text} (drdeck answer {domain.name} {choices})")
    elif operation is not None:
        output.say_wrapped(f"Under way: {operation.action}, requested by {operation.asked_by}")
    for action, why in reasons:
        if why is None:
            means = f"{help_of(action, domain)} ({_command(action.name, domain)})"
            output.say_wrapped(f"  can be done now: {action.label}: {means}")
    for action, why in reasons:
        if why is not None:
            output.say_wrapped(f"  not now: {action.label}: {why}")


def _meaning(domain: Domain) -> str:
    entry = lookup(domain.mode_label) or lookup(str(domain.mode))
    return entry.meaning if entry is not None else ""


def _command(action: str, domain: Domain) -> str | None:
    first = action == "cfo_complete" and domain.mode is Mode.IMPORTED
    command = IN_ONE_SITTING if first else COMMANDS.get(action)
    return None if command is None else command.replace("DOMAIN", domain.name)
