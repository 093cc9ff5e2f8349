"""Sites that can be driven: `training`, `vsphere`, and `jetstream`, which is only watched.

A site is made by its kind, and its room is imported only then, that of a vCenter when it is opened
(`late_site`). Only the controller may open one.
Begin with `contract`: what a site must do, and what it may refuse.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import socket
from pathlib import Path

from drdeck.config.settings import JetStreamSettings, SiteSettings, TrainingSettings, VSphereSettings
from drdeck.private_files import write_private

from .contract import PasswordSource, RecoverySite, SiteCleaning
from .late_site import LateSite, VCenterSite

VSPHERE = f"{__name__}.vsphere"


def make_site(name: str, settings: SiteSettings, state: Path, passwords: PasswordSource) -> RecoverySite:
    """The site of these settings, not connected yet. Raises ValueError for settings that no
    site can be made of (a scenario that is wrong)."""
    if isinstance(settings, TrainingSettings):
        from drdeck.sites.training.scenario.scenario_file import load
        from drdeck.sites.training.site import TrainingSite

        return TrainingSite(name, load(settings.scenario), state, settings.speed)
    if isinstance(settings, JetStreamSettings):
        from .jetstream import make_jetstream_site

        return make_jetstream_site(name, settings, passwords, state)
    me = _identity(state)

    def make() -> VCenterSite:
        from .vsphere import make_vsphere_site

        return make_vsphere_site(name, settings, passwords, me, state)

    return LateSite(name, settings, VSPHERE, make)


def make_cleaning(settings: SiteSettings, state: Path, passwords: PasswordSource) -> SiteCleaning | None:
    """The way to what drdeck left at a site, not connected yet; None where it leaves nothing."""
    if not isinstance(settings, VSphereSettings):
        return None  # a training site is its state; an appliance is only looked at
    from .vsphere.site_cleaning import VCenterCleaning

    return VCenterCleaning(settings, passwords, _identity(state), state)


def check_site(settings: SiteSettings) -> None:
    """Raise what `make_site` raises for settings of which no site can be made, and write nothing."""
    if isinstance(settings, TrainingSettings):
        from drdeck.sites.training.scenario.scenario_file import load

        load(settings.scenario)


async def define_attributes(settings: SiteSettings, passwords: PasswordSource, state: Path) -> str:
    """Make what drdeck's own account may not make at a vCenter, with the account of these settings; in words.

    Raises ValueError for a site that has nothing to define, LoginRefused, and SiteError.
    """
    if not isinstance(settings, VSphereSettings):
        raise ValueError("there is nothing to define at this site: its records are not in a vCenter")
    from .vsphere import define_attributes as define_in_vcenter

    result = await define_in_vcenter(settings, passwords, _identity(state))
    claimed = f"; the first claim of {', '.join(result.claimed)}" if result.claimed else ""
    elsewhere = (
        f"; driven by another controller so far: {', '.join(result.elsewhere)}" if result.elsewhere else ""
    )
    return f"{result.attributes} attributes defined{claimed}{elsewhere}"


def _identity(state: Path) -> str:
    """user@host, and a number that stays with the state directory, which one process at a time may use."""
    file = state / "identity"
    try:
        number = file.read_text("utf-8").strip()
    except OSError:
        number = ""
    if not number:
        number = secrets.token_hex(4)
        with contextlib.suppress(OSError):  # then it is another one at the next start
            write_private(file, number.encode())
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid{os.getuid()}"
    return f"{user}@{socket.gethostname()}#{number}"
