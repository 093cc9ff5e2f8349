"""A request as it would be accepted or refused now, with nothing begun and nothing journaled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from drdeck.controller.journal.operations import Operation
from drdeck.model.actions.confirming import NotAccepted, Preview, Rehearsal
from drdeck.model.commands import AnyCommand
from drdeck.model.domains import Domain

from .asking.requests import accept
from .first_command import first_command


def rehearse(
    preview: Preview,
    domain: Domain,
    now: datetime,
    *,
    read_only: bool,
    operations: Iterable[Operation],
    check: Callable[[AnyCommand], str | None],
) -> Rehearsal:
    """The rest of the way of a request that was previewed; `check` is the site's own word on a command."""
    if preview.refusal is not None:
        return Rehearsal(preview=preview, refusal=preview.refusal, code="rule")
    consenting = msgspec.structs.replace(
        preview.request, confirm=domain.name, even_though=preview.against_names, preview=None
    )
    try:
        accepted = accept(
            consenting, domain, preview.protected, now, read_only=read_only, operations=operations
        )
    except NotAccepted as error:
        return Rehearsal(preview=preview, refusal=str(error), code=error.code)
    closed = check(first_command(Operation(id="rehearsal", request=accepted, actor="", asked_at=now)))
    if closed is not None:
        return Rehearsal(preview=preview, refusal=closed, code="rule")
    return Rehearsal(preview=preview, accepted=accepted)
