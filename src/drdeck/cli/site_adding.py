"""Adding a vSphere site to the settings: the same for `drdeck sites add` and for the console's form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tomli_w

from drdeck.config.settings import SettingsError, VSphereSettings
from drdeck.config.settings_file import load, parse
from drdeck.controller.ipc.client import ControllerError, UnknownCertificate
from drdeck.controller.process.site_probe import look
from drdeck.private_files import Unreadable, make_parents, read_text, write_private

_OPTIONAL = ("ca_file", "thumbprint", "insecure")


async def add(
    config: Path,
    answers: Mapping[str, Any],
    ask: Callable[[], str],
    pins: Callable[[UnknownCertificate], bool] | None = None,
) -> list[str]:
    """Try to connect, then write the site; `ask` gives the password. Returns what to say of it.

    `answers`: name, url, username, root; ca_file, thumbprint, insecure where there is any. `pins` is
    asked about a certificate met first. Raises SettingsError for what is wrong with what was given,
    ControllerError when the site does not answer or is not believed.
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
    table = {"kind": "vsphere", **{key: answers[key] for key in ("url", "username", "root")}}
    table |= {key: answers[key] for key in _OPTIONAL if answers.get(key)}
    if table.get("ca_file"):  # typed here, and not where the settings are
        table["ca_file"] = str(Path(table["ca_file"]).expanduser().absolute())
    text = tomli_w.dumps({"sites": {name: table}})
    site = parse(text, config).sites[name]
    assert isinstance(site, VSphereSettings)
    if name in load(config).sites:
        raise SettingsError(f'{config}: there is a site "{name}" already; choose another name')
    remark = await look(name, site, ask)
    try:
        before = read_text(config)
    except FileNotFoundError:
        before = ""
    except Unreadable as error:
        raise SettingsError(f"{config}: {error}") from None
    if not before.strip():
        text = tomli_w.dumps({"default_site": name, "sites": {name: table}})
    joined = f"{before.rstrip()}\n\n{text}" if before.strip() else text
    parse(joined, config)
    make_parents(config)
    write_private(config, joined.encode())
    remarks = [remark, f'the site "{name}" was written to {config}; drdeck keeps no password']
    if site.insecure:
        remarks.append("its certificate is not checked; that is warned of on every screen")
    return remarks


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
