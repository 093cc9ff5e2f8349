"""The table of a site that is a management appliance, and the vCenter that it names."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from drdeck.model.text import quoted

from .server_checks import absolute, certificate_checks, check_url, span, vcenter_checked
from .settings import JetStreamSettings, SiteSettings, VCenterSettings, VSphereSettings
from .table_reader import RIGHT, TableReader
from .toml_places import Place

DOMAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""An appliance's id of a domain: it becomes a part of an address."""


def appliance_site(reader: TableReader, path: Place, raw: dict[str, Any]) -> JetStreamSettings:
    if "vcenter_site" in raw:
        raise reader.fail((*path, "vcenter_site"), 'unknown key; "vcenter" would be right')
    login = raw.get("vcenter")
    if isinstance(login, dict):
        raw["vcenter"] = ""
    site = reader.table(JetStreamSettings, raw, path)
    if isinstance(login, dict):
        here = (*path, "vcenter")
        own = vcenter_checked(reader, here, reader.table(VCenterSettings, login, here))
        site = msgspec.structs.replace(site, vcenter=own)
    check_url(reader, (*path, "url"), site.url)
    certificate_checks(reader, path, site)
    span(reader, (*path, "timeout"), site.timeout, 1, 600)
    span(reader, (*path, "poll"), site.poll, 0.5, 3600)
    span(reader, (*path, "poll_idle"), site.poll_idle, site.poll, 86400)
    if not 1 <= site.parallel <= 64:
        raise reader.fail((*path, "parallel"), f"{site.parallel} is not {RIGHT['parallel']}")
    for ident in site.domains:
        if not DOMAIN_ID.fullmatch(ident):
            right = "letters, digits, '.', '_' and '-' only, as in the appliance's own address line"
            raise reader.fail((*path, "domains"), f"{quoted(ident)} is no id of a domain, which has {right}")
    if not site.domains:
        raise reader.fail(
            (*path, "domains"), "names no domain; the published call needs the id of each that is to be shown"
        )
    if len(set(site.domains)) < len(site.domains):
        raise reader.fail((*path, "domains"), "names an id twice")
    ca_file = site.ca_file and absolute(reader.file.parent, site.ca_file)
    return msgspec.structs.replace(site, ca_file=ca_file)


def with_vcenter(
    reader: TableReader, name: str, site: SiteSettings, sites: dict[str, SiteSettings]
) -> SiteSettings:
    """An appliance's site with the vCenter that it names by another site; any other site as it is."""
    if not isinstance(site, JetStreamSettings) or not isinstance(site.vcenter, str):
        return site
    other = sites.get(site.vcenter)
    if not isinstance(other, VSphereSettings):
        names = ", ".join(n for n, s in sites.items() if isinstance(s, VSphereSettings)) or "none"
        raise reader.fail(
            ("sites", name, "vcenter"),
            f"{quoted(site.vcenter)} is no vSphere site in this file (known: {names}); name one, or write a"
            f" table [sites.{name}.vcenter] with url, username and root",
        )
    fields = {key: getattr(other, key) for key in VCenterSettings.__struct_fields__}
    return msgspec.structs.replace(site, vcenter=VCenterSettings(**fields), vcenter_site=site.vcenter)
