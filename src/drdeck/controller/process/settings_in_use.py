"""A site's settings as the file has them now, compared with those that its running controller began with."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from drdeck.config.settings import (
    SettingsError,
    SiteSettings,
    TrainingSettings,
    failover_plans,
    settings_digest,
)
from drdeck.config.settings_file import load
from drdeck.controller.ipc.client import OTHER_SETTINGS, Client
from drdeck.controller.ipc.protocol import Welcome
from drdeck.model.plans.failover_plan import FailoverPlan

LOOK_S = 1.0
"""A console looks so often whether the settings file was changed."""
RESTART = "`drdeck controller restart` has it use these, and keeps what is under way"


class SettingsInUse(msgspec.Struct, frozen=True):
    """The settings file, and the options that stand above it for the site in use."""

    file: Path
    required: bool
    """the file was named, so that it must be there"""
    name: str
    """of the site"""
    site: SiteSettings
    """as this process uses it"""
    scenario: str | None = None
    speed: float | None = None

    def site_now(self) -> SiteSettings:
        """The site as it is in the file now. Raises SettingsError."""
        return load(self.file, required=self.required).site(self.name)

    def plans_now(self) -> dict[str, FailoverPlan]:
        """The failover plans of the site as they are in the file now. Raises SettingsError."""
        return failover_plans(self.site_now())

    def compare(self, client: Client) -> None:
        """Note where the controller runs with other settings of the site than are in this file now."""
        welcome = client.welcome
        if welcome is None:
            return
        if isinstance(self.site, TrainingSettings):
            self._compare_training(client, welcome, self.site)
        elif self._differs(welcome):
            theirs = welcome.settings_file
            read = f", read from {theirs}," if theirs and theirs != str(self.file) else ""
            client.other_settings = (
                f'{OTHER_SETTINGS} of "{self.name}"{read} than {self.file} has now, so nothing is begun;'
                f" {RESTART}"
            )

    async def watch(self, client: Client) -> None:
        """Warn on the screens, and begin nothing more, once the file has other settings."""
        stamp = self._stamp()
        while True:
            await asyncio.sleep(LOOK_S)
            if self._stamp() == stamp:
                continue
            stamp = self._stamp()
            client.other_settings, client.own_warnings = "", ()
            self.compare(client)
            at = f"{datetime.now(UTC):%H:%M}Z"
            problem, scenario = self._problem_now(), self._other_scenario_now(client.welcome)
            if problem:
                client.warn(f"settings changed at {at} and cannot be used: {problem}")
            elif scenario:
                client.warn(
                    f"settings changed at {at} to the scenario {scenario}; open the console anew for it"
                )
            elif client.other_settings or client.own_warnings:
                client.warn(f"settings changed at {at}; restart the controller to use them")
            else:
                client.warn()

    def _compare_training(self, client: Client, welcome: Welcome, site: TrainingSettings) -> None:
        """The same of a training site: its speed harms nothing, so that only another scenario stops acts."""
        if welcome.scenario and welcome.scenario != site.scenario:
            client.other_settings = (
                f"{OTHER_SETTINGS}: the scenario {welcome.scenario}, and not {site.scenario}, so nothing is"
                " begun; use another --state, or end it with `drdeck controller stop`"
            )
        if self.speed is not None:
            if welcome.speed and welcome.speed != self.speed:
                client.own_warnings = (
                    f"--speed {self.speed:g} is ignored: the controller runs with {welcome.speed:g};"
                    f" {RESTART}",
                )
        elif self.scenario is None and self._differs(welcome):
            client.own_warnings = (
                f'{OTHER_SETTINGS} of "{self.name}" than {self.file} has now (speed {welcome.speed:g},'
                f" scenario {welcome.scenario}); {RESTART}",
            )

    def _differs(self, welcome: Welcome) -> bool:
        """True where the controller began with others; False, too, where the file cannot be read now."""
        try:
            own = settings_digest(self.site_now())
        except SettingsError:
            return False
        return bool(welcome.settings) and own != welcome.settings

    def _other_scenario_now(self, welcome: Welcome | None) -> str:
        """The scenario that the file has now, where the controller's is another one; else empty.

        Another scenario has a state directory, and a controller, of its own.
        """
        if welcome is None or not welcome.scenario or self.scenario is not None:
            return ""
        with contextlib.suppress(SettingsError):
            site = self.site_now()
            if isinstance(site, TrainingSettings):
                scenario = scenario_path(site.scenario, self.file.parent)
                return scenario if scenario != welcome.scenario else ""
        return ""

    def _stamp(self) -> tuple[int, int, int] | None:
        """Something of the settings file that changes whenever it is written."""
        try:
            about = self.file.stat()
        except OSError:
            return None
        return about.st_mtime_ns, about.st_size, about.st_ino

    def _problem_now(self) -> str:
        """The sentence about a settings file that cannot be used as it is now; else empty."""
        try:
            self.site_now()
        except SettingsError as error:
            return str(error)
        return ""


def scenario_path(scenario: str, base: Path) -> str:
    """The name of a shipped scenario, or the whole path of one that is meant from `base`."""
    if not (scenario.endswith(".toml") or "/" in scenario):
        return scenario
    try:
        return str((base / Path(scenario).expanduser()).resolve())
    except RuntimeError:  # no such user: it is told as a file that there is not
        return scenario
