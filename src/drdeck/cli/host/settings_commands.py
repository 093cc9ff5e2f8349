"""`drdeck settings check|schema`: the settings file looked at without starting or asking anything."""

from __future__ import annotations

import os
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from drdeck.cli import exit_codes, output
from drdeck.cli.context import Context, json_option
from drdeck.cli.exit_codes import Exit
from drdeck.config.settings import (
    JetStreamSettings,
    Settings,
    SettingsError,
    SiteSettings,
    TrainingSettings,
    VCenterSettings,
    VSphereSettings,
)
from drdeck.config.settings_file import load
from drdeck.config.settings_schema import settings_schema
from drdeck.controller.ipc.client import ControllerError
from drdeck.controller.process.launch import check as check_site
from drdeck.controller.process.settings_in_use import scenario_path
from drdeck.model.alarms import Finding
from drdeck.private_files import refuse_strangers


@click.group("settings")
def settings() -> None:
    """The settings file: checked, and described for editors."""


@settings.command("schema")
def schema() -> None:
    """Print a JSON schema of the settings file, by which editors complete and check it."""
    output.emit(settings_schema())


@settings.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@json_option
@click.pass_obj
def check(context: Context, file: Path | None, as_json: bool) -> None:
    """Read the settings file in use, or FILE, and look for what it names: a line each, and what to do.

    Ends with 2 when it cannot be used, with 1 when something that it names cannot.
    """
    path = (file or context.config).absolute()
    required = file is not None or context.config_given
    try:
        parsed = load(path, required=required)
        findings = [_read(path, parsed), *_named(path, parsed)]
        code = exit_codes.FAILED if any(f.level == "fail" for f in findings) else exit_codes.DONE
    except SettingsError as error:
        findings, code = [Finding.fail("settings", str(error))], exit_codes.USAGE
    if as_json:
        output.emit({"file": str(path), "ok": code == exit_codes.DONE, "findings": shaped_findings(findings)})
    else:
        for finding in findings:
            output.say(finding_line(finding))
    if code:
        raise Exit(code)


def finding_line(finding: Finding) -> str:
    """A finding as doctor prints it."""
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    return f"{finding.level:<4}  {finding.subject}: {finding.text}{remedy}"


def shaped_findings(findings: list[Finding]) -> list[dict[str, Any]]:
    """Findings as in `doctor --json`."""
    return [{**msgspec.to_builtins(f), "remedy": f.remedy or None} for f in findings]


def _read(path: Path, parsed: Settings) -> Finding:
    if not path.exists():
        return Finding.ok("settings", f"none at {path}: the training site is used")
    sites = ", ".join(parsed.sites) or "no site"
    return Finding.ok("settings", f"{path} can be read; {sites}")


def _named(path: Path, parsed: Settings) -> Iterator[Finding]:
    """Findings about the files and programs that the sites name."""
    for name, site in parsed.sites.items():
        if isinstance(site, VSphereSettings):
            yield from _vcenter(name, site)
            if site.protected is not None:
                yield from _vcenter(f"{name}.protected", site.protected)
        elif isinstance(site, JetStreamSettings):
            yield from _ca_file(name, site.ca_file)
            if not site.vcenter_site:  # else it is that site's
                yield from _vcenter(f"{name}.vcenter", site.login)
        else:
            yield _other_site(path, name, site)


def _vcenter(name: str, vcenter: VCenterSettings) -> Iterator[Finding]:
    yield from _ca_file(name, vcenter.ca_file)
    if vcenter.password_command:
        program = vcenter.password_command[0]
        problem = "" if shutil.which(program) else "cannot be found, or not be run"
        yield _finding(name, f"password_command {program}", problem, "give its path, and chmod +x it")


def _ca_file(name: str, ca_file: str | None) -> Iterator[Finding]:
    if ca_file is not None:
        problem = _no_authority(Path(ca_file))
        yield _finding(name, f"ca_file {ca_file}", problem, "put the authority's certificate there")


def _other_site(path: Path, name: str, site: SiteSettings) -> Finding:
    if isinstance(site, TrainingSettings):
        site = msgspec.structs.replace(site, scenario=scenario_path(site.scenario, path.parent))
    try:
        check_site(site)
    except ControllerError as error:
        return Finding.fail(name, str(error))
    scenario = f"scenario {site.scenario}" if isinstance(site, TrainingSettings) else "can be used"
    return Finding.ok(name, scenario)


def _no_authority(file: Path) -> str:
    """The reason why no certificate can be checked by a file; empty when one can."""
    try:
        refuse_strangers(file)
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError:
        return "there is no certificate in it"
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)
    return ""


def _finding(subject: str, text: str, problem: str, remedy: str) -> Finding:
    if not problem:
        return Finding.ok(subject, text)
    return Finding.fail(subject, f"{text}: {problem}", remedy)
