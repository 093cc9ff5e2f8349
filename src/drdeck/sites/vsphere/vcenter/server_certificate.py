"""The certificate that a server shows: who it says it is, for which names, until when."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
from datetime import UTC, datetime
from typing import Any

from drdeck.model.certificates import Certificate

_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which the ssl module has no name for."""


def thumbprint_of(der: bytes) -> str:
    """The SHA-256 of a certificate as people compare it: AB:CD:..."""
    digits = hashlib.sha256(der).hexdigest().upper()
    return ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))


def unchecked() -> ssl.SSLContext:
    """TLS that believes anybody; whoever uses it looks at the certificate, or says nothing secret."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def presented(host: str, port: int, timeout_s: float) -> Certificate | None:
    """The certificate that the server shows, trusting nothing; None when it does not speak TLS. Blocks."""
    der = b""
    with contextlib.suppress(OSError):
        der, _ = _peer(host, port, timeout_s, unchecked())
    if not der:
        return None
    fields: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        # ssl tells what is in a certificate only where it is trusted: trust this very one for that
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(cadata=der)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags(_NO_CHECK_TIME)
        _, fields = _peer(host, port, timeout_s, context)
    return Certificate(
        thumbprint=thumbprint_of(der),
        subject=_name(fields.get("subject", ())),
        issuer=_name(fields.get("issuer", ())),
        names=tuple(str(value) for _, value in fields.get("subjectAltName", ())),
        since=_time(fields.get("notBefore")),
        until=_time(fields.get("notAfter")),
    )


def _peer(host: str, port: int, timeout_s: float, context: ssl.SSLContext) -> tuple[bytes, dict[str, Any]]:
    """The peer's certificate, and what is in it where the context trusts it. Raises OSError."""
    with (
        socket.create_connection((host, port), timeout=timeout_s) as plain,
        context.wrap_socket(plain, server_hostname=host) as wrapped,
    ):
        return wrapped.getpeercert(binary_form=True) or b"", dict(wrapped.getpeercert() or {})


def _name(parts: Any) -> str:
    """The common name, else the organisation, else the last part of a distinguished name."""
    pairs = [(str(key), str(value)) for part in parts for key, value in part]
    for name in ("commonName", "organizationName"):
        for key, value in pairs:
            if key == name:
                return value
    return pairs[-1][1] if pairs else ""


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
