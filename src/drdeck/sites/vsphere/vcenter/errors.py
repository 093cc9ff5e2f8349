"""Errors of a vCenter in one sentence: what failed, on what, in whose words, what to do."""

from __future__ import annotations

import re
import socket
import ssl
from http.client import HTTPException
from typing import Any
from xml.parsers.expat import ExpatError

from pyVmomi import vim, vmodl

from drdeck.sites.contract import (
    Busy,
    CertificateUntrusted,
    CertificateWrong,
    LoginRefused,
    Refused,
    ResultUnknown,
    SiteError,
    SiteUnreachable,
)

from .transport import AnswerLost, CertificateRefused, SessionEnded, TooLate

_LONGEST = 300
MAX_CAUSES = 3
"""Faults that caused each other, as far as they are named."""
BUSY = (
    vim.fault.TaskInProgress, vim.fault.ConcurrentAccess, vim.fault.ResourceInUse, vim.fault.FileLocked,
)  # fmt: skip
"""Refused for a moment: by another task of the VM, or by whoever holds its files (API reference)."""
HOST_LOST = (vmodl.fault.HostCommunication, vim.fault.Timedout, vmodl.fault.SystemError)
"""The call went on to a host that did not answer: what became of it is not known (API reference)."""


def translate(exc: BaseException, aim: str, server: str = "vCenter") -> SiteError:
    """The SiteError for whatever pyVmomi, a socket, TLS or HTTP raised while `aim` ("power on erp-db01").

    A SiteError comes back as it is. Raises `exc` again when it is none of these: then it is a bug.
    """
    if isinstance(exc, SiteError):
        return exc
    if isinstance(exc, AnswerLost):
        why = _network(exc.__cause__)
        if exc.changing:
            return ResultUnknown(
                f"{server} was asked to {aim}, but its answer was lost ({why}): "
                "it may or may not have happened; look there before going on"
            )
        return SiteUnreachable(
            f"Could not {aim}: {server} did not answer ({why}); check the network and that vCenter runs"
        )
    if isinstance(exc, TooLate):
        return SiteUnreachable(
            f"Could not {aim}: drdeck was stopped for a while just before it asked {server}; it looks again"
        )
    if isinstance(exc, SessionEnded):
        return SiteUnreachable(f"Could not {aim}: {server} had ended our session; drdeck looks again")
    if isinstance(exc, vim.fault.InvalidLogin):
        return LoginRefused(
            f"Could not {aim}: {server} does not accept this user name and password; check both"
        )
    if isinstance(exc, vim.fault.NotAuthenticated):
        return SiteUnreachable(f"Could not {aim}: {server} has ended our session; log in again")
    if isinstance(exc, vim.fault.NoPermission):
        return Refused(f"{server} refused to {aim}: {words(exc)}; ask its administrator for that privilege")
    if isinstance(exc, BUSY):
        return Busy(f"Could not {aim}: {server} is busy there ({words(exc)})")
    if isinstance(exc, HOST_LOST):
        return ResultUnknown(
            f"{server} was asked to {aim}, and lost sight of the host ({words(exc)}):"
            " it may or may not have happened; look there before going on"
        )
    if isinstance(exc, vmodl.MethodFault):
        return Refused(f"{server} refused to {aim}: {words(exc)}")
    if isinstance(exc, CertificateRefused):
        text = f"Could not {aim}: {_certificate(exc, server)}"
        if exc.expected or exc.certificate is None:
            return CertificateWrong(text)
        return CertificateUntrusted(text, exc.certificate)
    if isinstance(exc, OSError | HTTPException | ExpatError):
        return SiteUnreachable(
            f"Could not {aim}: {server} cannot be reached ({_network(exc)}); {_advice(exc)}"
        )
    raise exc


