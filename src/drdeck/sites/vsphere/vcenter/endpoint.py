"""Endpoint of a vCenter: its address, and what makes us believe that it is the one."""

from __future__ import annotations

import errno
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from drdeck.private_files import refuse_strangers

from .server_certificate import unchecked


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The address of a vCenter, and what makes us believe it: a CA file, a SHA-256 thumbprint, or nothing."""

    url: str
    ca_file: str | None = None
    thumbprint: str | None = None
    insecure: bool = False

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError(f"{self.url!r} is no vCenter URL; write it like https://vcsa.example:443/sdk")
        if parts.username is not None or parts.password is not None:
            raise ValueError("a vCenter URL holds no user or password; use username and password_command")
        try:
            _ = parts.port
        except ValueError:
            raise ValueError(f"the port in {self.url!r} is not a number up to 65535") from None
        if self.thumbprint is not None and len(normalise(self.thumbprint)) != 64:
            raise ValueError(
                "a thumbprint is the SHA-256 of the certificate: 32 pairs of hex digits, AB:CD:..."
            )

    @property
    def server(self) -> str:
        """The vCenter's name in messages: host, and port when not the usual one."""
        parts = urlsplit(self.url)
        usual = 443 if parts.scheme == "https" else 80
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        return host if parts.port in (None, usual) else f"{host}:{parts.port}"

    @property
    def tls(self) -> bool:
        return urlsplit(self.url).scheme == "https"

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (443 if self.tls else 80)

    def context(self) -> ssl.SSLContext:
        """The check of certificates. Raises OSError or ssl.SSLError when the CA file is no use, or when
        another user could have written it: who does is whom we believe."""
        if self.insecure or self.thumbprint is not None:
            return unchecked()
        try:
            if self.ca_file is not None:
                refuse_strangers(Path(self.ca_file))
            context = ssl.create_default_context(cafile=self.ca_file)
        except PermissionError as error:  # its sentence may name a directory above
            raise PermissionError(errno.EACCES, error.strerror or str(error), self.ca_file) from None
        except OSError as error:
            error.filename = self.ca_file
            raise
        # Python 3.13 wants what RFC 5280 wants of a CA, which many a private one has never put in (no
        # authorityKeyIdentifier): the same certificates are believed whatever Python runs us
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        # 3.13 alone takes an intermediate CA, or the server's own certificate, for the end of a chain
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context


def normalise(thumbprint: str) -> str:
    """The hex digits of a thumbprint, or the empty string when there are others."""
    digits = thumbprint.replace(":", "").replace(" ", "").upper()
    return digits if all(c in "0123456789ABCDEF" for c in digits) else ""
