"""Private CAs are believed alike, whatever the Python that runs drdeck wants by itself (register F17)."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from drdeck.sites.vsphere.vcenter.connection import Endpoint

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl makes the certificates")
HOST = "vcsa.dr.example"
CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
LEAF = f"subjectAltName=DNS:{HOST}\nauthorityKeyIdentifier=keyid\n"


class Authority:
    """Makes certificates under a directory by openssl."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def make(self, name: str, extensions: str, by: str | None = None) -> Path:
        """A key and certificate of this name, signed by itself or by another."""
        key, request, config, pem = (self.directory / f"{name}.{end}" for end in ("key", "csr", "cnf", "pem"))
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self._run("req", *new, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        config.write_text(extensions)
        signer: list[str | Path] = ["-signkey", key]
        if by is not None:
            signer = ["-CA", self.directory / f"{by}.pem", "-CAkey", self.directory / f"{by}.key"]
            signer += ["-CAcreateserial"]
        self._run("x509", "-req", "-days", "36500", "-in", request, *signer, "-extfile", config, "-out", pem)
        return pem

    def _run(self, *words: str | Path) -> None:
        subprocess.run([str(OPENSSL), *map(str, words)], check=True, capture_output=True)


def sound(authority: Authority) -> Path:
    ca = authority.make("ca", CA)
    authority.make("leaf", LEAF, by="ca")
    return ca


def without_key_identifier(authority: Authority) -> Path:
    ca = authority.make("ca", CA)
    authority.make("leaf", f"subjectAltName=DNS:{HOST}\nauthorityKeyIdentifier=none\n", by="ca")
    return ca


def constraints_not_critical(authority: Authority) -> Path:
    """A sibling that nobody named: the usual slip of hand-made CAs."""
    ca = authority.make("ca", CA.replace("critical,", ""))
    authority.make("leaf", LEAF, by="ca")
    return ca


def only_the_intermediate(authority: Authority) -> Path:
    """A sibling the other way round: 3.13 believes it by itself, 3.11 wants the root."""
    authority.make("root", CA)
    between = authority.make("ca", CA, by="root")
    authority.make("leaf", LEAF, by="ca")
    return between


def only_the_servers_own(authority: Authority) -> Path:
    authority.make("ca", CA)
    return authority.make("leaf", LEAF, by="ca")


def another_ca(authority: Authority) -> Path:
    authority.make("ca", CA)
    authority.make("leaf", LEAF, by="ca")
    return authority.make("other", CA)


STRICT = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN


@pytest.mark.parametrize("flags", [ssl.VERIFY_X509_TRUSTED_FIRST, STRICT], ids=["as 3.11", "as 3.13"])
@pytest.mark.parametrize(
    ("way", "believed"),
    [
        (sound, True), (without_key_identifier, True), (constraints_not_critical, True),
        (only_the_intermediate, True), (only_the_servers_own, True), (another_ca, False),
    ],
)  # fmt: skip
def test_believed_alike(
    way: Callable[[Authority], Path],
    believed: bool,
    flags: ssl.VerifyFlags,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ca_file = way(Authority(tmp_path))
    usual = ssl.create_default_context

    def of_that_python(*, cafile: str | None = None) -> ssl.SSLContext:
        context = usual(cafile=cafile)
        context.verify_flags = flags
        return context

    monkeypatch.setattr(ssl, "create_default_context", of_that_python)
    monkeypatch.setattr("drdeck.sites.vsphere.vcenter.endpoint.refuse_strangers", lambda path: None)
    client = Endpoint(url=f"https://{HOST}/sdk", ca_file=str(ca_file)).context()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "leaf.pem", tmp_path / "leaf.key")
    if believed:
        shake_hands(client, server)
    else:
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(client, server)


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    """A TLS handshake in memory. Raises what the client raises."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(back, there, server_hostname=HOST)
    theirs = server.wrap_bio(there, back, server_side=True)
    for _ in range(6):
        done = 0
        for side in (ours, theirs):
            try:
                side.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                pass
        if done == 2:
            return
    raise AssertionError("the handshake did not end")
