"""Answers made readable: every text comes through, however it is cut into pieces and compressed."""

from __future__ import annotations

import gzip
import io
import zlib
from http.client import HTTPException
from typing import Any, cast
from xml.etree import ElementTree
from xml.parsers.expat import ParserCreate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drdeck.sites.vsphere.vcenter.readable_answer import ReadableAnswer


class _Response:
    """As http.client has it; gives at most `most` bytes at once."""

    status, reason = 200, "OK"

    def __init__(self, data: bytes, encoding: str | None = None, most: int = 65536) -> None:
        self._data, self._encoding, self._most = io.BytesIO(data), encoding, most

    def getheader(self, name: str, default: str | None = None) -> str | None:
        headers = {"content-encoding": self._encoding, "set-cookie": "a=b"}
        return headers.get(name.lower()) or default

    def read(self, size: int) -> bytes:
        return self._data.read(min(size, self._most))


def _answer(data: bytes, encoding: str | None = None, most: int = 65536) -> ReadableAnswer:
    return ReadableAnswer(cast(Any, _Response(data, encoding, most)))


def _text(data: bytes, encoding: str | None = None, most: int = 65536) -> str:
    """The text of the root element, by the parser that pyVmomi uses."""
    pieces: list[str] = []
    parser = ParserCreate()
    parser.CharacterDataHandler = pieces.append
    parser.ParseFile(_answer(data, encoding, most))
    return "".join(pieces)


FORBIDDEN = [
    (b"a\x01b", "a␁b"),
    (b"a\x00\x1fb", "a␀␟b"),
    (b"a&#1;b&#x1B;", "a␁b␛"),
    (b"a&#1; and far from the end", "a␁ and far from the end"),
    (b"&#xFFFF;&#xD800;&#x110000;&#55555555;", "����"),
    (b"\xef\xbf\xbe\xed\xa0\x80|", None),
    (b"\xffab\xc3", None),
    (b"a&#10;&#9;&#x3C;&amp;&lt;&#x1F600;", "a\n\t<&<😀"),
    ("Prüfung 日本 \x7f\x85".encode(), "Prüfung 日本 \x7f\x85"),
]


@pytest.mark.parametrize(("written", "read"), FORBIDDEN)
@pytest.mark.parametrize("encoding", [None, "gzip", "deflate"])
@pytest.mark.parametrize("most", [1, 3, 65536])
def test_forbidden_characters(written: bytes, read: str | None, encoding: str | None, most: int) -> None:
    data = b'<?xml version="1.0" encoding="UTF-8"?>\n<a>' + written + b"</a>"
    packed = {None: data, "gzip": gzip.compress(data), "deflate": zlib.compress(data)}[encoding]
    text = _text(packed, encoding, most)
    assert text == read if read is not None else "�" in text


@given(st.binary(max_size=300), st.integers(1, 40))
def test_no_bytes_break_the_parser(noise: bytes, most: int) -> None:
    """Whatever stands where a text stands, as long as it opens no tag and no entity."""
    data = b"<a>" + noise.replace(b"<", b"").replace(b"]", b"").replace(b"&", b"&#12;") + b"</a>"
    assert _text(data, None, most) == _text(data)


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.integers(1, 30), st.booleans())
def test_what_is_allowed_is_not_changed(text: str, most: int, packed: bool) -> None:
    element = ElementTree.Element("a")
    element.text = "".join(c for c in text if c >= " " and c not in "\ufffe\uffff")
    data = ElementTree.tostring(element, "utf-8")
    answer = _answer(gzip.compress(data) if packed else data, "gzip" if packed else None, most)
    assert answer.read() == data and answer.replaced == 0


def test_sizes_and_headers() -> None:
    answer = _answer(gzip.compress(b"<a>\x01</a>"), "gzip")
    assert answer.getheader("Content-Encoding", "identity") == "identity"
    assert answer.getheader("Set-Cookie") == "a=b"
    pieces = [answer.read(4), answer.read(4), answer.read(), answer.read(4)]
    assert [len(piece) for piece in pieces] == [4, 4, 2, 0]
    assert b"".join(pieces).decode() == "<a>␁</a>" and answer.replaced == 1


def test_broken_compression_is_said() -> None:
    with pytest.raises(HTTPException, match="compression"):
        _answer(b"no gzip at all", "gzip").read()
