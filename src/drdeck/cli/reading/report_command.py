"""`drdeck report`: the evidence of one failover, as Markdown, HTML or JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from drdeck.cli import exit_codes, json_shapes, output
from drdeck.cli.completion.candidates import reported
from drdeck.cli.context import Context, json_option, runs
from drdeck.cli.exit_codes import Exit
from drdeck.cli.json_shapes import Json
from drdeck.controller.ipc.client import ControllerError
from drdeck.controller.journal.operation_evidence import OperationReport, operation_report
from drdeck.controller.journal.operations import OperationView
from drdeck.controller.journal.trial_trail import BootReport
from drdeck.model.actions.action_table import BY_NAME
from drdeck.model.actions.request import Request
from drdeck.model.facts.trial_facts import NOT_SAID
from drdeck.model.returning.checklist import ReturnStep, return_steps
from drdeck.model.text import in_json
from drdeck.model.times import clock_in, instant_in, show_clock, show_seconds
from drdeck.private_files import make_parents, write_private

from .document import Block, Heading, Paragraph, Table, html, markdown
from .evidence import answer_text, instant_text, journal_shape, journal_text, question_shape, warn_unsound

FORMATS = ("md", "html", "json")
_MARKS = {"done": "done", "open": "open", "unknown": "NOT CHECKED"}
_SPANS = ("rto_s", "unprotected_s", "data_given_up_s")
_INSTANTS = ("rolled_back_to", "reset_up_to")


@click.command("report")
@click.argument("operation", metavar="OPERATION|DOMAIN", shell_complete=reported)
@click.option("--format", "form", type=click.Choice(FORMATS), default="md", help="md unless given.")
@click.option(
    "-o", "--output", "file", type=click.Path(path_type=Path), help="Write it to FILE.", metavar="FILE"
)
@json_option
@runs
async def report(context: Context, operation: str, form: str, file: Path | None, as_json: bool) -> None:
    """Report on OPERATION, or the last failover of DOMAIN: who decided what, each step, what followed.

    It is made from the journal alone; only the way back is asked of a controller, where one runs.
    """
    evidence = operation_report(context.paths.journal, operation)
    if evidence is None:
        raise Exit(
            exit_codes.USAGE,
            f'the journal has no operation "{operation}", and no failover of a domain of that name;'
            " `drdeck tasks` lists the operations",
        )
    steps = await _way_back(context, evidence.operation.domain)
    form = "json" if as_json else form
    title = f"{evidence.operation.id}: {_label(evidence.operation)} of {evidence.operation.domain}"
    if form == "json":
        lines = [in_json(msgspec.json.encode(shape(evidence, steps)).decode())]
    else:
        render = markdown if form == "md" else html
        lines = list(render(title, blocks(evidence, steps)))
    if file is None:
        for line in lines:
            output.say_json(line) if form == "json" else output.say(line)
    else:
        make_parents(file)
        write_private(file, "".join(f"{line}\n" for line in lines).encode())
        output.note(f"written to {file}")
    warn_unsound(evidence.problems)


async def _way_back(context: Context, domain: str) -> tuple[ReturnStep, ...] | None:
    """The checklist of a domain's way back as it stands now; None where no controller can be asked."""
    try:
        async with context.client(start=False, sighted=False) as client:
            subject = (await client.show(domain)).detail.domain
            if subject is None:
                return None
            looked = await client.preview(Request(action="failover_undo", domain=subject.name))
            return return_steps(subject, looked.protected)
    except (ControllerError, Exit):
        return None


def shape(r: OperationReport, way_back: tuple[ReturnStep, ...] | None) -> Json:
    """The JSON of a report: the operation as `tasks` has it, and what belongs to it."""
    time = json_shapes.time
    return {
        **json_shapes.operation(r.operation, list(r.steps)),
        "saw": r.saw,
        "against": list(r.against),
        "followed": [json_shapes.operation(op, []) for op in r.followed],
        "questions": [question_shape(q) for q in r.questions],
        "changes": [
            {"at": time(c.at), "vm": c.vm or None, "by": c.by or None, "text": c.text} for c in r.changes
        ],
        "boots": [
            {"vm": b.vm, "on_at": time(b.on_at), "ready_at": time(b.ready_at), "took_s": b.took_s}
            for b in r.boots
        ],
        "way_back": None if way_back is None else [msgspec.to_builtins(step) for step in way_back],
        "journal": journal_shape(r.events, r.problems),
    }


