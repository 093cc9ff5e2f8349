"""Plans, their runs and the domains of a run, to complete with."""

from __future__ import annotations

import asyncio
from collections import Counter

import click

from drdeck.controller.ipc.client import Client
from drdeck.model.plans.failover_plan import members
from drdeck.model.times import show

from .candidates import BEFORE_ABNORMAL, ask_controller, begun
from .candidates import run_ids as run_ids

POINTS_S = 0.6
"""How long the points of a plan's domains are waited for: those of many domains are much to read."""


def plan_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The plans of the settings and of the site."""

    async def names(client: Client) -> list[str]:
        return [summary.plan.name for summary in await client.plans.plans()]

    return begun(ask_controller(context, names), incomplete)


def domains_in_run(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The domains of the run that was typed before."""
    typed = context.params.get("run") or next(iter(context.args), None)

    async def names(client: Client) -> list[str]:
        runs = (await client.get_listing()).runs
        return [domain.name for run in runs if run.run == typed for domain in run.domains]

    return begun(ask_controller(context, names), incomplete)


def instants_of_run(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Instants to which the sessions of the typed run can be rolled back, newest first."""
    typed = context.params.get("run") or next(iter(context.args), None)
    if typed is None:
        return []

    async def times(client: Client) -> list[str]:
        points = await client.plans.points(typed)
        return ["last-good", BEFORE_ABNORMAL, *(show(instant.to) for instant in points.instants)]

    return begun(ask_controller(context, times), incomplete)


def instants_of_plan(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Instants of points that most domains of the typed plan have, newest first."""
    typed = context.params.get("plan") or next(iter(context.args), None)

    async def times(client: Client) -> list[str]:
        plan = next(s.plan for s in await client.plans.plans() if s.plan.name == typed)
        waves = members(plan, [domain.name for domain in (await client.get_listing()).domains])
        looks = [asyncio.create_task(client.points(name)) for wave in waves for name in wave.domains]
        in_time, late = await asyncio.wait(looks, timeout=POINTS_S)
        for look in late:
            look.cancel()
        read = [look.result().points for look in in_time if look.exception() is None]
        having = Counter(time for points in read for time in {point.time for point in points})
        most = max(having.values(), default=0)
        return [show(time) for time in sorted(having, reverse=True) if having[time] == most]

    return begun(ask_controller(context, times), incomplete)
