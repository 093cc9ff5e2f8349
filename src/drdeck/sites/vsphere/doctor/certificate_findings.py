"""Certificates: who, for which name, until when, and whether it is the one that the settings ask for."""

from __future__ import annotations

import socket
import ssl
from datetime import datetime

from drdeck.config.settings import VCenterSettings
from drdeck.model.alarms import Finding
from drdeck.model.certificates import Certificate
from drdeck.sites.vsphere.vcenter.connection import Endpoint, endpoint_of, in_thread
from drdeck.sites.vsphere.vcenter.endpoint import normalise
from drdeck.sites.vsphere.vcenter.server_certificate import presented

LOOK_S = 5.0
ENDS_SOON_DAYS = 30


async def look(subject: str, vcenter: VCenterSettings, now: datetime) -> list[Finding]:
    """Findings about the certificate that a vCenter shows; needs no login."""
    return await look_at(subject, endpoint_of(vcenter), now)


async def look_at(subject: str, endpoint: Endpoint, now: datetime) -> list[Finding]:
    """Findings about the certificate of a server, a vCenter or another one believed in the same ways."""
    certificate = await in_thread(lambda: presented(*endpoint.place, LOOK_S))
    if certificate is None:
        return [Finding.warn(subject, f"cannot be looked at: {endpoint.server} shows none now")]
    must_be_trusted = not (endpoint.insecure or endpoint.thumbprint)
    refused = await in_thread(lambda: _refused(endpoint)) if must_be_trusted else None
    return certificate_lines(subject, endpoint, certificate, refused, now)


def certificate_lines(
    subject: str, endpoint: Endpoint, certificate: Certificate, refused: str | None, now: datetime
) -> list[Finding]:
    """The same in words. `refused`: why it is not trusted where trust was asked for."""
    print_, says = certificate.thumbprint, certificate.says()
    if endpoint.insecure:
        text = f"is not checked (insecure = true); shown is the one {says}; SHA-256 {print_}"
        remedy = "compare that SHA-256 with vCenter's own, and set it as thumbprint instead of insecure"
        return [Finding.warn(subject, text, remedy)]
    if endpoint.thumbprint is not None and normalise(endpoint.thumbprint) != normalise(print_):
        prints = f"shown is SHA-256 {print_}, pinned is {endpoint.thumbprint}"
        text = f"is not the pinned one: {prints}; it is {says}"
        remedy = "compare with vCenter's own; pin the new one only if vCenter's certificate was renewed"
        return [Finding.fail(subject, text, remedy)]
    if refused is not None:
        remedy = "set ca_file to its CA's certificate, or thumbprint after comparing it with vCenter's own"
        text = f"is not trusted: {refused}; it is {says}; SHA-256 {print_}"
        return [Finding.fail(subject, text, remedy)]
    how = "pinned" if endpoint.thumbprint else "trusted by ca_file" if endpoint.ca_file else "trusted"
    text = f"{how}: {says}; SHA-256 {print_}"
    if certificate.until is not None:
        days = (certificate.until - now).days
        renew = "have it renewed" + ("; the thumbprint in the settings changes with it" * (how == "pinned"))
        if certificate.until <= now:
            return [Finding.warn(subject, f"has ended; {text}", renew)]
        if days < ENDS_SOON_DAYS:
            ends = f"ends in {days} day{'' if days == 1 else 's'}; {text}"
            return [Finding.warn(subject, ends, renew)]
    return [Finding.ok(subject, text)]


def _refused(endpoint: Endpoint) -> str | None:
    """The reason why the certificate is not trusted; None when it is, or when that cannot be told now."""
    host, port = endpoint.place
    try:
        with (
            socket.create_connection((host, port), timeout=LOOK_S) as plain,
            endpoint.context().wrap_socket(plain, server_hostname=host),
        ):
            return None
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        return f"ca_file {endpoint.ca_file}: {error.strerror or error}"
    except ssl.SSLError:
        return f"ca_file {endpoint.ca_file} has no certificate in it" if endpoint.ca_file else None
    except OSError:
        return None
