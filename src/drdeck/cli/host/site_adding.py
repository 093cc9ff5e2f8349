"""Adding a site to the settings: the same for `drdeck sites add` and for the console's form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tomli_w

from drdeck.config.settings import JetStreamSettings, SettingsError, VSphereSettings
from drdeck.config.settings_file import load, parse
from drdeck.controller.ipc.client import ControllerError, UnknownCertificate
from drdeck.controller.process.site_probe import look
from drdeck.private_files import Unreadable, make_parents, read_text, write_private

_NEEDED = {"vsphere": ("url", "username", "root"), "jetstream": ("url", "vcenter", "domains")}
_OPTIONAL = ("ca_file", "thumbprint", "insecure")


async def add(
    config: Path,
    answers: Mapping[str, Any],
    ask: Callable[[], str],
    pins: Callable[[UnknownCertificate], bool] | None = None,
) -> list[str]:
    """Try to connect, then write the site; `ask` gives the password. Returns what to say of it.

    `answers`: name, url, username, root, and where there is any protected_url, protected_username,
    protected_root and network (where all networks lead to); for the `kind` "jetstream" name, url, vcenter,
    domains; ca_file, thumbprint, insecure where there is any. `pins` is asked about a certificate met
    first. Raises SettingsError for what is wrong with what was given, ControllerError when the site does
    not answer or is not believed.
    """
    try:
        return await _add(config, answers, ask)
    except UnknownCertificate as met:
        decided = any(answers.get(key) for key in _OPTIONAL)  # which certificate is right
        if pins is None or decided or not pins(met):
            raise
        thumbprint = met.certificate.thumbprint
    return await _add(config, {**answers, "thumbprint": thumbprint}, ask)


async def _add(config: Path, answers: Mapping[str, Any], ask: Callable[[], str]) -> list[str]:
    name = answers["name"]
    kind = answers.get("kind", "vsphere")
    table = {"kind": kind, **{key: answers[key] for key in _NEEDED[kind]}}
    table |= {key: answers[key] for key in _OPTIONAL if answers.get(key)}
    if table.get("ca_file"):  # typed here, and not where the settings are
        table["ca_file"] = str(Path(table["ca_file"]).expanduser().absolute())
    table |= _beside(config, answers, table)
    text = tomli_w.dumps({"sites": {name: table}})
    if kind == "vsphere":
        parse(text, config)  # what is wrong with it is told without the rest of the file
    if name in load(config).sites:
        raise SettingsError(f'{config}: there is a site "{name}" already; choose another name')
    site = parse(_joined(config, name, table), config).sites[name]  # with the vCenter that it may name
    assert isinstance(site, VSphereSettings | JetStreamSettings)
    remark = await look(name, site, ask)
    joined = _joined(config, name, table)  # others may have written it meanwhile
    parse(joined, config)
    make_parents(config)
    write_private(config, joined.encode())
    remarks = [remark, f'the site "{name}" was written to {config}; drdeck keeps no password']
    if "protected" in table:
        remarks.append(f"its protected site was not tried: drdeck --site {name} doctor")
    if site.insecure:
        remarks.append("its certificate is not checked; that is warned of on every screen")
    return remarks


def _beside(config: Path, answers: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """The site's tables: its protected site, which is not tried here, and where its networks lead to.

    What is not given of the protected site is as at this one. Raises SettingsError.
    """
    tables: dict[str, Any] = {}
    if network := answers.get("network"):
        tables["networks"] = {"*": network}
    there = {key: answers.get(f"protected_{key}") for key in ("url", "username", "root")}
    if there["url"]:
        own = {key: table[key] for key in ("username", "root", "ca_file") if key in table}
        tables["protected"] = own | {key: value for key, value in there.items() if value}
    elif any(there.values()):
        raise SettingsError(f"{config}: the address of the protected vCenter is missing")
    return tables


def _joined(config: Path, name: str, table: dict[str, Any]) -> str:
    """The text of the settings with the site at its end. Raises SettingsError."""
    try:
        before = read_text(config)
    except FileNotFoundError:
        before = ""
    except Unreadable as error:
        raise SettingsError(f"{config}: {error}") from None
    if not before.strip():
        return tomli_w.dumps({"default_site": name, "sites": {name: table}})
    return f"{before.rstrip()}\n\n{tomli_w.dumps({'sites': {name: table}})}"


async def add_from_console(config: Path, answers: Mapping[str, Any]) -> str:
    """The same for the form; every "no" is a ControllerError, for the form to show."""

    def password() -> str:
        word = str(answers.get("password") or "")
        if not word:
            raise ControllerError("usage", "the test needs the password of the user")
        return word

    try:
        remarks = await add(config, answers, password)
    except SettingsError as error:
        # nothing is in the file yet, so a place in the file means nothing to a form
        raise ControllerError("usage", str(error).removeprefix(f"{config}").partition(": ")[2]) from None
    except OSError as error:
        raise ControllerError("failed", f"{config}: {error.strerror or error}") from None
    remarks.append(f"Leave this console and open the site with: drdeck --site {answers['name']}")
    return "\n".join(remarks)
