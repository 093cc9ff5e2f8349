"""Instants as they are typed: by time, by age, or by what they are the last of."""

from __future__ import annotations

from datetime import datetime

from drdeck.cli import exit_codes, json_shapes, output
from drdeck.cli.completion.candidates import BEFORE_ABNORMAL
from drdeck.cli.exit_codes import Exit
from drdeck.controller.ipc.client import Client
from drdeck.model.pitr import writing_of
from drdeck.model.times import parse_instant, show


async def named_instant(client: Client, domain: str, to: str) -> datetime:
    """The instant that `--to` means for a domain. Raises Exit."""
    if to == BEFORE_ABNORMAL:
        writing = writing_of(await client.points(domain))
        if writing.since is None:
            raise Exit(exit_codes.REFUSED, f"no abnormal writing is seen in the restore points of {domain}")
        if writing.last_good is None:
            since = show(writing.since)
            raise Exit(exit_codes.REFUSED, f"{domain} has no restore point from before {since}")
        output.note(f"the last point before the abnormal writing is of {show(writing.last_good)}")
        return writing.last_good
    return await typed_instant(client, to)


async def typed_instant(client: Client, text: str) -> datetime:
    """The instant of a time or an age, by the site's clock; says how it was understood. Raises Exit."""
    listing = await client.get_listing()
    try:
        instant, remark = parse_instant(text, json_shapes.site_now(listing))
    except ValueError as error:
        raise Exit(exit_codes.USAGE, str(error)) from None
    if remark:
        output.note(remark)
    return instant
