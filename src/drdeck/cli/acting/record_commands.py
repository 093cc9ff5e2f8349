"""Commands on a domain's record in its folder, and on who drives it."""

from __future__ import annotations

import click

from .submitting import plain_command

takeover = plain_command(
    "takeover", "take_over", "Drive DOMAIN from here, and continue what another controller has begun."
)


@click.group("record")
def record() -> None:
    """The record of a domain in its folder's custom attributes."""


record.add_command(
    plain_command(
        "restore", "record_restore", "Write the record of DOMAIN back that somebody removed from its folder."
    )
)


record.add_command(
    plain_command(
        "accept",
        "record_accept",
        "Go on without the record of DOMAIN that somebody removed from its folder on purpose.",
    )
)
