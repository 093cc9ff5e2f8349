"""Options of the commands that act, and what their values mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypedDict

import click

from drdeck.cli import exit_codes
from drdeck.cli.completion.candidates import domain_names, network_pairs, vm_names
from drdeck.cli.context import json_option
from drdeck.cli.exit_codes import Exit
from drdeck.model.domains import FailoverType

Decorated = Callable[..., Any]


def facts_against(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The names that --even-though takes, and both."""
    return [name for name in (*EVEN_THOUGH, ",".join(EVEN_THOUGH)) if name.startswith(incomplete)]


EVEN_THOUGH = ("answers", "vms-running")
"""What may speak against a Force Failover."""


class Seconds(click.FloatRange):
    """So many seconds, and not "nan"."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value!r} is no number of seconds", param, ctx)
        return seconds


SECONDS = Seconds(min=0)


class RequestOptions(TypedDict):
    """The values of `request_options`."""

    dry_run: bool
    wait: bool
    timeout: float | None
    as_json: bool


def request_options(command: Decorated) -> Decorated:
    """--dry-run, --wait, --timeout and --json, as every action has them."""
    for option in (
        json_option,
        click.option(
            "--timeout", type=SECONDS, metavar="S", help="With --wait: give up waiting after so many seconds."
        ),
        click.option("--wait", is_flag=True, help="Return when it has happened, or needs the operator."),
        click.option(
            "--dry-run", is_flag=True, help="Show what it would do, and against what; begin nothing."
        ),
    ):
        command = option(command)
    return command


def confirm_option(command: Decorated) -> Decorated:
    return click.option(
        "--confirm", metavar="DOMAIN", help="The domain's name: consent to what cannot be undone."
    )(command)


healthy_option = click.option(
    "--healthy", is_flag=True, help="With --wait: exit code 1 where a VM fails its check."
)


timeout_option = click.option(
    "--timeout", type=SECONDS, metavar="S", help="With --wait: give up after so many seconds."
)
only_option = click.option(
    "--only",
    multiple=True,
    metavar="GLOB",
    shell_complete=domain_names,
    help="Only these domains of the plan.",
)
except_option = click.option(
    "--except",
    "without",
    multiple=True,
    metavar="GLOB",
    shell_complete=domain_names,
    help="All but these domains.",
)


def mapping_of(pairs: tuple[str, ...]) -> dict[str, str]:
    """The mapping that --network options give. Raises Exit(2)."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        source, sign, target = pair.partition("=")
        if not sign or not source or not target:
            raise Exit(exit_codes.USAGE, f'--network wants FROM=TO, such as "VM_3510=DRSeg"; got {pair!r}')
        if source in mapping:
            raise Exit(exit_codes.USAGE, f"--network maps {source!r} twice")
        mapping[source] = target
    return mapping


network_option = click.option(
    "--network",
    "networks",
    multiple=True,
    metavar="FROM=TO",
    shell_complete=network_pairs,
    help="Protected network = recovery network; '*=TO': all that are left.",
)
vms_option = click.option(
    "--vm",
    "vms",
    multiple=True,
    metavar="NAME",
    shell_complete=vm_names,
    help="Only this VM; may be repeated.",
)


type_option = click.option(
    "--type", "kind", required=True, type=click.Choice([str(t) for t in FailoverType]), help="Failover type."
)
run_pitr_option = click.option(
    "--run-pitr", is_flag=True, help="Start a PITR session once the VMs are recovered."
)
even_though_option = click.option(
    "--even-though",
    "even_though",
    multiple=True,
    metavar="FACTS",
    shell_complete=facts_against,
    help="The facts found against it that you know of, by the names that are told (answers,vms-running).",
)


def facts_named(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The names of facts that --even-though options give."""
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())
