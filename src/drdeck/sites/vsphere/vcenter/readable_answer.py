"""A vCenter's answer as XML that a parser takes: decompressed, and without the characters that XML forbids.

Names, annotations and events can hold them, for whoever wrote them went another way than this API. One of
them makes the parser refuse the whole answer, and with it the whole site.
"""

from __future__ import annotations

import codecs
import re
import zlib
from http.client import HTTPException, HTTPResponse
from typing import Any

from drdeck.model.text import in_xml

_PIECE = 65536
"""Bytes that are read at once; the parser asks for 2048 at a time."""
_REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,8}));")
_LONGEST_REFERENCE = 16
"""Characters of a reference that may be cut by the end of a piece."""
_FORBIDDEN = bytes(code for code in range(0x20) if code not in b"\t\n\r")
"""What XML forbids of ASCII."""
_EITHER = zlib.MAX_WBITS + 32
"""Tells zlib to see for itself whether a stream is gzip's or its own: proxies call either "deflate"."""


class ReadableAnswer:
    """Takes the place of an HTTPResponse for pyVmomi's parser; reads what is needed of it, up to its end.

    `replaced`: the characters that were replaced so far. Raises HTTPException where the compression is
    broken, and what the response raises.
    """

    def __init__(self, response: HTTPResponse) -> None:
        self._response = response
        self.status, self.reason, self.replaced = response.status, response.reason, 0
        encoding = (response.getheader("Content-Encoding") or "identity").lower()
        self._unzip: Any = zlib.decompressobj(_EITHER) if encoding in ("gzip", "deflate") else None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._cut = ""
        """the beginning of a reference whose end has not been read"""
        self._ready, self._at, self._ended = b"", 0, False

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """A header of the answer; it is not compressed any more."""
        if name.lower() == "content-encoding":
            return default
        return self._response.getheader(name, default)

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes of readable XML, fewer than that only at the end; -1: all of the rest."""
        pieces, missing = [], size
        while missing != 0:
            if self._at == len(self._ready):
                if self._ended:
                    break
                self._ready, self._at = self._next(), 0
                continue
            piece = self._ready[self._at : self._at + missing] if size >= 0 else self._ready[self._at :]
            self._at += len(piece)
            missing -= len(piece) if size >= 0 else 0
            pieces.append(piece)
        return b"".join(pieces)

    def _next(self) -> bytes:
        data = self._response.read(_PIECE)
        self._ended = not data
        if self._unzip is not None:
            try:
                data = self._unzip.flush() if self._ended else self._unzip.decompress(data)
            except zlib.error as error:
                raise HTTPException(f"the answer's compression is broken ({error})") from None
        if self._is_plain(data):
            return data
        text = self._cut + self._decoder.decode(data, self._ended)
        self._cut = ""
        begin = text.rfind("&", -_LONGEST_REFERENCE)
        if not self._ended and begin >= 0 and ";" not in text[begin:]:
            text, self._cut = text[:begin], text[begin:]
        return self._readable(text).encode()

    def _is_plain(self, data: bytes) -> bool:
        """Tell quickly of a piece that nothing in it needs to be replaced: nearly always so."""
        return (
            data.isascii()
            and not (self._cut or self._decoder.getstate()[0])
            and b"&#" not in data
            and b"&" not in data[-_LONGEST_REFERENCE:]
            and len(data.translate(None, _FORBIDDEN)) == len(data)
        )

    def _readable(self, text: str) -> str:
        if "&#" in text:
            text = _REFERENCE.sub(self._checked_reference, text)
        text, count = in_xml(text)
        self.replaced += count
        return text

    def _checked_reference(self, match: re.Match[str]) -> str:
        code = int(match[1], 16) if match[1] else int(match[2])
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            self.replaced += 1
            return "\ufffd"
        char = chr(code)
        # an allowed one stays a reference: it may be a "<"
        return match[0] if in_xml(char)[1] == 0 else char