def words(fault: Any) -> str:
    """A fault in vCenter's own words, on one line; where it has none, its name and what it is about."""
    parts = [_clean(getattr(fault, "msg", None))]
    for more in getattr(fault, "faultMessage", None) or ():
        parts.append(_clean(getattr(more, "message", None)))
    parts += _causes(fault)
    unique = list(dict.fromkeys(part for part in parts if part))
    subject = _subject(fault)
    if not unique:
        unique = [_kind(fault)]
    elif isinstance(fault, vmodl.fault.ManagedObjectNotFound):
        subject = ""
    text = ": ".join(unique)
    if subject and subject.lower() not in text.lower():
        text = f"{text} ({subject})"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _causes(fault: Any) -> list[str]:
    """Words of the faults that caused it, the nearest first: "Unable to access a virtual disk" alone does not
    say why. (API reference: MethodFault.faultCause, and CannotAccessVmDisk.fault.)"""
    parts = list[str]()
    for _ in range(MAX_CAUSES):
        inner = (getattr(fault, "fault", None), getattr(fault, "faultCause", None))
        cause = next((x for x in inner if isinstance(x, vmodl.MethodFault)), None)
        if cause is None:
            break
        parts.append(_clean(getattr(cause, "msg", None)) or _kind(cause))
        fault = cause
    return parts


def _kind(fault: Any) -> str:
    """The name of a fault's type, as words."""
    kind = type(fault).__name__.rpartition(".")[2]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", kind).capitalize()


def _clean(text: str | None) -> str:
    flat = " ".join("".join(c if c.isprintable() else " " for c in text or "").split()).rstrip(".")
    # a type's name instead of words, as VMware's own simulator has it
    return "" if flat.startswith("*types.") else flat


def _subject(fault: Any) -> str:
    if isinstance(fault, vim.fault.NoPermission):
        return f"privilege {fault.privilegeId}" if fault.privilegeId else ""
    if isinstance(fault, vim.fault.DuplicateName):
        return f"{fault.name} exists already"
    if isinstance(fault, vim.fault.InvalidPowerState):
        existing = str(fault.existingState or "").removeprefix("powered").lower()
        return f"it is {existing} now" if existing else ""
    if isinstance(fault, vmodl.fault.InvalidArgument):
        return str(fault.invalidProperty or "")
    if isinstance(fault, vmodl.fault.ManagedObjectNotFound):
        return "it is no longer there"
    return ""


def _network(exc: BaseException | None) -> str:
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    if isinstance(exc, socket.gaierror):
        return "its name is not known here"
    if isinstance(exc, ConnectionRefusedError):
        return "connection refused"
    if isinstance(exc, ConnectionError):
        return "the connection was closed"
    if isinstance(exc, ssl.SSLError):
        return f"TLS: {exc.reason or exc}".replace("_", " ").lower().replace("tls", "TLS", 1)
    if isinstance(exc, ExpatError):
        return "the answer is not a vCenter's"
    if isinstance(exc, HTTPException):
        return f"HTTP: {exc}" if str(exc) else "the answer broke off"
    if isinstance(exc, OSError):
        return str(exc.strerror or exc)
    return type(exc).__name__


def _advice(exc: BaseException) -> str:
    if isinstance(exc, FileNotFoundError | PermissionError | IsADirectoryError):
        return f"check ca_file{f' {exc.filename}' if exc.filename else ''}"
    if isinstance(exc, ssl.SSLError) and "NO_CERTIFICATE" in str(exc.reason or exc):
        return f"check ca_file{f' {exc.filename}' if exc.filename else ''}: there is no certificate in it"
    if isinstance(exc, ssl.SSLError):
        return "check that the URL's port speaks TLS"
    if isinstance(exc, socket.gaierror):
        return "check the host in the URL"
    if isinstance(exc, HTTPException | ExpatError):
        return "check the URL; a vCenter answers at https://HOST/sdk"
    return "check the URL, the network and that vCenter runs"


def _certificate(exc: CertificateRefused, server: str) -> str:
    thumbprint = exc.certificate.thumbprint if exc.certificate is not None else ""
    if exc.expected:
        return (
            f"the certificate of {server} has the SHA-256 thumbprint {thumbprint}, "
            f"and {exc.expected} is pinned; compare it with vCenter's own before changing the settings"
        )
    aside = f" (SHA-256 {thumbprint})" if thumbprint else ""
    return (
        f"the certificate of {server}{aside} is not trusted: {exc.reason}; "
        "set ca_file to its CA's certificate, or thumbprint after comparing it with vCenter's own"
    )
