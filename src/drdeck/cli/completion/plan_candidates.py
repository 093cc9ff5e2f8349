"""Plans, their runs and the domains of a run, to complete with."""

from __future__ import annotations

import click

from drdeck.controller.ipc.client import Client

from .candidates import ask_controller, begun


def plan_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The plans of the settings and of the site."""

    async def names(client: Client) -> list[str]:
        return [summary.plan.name for summary in await client.plans.plans()]

    return begun(ask_controller(context, names), incomplete)


def run_ids(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Runs of plans: open ones, and those that ended last."""

    async def names(client: Client) -> list[str]:
        return [run.run for run in (await client.get_listing()).runs]

    return begun(ask_controller(context, names), incomplete)


def domains_in_run(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The domains of the run that was typed before."""
    typed = context.params.get("run") or next(iter(context.args), None)

    async def names(client: Client) -> list[str]:
        runs = (await client.get_listing()).runs
        return [domain.name for run in runs if run.run == typed for domain in run.domains]

    return begun(ask_controller(context, names), incomplete)
