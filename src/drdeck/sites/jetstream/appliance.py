"""The appliance: one published call, asked over verified TLS with a vCenter session id.

The session id logs anybody in: it goes to the appliance alone, and into no message.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from drdeck import __version__
from drdeck.config.settings import JetStreamSettings
from drdeck.model.certificates import Certificate
from drdeck.model.text import brief, clean, show_bytes
from drdeck.sites.contract import CertificateUntrusted, CertificateWrong, SiteError, SiteUnreachable
from drdeck.sites.vsphere.vcenter.connection import Endpoint, in_thread
from drdeck.sites.vsphere.vcenter.endpoint import normalise
from drdeck.sites.vsphere.vcenter.server_certificate import presented, thumbprint_of

log = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)  # it has a line for each request, one every 2 s
_E = TypeVar("_E", bound=BaseException)

HEADER = "fios-session"
PATH = "/jss/domains/azureblob/{domain}/pitrstatus"
LARGEST = 2_000_000
"""Bytes of an answer that is read; a real one of a thousand VMs has some 200 KB."""
KEPT_S = 60.0
"""So long an unused connection is kept."""
LONGEST_REST_S = 300.0
"""At most so long the appliance is left alone when it asks for that."""
WITHHELD = b"(session id)"
"""In place of the session id, where a server repeats it: alerts are shown and journaled."""
_LOOK_S = 5.0


class SessionRefused(SiteUnreachable):
    """The appliance does not accept the vCenter session; another one may be accepted."""


class DomainUnknown(SiteUnreachable):
    """The appliance knows no domain of this id."""


class AskedTooOften(SiteUnreachable):
    """The appliance wants to be left alone for `rest_s` seconds."""

    def __init__(self, text: str, rest_s: float) -> None:
        super().__init__(text)
        self.rest_s = rest_s


class NotPinned(ssl.SSLCertVerificationError):
    """The certificate is another than the pinned one; nothing was said to the server."""


class Appliance:
    """Asks one appliance, on connections that are kept. All methods belong to one event loop."""

    def __init__(self, settings: JetStreamSettings) -> None:
        self.endpoint = Endpoint(
            url=settings.url,
            ca_file=settings.ca_file,
            thumbprint=settings.thumbprint,
            insecure=settings.insecure,
        )
        self.server = self.endpoint.server
        self._base = settings.url.rstrip("/")
        self._timeout_s, self._parallel = float(settings.timeout), settings.parallel
        self._client: httpx.AsyncClient | None = None

    async def pitr_status(self, domain: str, session_id: str) -> bytes:
        """The body of the answer about a domain. Raises SiteUnreachable, or one of its kinds."""
        if not (session_id.isascii() and session_id.isprintable() and session_id):
            raise SessionRefused("vCenter gave a session id that no request can hold; nothing was asked")
        url = self._base + PATH.format(domain=domain)
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):  # the whole answer: a trickle is none
                status, body = await self._get(await self._connected(), url, session_id)
        except TimeoutError:
            raise SiteUnreachable(
                f"the appliance {self.server} gave no whole answer within {self._timeout_s:g} s; check the"
                " network and that it runs"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise await self._broken(error) from None
        log.debug(
            "pitrstatus of %s answered with %d, %d bytes after %.0f ms",
            domain, status, len(body), 1000 * (time.monotonic() - began),
        )  # fmt: skip
        return body.replace(session_id.encode(), WITHHELD)

    async def _get(self, client: httpx.AsyncClient, url: str, session_id: str) -> tuple[int, bytes]:
        async with client.stream("GET", url, headers={HEADER: session_id}) as response:
            self._refuse(response)
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > LARGEST:
                    raise self._too_large()
            return response.status_code, bytes(body)

    def _refuse(self, response: httpx.Response) -> None:
        """Raise for every answer that is not the one that was asked for."""
        code, here = response.status_code, f"the appliance {self.server}"
        if code in (401, 403):
            raise SessionRefused(
                f"{here} does not accept the vCenter session ({code}); check that it is registered with the"
                " vCenter of the settings, and that the user may use it"
            )
        if code == 404:
            raise DomainUnknown(f"{here} knows no domain of this id (404); correct domains in the settings")
        if code == 429:
            rest_s = _rest(response.headers.get("retry-after", ""))
            raise AskedTooOften(f"{here} is asked too often (429); drdeck asks again later", rest_s)
        if 300 <= code < 400:
            target = _host(response.headers.get("location", ""))
            raise SiteUnreachable(
                f"{here} sends on to {target} ({code}), where the session id is not sent; correct url in the"
                " settings if that is the appliance"
            )
        if code != 200:
            raise SiteUnreachable(f"{here} answers with the error {code}; see its own log")
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise SiteUnreachable(f"{here} answers compressed, which it was not asked for")
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length) > LARGEST:
            raise self._too_large()

    def _too_large(self) -> SiteUnreachable:
        return SiteUnreachable(
            f"the answer of the appliance {self.server} is larger than {show_bytes(LARGEST)} and is not"
            " read; check the url"
        )

    async def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            context = await in_thread(self._context)
            self._client = httpx.AsyncClient(
                verify=context,
                timeout=self._timeout_s,
                follow_redirects=False,
                trust_env=False,  # neither a proxy nor ~/.netrc of whoever started us
                headers={
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": f"drdeck/{__version__}",
                },
                limits=httpx.Limits(
                    max_connections=self._parallel,
                    max_keepalive_connections=self._parallel,
                    keepalive_expiry=KEPT_S,
                ),
            )
        return self._client

    def _context(self) -> ssl.SSLContext:
        context = self.endpoint.context()
        if self.endpoint.thumbprint is not None:
            context.sslobject_class = _pinned(self.endpoint.thumbprint)
        return context

    async def _broken(self, error: Exception) -> SiteError:
        """The error of a request that came to nothing, in one sentence; no text of the request in it."""
        refused = _cause(error, ssl.SSLCertVerificationError)
        if refused is not None:
            return await self._untrusted(refused)
        here = f"the appliance {self.server}"
        if isinstance(error, httpx.TimeoutException):
            return SiteUnreachable(f"{here} does not answer in time; check the network and that it runs")
        if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
            text = f"ca_file {self.endpoint.ca_file} cannot be used: {error.strerror or error}"
            return SiteUnreachable(f"{here} was not asked: {text}")
        tls = _cause(error, ssl.SSLError)
        if tls is not None and "NO_CERTIFICATE" in str(tls.reason or tls):
            text = f"there is no certificate in ca_file {self.endpoint.ca_file}"
            return SiteUnreachable(f"{here} was not asked: {text}")
        if tls is not None:
            return SiteUnreachable(f"{here} does not speak TLS as it should; check the port in url")
        if isinstance(error, httpx.ConnectError):
            return SiteUnreachable(
                f"{here} cannot be reached; check url, the network and that the appliance runs"
            )
        if isinstance(error, httpx.RemoteProtocolError):
            return SiteUnreachable(f"{here} broke its answer off, or it is not HTTP; check the url")
        return SiteUnreachable(f"{here} cannot be asked ({type(error).__name__}); check the network")

    async def _untrusted(self, refused: ssl.SSLCertVerificationError) -> SiteError:
        certificate: Certificate | None = await in_thread(lambda: presented(*self.endpoint.place, _LOOK_S))
        whose = f"the certificate of the appliance {self.server}"
        print_ = f" (SHA-256 {certificate.thumbprint})" if certificate is not None else ""
        if isinstance(refused, NotPinned):
            return CertificateWrong(
                f"{whose}{print_} is not the pinned one, {self.endpoint.thumbprint}; compare it with the"
                " appliance's own before changing the settings"
            )
        text = (
            f"{whose}{print_} is not trusted: {refused.verify_message}; set ca_file to its CA's certificate,"
            " or thumbprint after comparing it with the appliance's own"
        )
        return CertificateUntrusted(text, certificate) if certificate is not None else CertificateWrong(text)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def _pinned(thumbprint: str) -> type[ssl.SSLObject]:
    """TLS that goes on only where the server shows this very certificate."""

    class PinnedObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            print_ = thumbprint_of(self.getpeercert(binary_form=True) or b"")
            if normalise(print_) != normalise(thumbprint):
                raise NotPinned(1, "not the pinned certificate")

    return PinnedObject


def _cause(error: BaseException, kind: type[_E]) -> _E | None:
    """The first error of a kind among those that led to this one."""
    at: BaseException | None = error
    while at is not None and not isinstance(at, kind):
        at = at.__cause__ or at.__context__
    return at


def _rest(text: str) -> float:
    """Seconds of a Retry-After header; 30 where it is a date, or nothing."""
    text = text.strip()
    return min(LONGEST_REST_S, float(text)) if text.isdecimal() and len(text) < 10 else 30.0


def _host(location: str) -> str:
    try:
        host = urlsplit(location).hostname
    except ValueError:
        host = None
    return brief(clean(host)) if host else "another place"
