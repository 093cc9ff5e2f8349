"""`--dry-run`: what an act would do, against what, and whether it would be accepted; nothing is begun."""

from __future__ import annotations

from collections.abc import Iterator

from drdeck.cli import exit_codes, json_shapes, output
from drdeck.cli.exit_codes import Exit
from drdeck.controller.ipc.client import Client
from drdeck.model.actions.action_table import BY_NAME
from drdeck.model.actions.confirming import Rehearsal
from drdeck.model.actions.request import Request
from drdeck.model.text import some
from drdeck.model.times import show

NOTHING_STARTED = "dry run: nothing was started"
NAMED = 8
"""VMs that are named in a line; --json has all."""


async def dry_run(client: Client, request: Request, as_json: bool) -> None:
    """Print what would be done. Raises Exit with the code that the act itself would end with at once."""
    rehearsal = await client.rehearse(request)
    if as_json:
        output.emit(shaped(rehearsal))
    else:
        for line in lines(rehearsal):
            output.say(line)
    if rehearsal.refusal is not None:
        raise Exit(exit_codes.of_refusal(rehearsal.code), f"would be refused: {rehearsal.refusal}")
    output.note(NOTHING_STARTED)


def shaped(rehearsal: Rehearsal) -> json_shapes.Json:
    """A rehearsal as in `--dry-run --json`."""
    preview, accepted = rehearsal.preview, rehearsal.accepted
    request = accepted or preview.request
    return {
        "dry_run": True,
        "action": request.action,
        "domain": request.domain,
        "accepted": accepted is not None,
        "refusal": rehearsal.refusal,
        "confirm": request.domain if preview.tier == 3 else None,
        "type": None if request.type is None else str(request.type),
        "run_pitr": request.run_pitr,
        "to": None if request.to is None else show(request.to),
        "vms": list(request.vms or preview.vms),
        "networks": dict(request.networks),
        "facts": dict(preview.facts),
        "says": list(preview.says),
        "warnings": [*preview.obstacles, *preview.dangers, *preview.against, *preview.warns],
        "not_checked": list(preview.not_checked),
    }


def lines(rehearsal: Rehearsal) -> Iterator[str]:
    """The same for people, the act first."""
    preview = rehearsal.preview
    request = rehearsal.accepted or preview.request
    kind = f" ({request.type})" if request.type is not None else ""
    back = f" to {show(request.to)}" if request.to is not None else ""
    yield f"{BY_NAME[request.action].label}{kind} of {request.domain}{back}"
    vms = request.vms or preview.vms
    yield f"  VMs: {len(vms)}: {some(vms, NAMED)}" if vms else "  VMs: none"
    for source, target in request.networks.items():
        yield f"  network: {source} -> {target}"
    for key, fact in preview.facts.items():
        if key not in ("VMs", "recovery networks"):
            yield f"  {key}: {fact}"
    for sentence in preview.obstacles:
        yield f"  against: {sentence}"
    for sentence in (*preview.dangers, *preview.against, *preview.warns):
        yield f"  warning: {sentence}"
    for sentence in preview.says:
        yield f"  {sentence}"
    for sentence in preview.not_checked:
        yield f"  not checked: {sentence}"
    if preview.tier == 3:
        yield f"  needs --confirm {request.domain}"
    if preview.against_names:
        yield f"  needs --even-though {','.join(preview.against_names)}"
