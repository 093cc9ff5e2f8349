"""A JetStream site over the stand-in, in this process, logged in to a vCenter that is none."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

from drdeck.config.settings import Duration, JetStreamSettings, VCenterSettings
from drdeck.controller.controller import Controller
from drdeck.controller.journal.event_store import Journal
from drdeck.sites.contract import RecoverySite, SiteUnreachable
from drdeck.sites.jetstream.polled_site import JetStreamSite
from drdeck.sites.vsphere.vcenter.connection import Connection
from tests.support.appliance.sample import DOMAIN_ID
from tests.support.appliance.stand_in import CERTIFICATE, SESSION, StandIn
from tests.support.waiting import ended, eventually


class LoginAlone:
    """A vCenter that lets in and answers nothing else: each login has another session id."""

    def __init__(self, first: str = SESSION) -> None:
        self.session_id, self.logins = first, 1
        self.refuses: Exception | None = None

    async def command(self, work: Callable[[Any], Any], aim: str) -> None:
        if self.refuses is not None:
            raise self.refuses
        if aim == "log in again":
            self.logins += 1
            self.session_id = f"{SESSION}-{self.logins}"

    async def poll(self, work: Callable[[Any], Any], aim: str) -> None:
        raise SiteUnreachable(f"Could not {aim}: this vCenter answers nothing")

    async def close(self) -> None:
        """Nothing is held."""


def settings_of(stand_in: StandIn, *domains: str, **changes: Any) -> JetStreamSettings:
    """Quick ones, with the stand-in's certificate."""
    quick: dict[str, Any] = {
        "ca_file": str(CERTIFICATE),
        "poll": Duration(0.05),
        "poll_idle": Duration(0.05),
        "timeout": Duration(10),
    }
    login = VCenterSettings(url="https://vcenter.invalid/sdk", username="drdeck", root="/DC0/vm/drdeck")
    return JetStreamSettings(
        url=stand_in.url, vcenter=login, domains=domains or (DOMAIN_ID,), **(quick | changes)
    )


def appliance_settings(stand_in: StandIn, vcenter: str, *domains: str, extra: str = "") -> str:
    """TOML of a site "msa" with the login of a vSphere site of the same file."""
    return f"""
[sites.msa]
kind = "jetstream"
url = "{stand_in.url}"
vcenter = "{vcenter}"
domains = {list(domains or (DOMAIN_ID,))!r}
ca_file = "{CERTIFICATE}"
poll = "500ms"
{extra}
"""


def site_of(
    stand_in: StandIn,
    *domains: str,
    state: Path | None = None,
    login: LoginAlone | None = None,
    **changes: Any,
) -> tuple[JetStreamSite, LoginAlone]:
    """A site that is not open yet, and its login."""
    vcenter = login or LoginAlone()

    async def connect() -> Connection:
        if vcenter.refuses is not None:
            raise vcenter.refuses
        return cast(Connection, vcenter)

    return JetStreamSite("msa", settings_of(stand_in, *domains, **changes), connect, state), vcenter


@contextlib.asynccontextmanager
async def controlled(site: JetStreamSite, directory: Path) -> AsyncIterator[Controller]:
    """A controller that watches the site for the length of the block."""
    journal = Journal(directory / "journal.db")
    controller = Controller(cast(RecoverySite, site), journal)
    task = asyncio.create_task(controller.run())
    try:
        yield controller
    finally:
        await ended(task)
        journal.close()


async def site_read(controller: Controller) -> None:
    await eventually(lambda: controller.watcher.error is None and controller.view is not None)