def blocks(r: OperationReport, way_back: tuple[ReturnStep, ...] | None) -> Iterator[Block]:
    """The report for people."""
    op = r.operation
    ended = "is under way" if op.ended_at is None else f"{op.state}, {show_seconds(op.ended_at)}"
    yield Paragraph(f"Requested {show_seconds(op.asked_at)} by {op.asked_by}. State: {ended}.")
    if op.run:
        yield Paragraph(f"It belongs to the run {op.run}: drdeck plan report {op.run}")
    if op.error:
        yield Paragraph(f"Error: {op.error}")
    yield Table("Request", ("What", "Value"), list(_request(op)))
    yield Table("Shown to the operator before", ("What", "Value"), [(_name(k), v) for k, v in r.saw.items()])
    yield Table("Warnings", ("What",), [(fact,) for fact in r.against])
    yield Table(
        "Result", ("What", "Value"), [(_name(key), _figure(key, value)) for key, value in op.result.items()]
    )
    rows = [(show_seconds(o.asked_at), _label(o), o.asked_by, str(o.state), _outcome(o)) for o in r.followed]
    yield Table("What followed", ("Time", "What", "By", "State", "Result"), rows)
    rows_of_questions = [(instant_text(q.at), q.text, answer_text(q)) for q in r.questions]
    yield Table("Questions", ("Since", "Question", "Answer"), rows_of_questions)
    changes = [(instant_text(c.at), c.vm, c.by, c.text) for c in r.changes]
    yield Table("Changes by others", ("Time", "VM", "By", "What"), changes)
    starts = [(b.vm, instant_text(b.on_at), instant_text(b.ready_at), _took(b)) for b in r.boots]
    yield Table("Starts of the test VMs", ("VM", "Powered on", "Ready", "Took"), starts)
    steps = [(step["time"][:19] + "Z", step["says"], step["result"], step["text"]) for step in r.steps]
    yield Table("Steps, by this machine's clock", ("Time", "What", "Result", "Remark"), steps)
    if way_back is None:
        yield Heading("The way back")
        yield Paragraph("Not asked: no controller of the site runs here, or the site is out of sight.")
    else:
        rows = [(str(s.number), s.text, s.by, _MARKS[s.state], s.checked_by) for s in way_back]
        yield Table("The way back, as it stands now", ("", "What", "By", "State", "Checked by"), rows)
    yield Paragraph(journal_text(r.events, r.problems))


def _request(op: OperationView) -> Iterator[tuple[str, str]]:
    request = op.request
    if request.type is not None:
        yield "Type", str(request.type)
    if op.action == "cfo_complete":
        yield "Run PITR after recovering VMs", "yes" if request.run_pitr else "no"
    if request.to is not None:
        yield "To", show_seconds(request.to)
    for name, names in (
        ("VMs", request.vms),
        ("Without", request.without),
        ("Left out", request.left_out),
        ("Consented although", request.even_though),
        ("Checked by hand", request.checked_by_hand),
    ):
        if names:
            yield name, ", ".join(names)
    yield from ((f"Network {there}", here) for there, here in request.networks.items())
    if request.note:
        yield "Note", request.note


def _label(op: OperationView) -> str:
    label = BY_NAME[op.action].label if op.action in BY_NAME else op.action
    kind = f" ({op.request.type})" if op.request.type is not None else ""
    return f"{label}{kind}"


def _outcome(op: OperationView) -> str:
    """The outcome of an action, and its figures but for those that it has in words."""
    outcome = op.result.get("outcome", "")
    figures = [
        f"{_name(key)} {_figure(key, value)}"
        for key, value in op.result.items()
        if key != "outcome" and _figure(key, value) not in outcome
    ]
    return "; ".join(filter(None, (op.error or "", outcome, _verdict(op), *figures)))


def _verdict(op: OperationView) -> str:
    """A tester's word on the test that an operation has ended; empty for others."""
    if op.action != "test_end":
        return ""
    note = f": {op.request.note}" if op.request.note else ""
    return f"result {op.request.result or NOT_SAID}{note}"


def _took(boot: BootReport) -> str:
    return "" if boot.took_s is None else show_clock(boot.took_s)


def _name(key: str) -> str:
    """A figure's name for people."""
    if key.startswith("runbook:"):
        return f"Runbook group {key.partition(':')[2]}"
    words = {"rto_s": "RTO", "unprotected_s": "Unprotected", "data_given_up_s": "Data given up"}
    return words.get(key, key.replace("_", " ").replace("vms", "VMs").capitalize().replace("Vms", "VMs"))


def _figure(key: str, value: str) -> str:
    if key in _SPANS:
        return clock_in(value)
    return instant_in(value, show_seconds) if key in _INSTANTS else value
