"""Valid things made invalid: nasty values, and the trees and bytes that they are put into."""

from __future__ import annotations

import json
import os
import random
import re
from typing import Any

TIMES = int(os.environ.get("DRDECK_FUZZ", "1"))
"""How many times as long as usual the fuzzing goes on; DRDECK_FUZZ=50 takes minutes."""
SEED = int(os.environ.get("DRDECK_FUZZ_SEED", "20260116"))

TEXTS = (
    "", " ", "\x00", "a\x00b", "\x1b[2J\x1b]0;owned\x07", "[red]x[/red]", "two\nlines\r\n", "\ufeff", "*",
    "\u202eevil\u2066", "zero\u200bwidth", "\U0001f4a5" * 50, "x" * 5000, "x" * 201, "'; DROP TABLE x; --",
    "../../../etc/passwd", "/dev/zero", "nan", "-inf", "1e999", "null", "true", "-1", "0", "9" * 400, "10:42",
    "2026-01-16T22:00:00Z", "2026-01-16T22:00:00", "2026-01-16", "2026-02-30T00:00:00Z", "-15m", "3d", "0s",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "2016-12-31T23:59:60Z", "1h1h1h",
    "99999999999999d", "é" * 100, "%s%n{0}", "日本語", "{}", "[]", "\\", '"', "[!",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 3, 7, 65_535, 2**31, 2**53, 2**53 + 1, 2**63, 2**64, -(2**63), 10**30, 10**400, 0.0, -0.0,
    0.5, 1e-300, 1e18, 1e308, -1e308,
)  # fmt: skip
OTHERS: tuple[Any, ...] = (
    None,
    True,
    False,
    [],
    {},
    [[]],
    [None],
    {"": {}},
    {"kind": "training"},
    [1, "2", {}],
)


class Raw(str):
    """Text that is no JSON, to stand where a value stands."""


RAW = (
    Raw("NaN"), Raw("Infinity"), Raw("-Infinity"), Raw("1e999"), Raw("01"), Raw("+1"), Raw("'x'"), Raw(""),
    Raw("{"), Raw("}"),
    Raw('"\\ud800"'), Raw('"\\x41"'), Raw('"unterminated'), Raw("9" * 5000), Raw("[" * 3000),
    Raw('{"a":1,"a":2}'), Raw("/**/1"),
)  # fmt: skip


TOML_VALUES = (
    "nan", "inf", "-inf", "true", "-1", "0", "1", "0.5", "1e308", "1e-308", "1e400", "[]", "{}", "[[]]", "*",
    "9" * 5000, f"0x{'f' * 2000}", str(2**63), str(2**63 - 1), str(-(2**63)), "[1, 'a', {}]", '""', '" "',
    "1979-05-27T07:32:00", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59Z", "{ a = { a = { a = 1 } } }", "[" * 2000 + "]" * 2000, "[" * 60 + "]" * 60,
    '"\\u0000"', '"\\u202e\\u001b[2J[red]"', "'''\nx\n'''", '"99999999999999d"', '"1e9d"', '"0.0000001s"',
    f'"{"9" * 400}d"', f'"{"x" * 100_000}"', f'["{"[" * 5000}"]', '["a", "a"]', f"[{'1,' * 20_000}]",
    '"https://[::1"', '"https://vcsa:99999/sdk"', '"//"', '"../../.."', '"/dev/zero"',
)  # fmt: skip
TOML_LINES = (
    "[a.b.c]", "[[domains]]", "[sites]", "[[sites]]", "a.b.c = 1", '"" = 1', '"\\u0000" = 1', "'x y' = 2",
    "x", "= 1", "[", "]]",
    '[sites."\\u202e"]', "[sites.dr-west]", '[sites.dr-west.domains."[red]\\u001b"]', "\x00",
    f"[[{'a.' * 500}b]]", f"{'k' * 100_000} = 1", f"[{' ' * 50_000}x", "\ufeff", "# \u2028 = 1",
)  # fmt: skip


class Mutator:
    """Makes variants of what it is given; the same ones for the same seed."""

    def __init__(self, seed: int = SEED) -> None:
        self.random = random.Random(seed)

    def value(self) -> Any:
        """Something that hardly belongs where it is put."""
        roll = self.random.random()
        if roll < 0.5:
            return self.random.choice(TEXTS)
        if roll < 0.8:
            return self.random.choice(NUMBERS)
        if roll < 0.97:
            return self.random.choice(OTHERS)
        return self.deep(self.random.randint(1, 400))

    def deep(self, depth: int) -> Any:
        tree: Any = 1
        for _ in range(depth):
            tree = [tree] if self.random.random() < 0.5 else {"a": tree}
        return tree

    def tree(self, tree: Any, keys: tuple[str, ...]) -> Any:
        """A copy with one thing changed: a value, a key, an element more or less."""
        tree = json.loads(json.dumps(tree))
        at, place = self._place(tree)
        roll = self.random.random()
        if isinstance(at, dict):
            if roll < 0.1:
                at.pop(place)
            elif roll < 0.2:
                at[self.random.choice((*keys, *TEXTS[:12]))] = self.value()
            elif roll < 0.25:
                at[self.random.choice(keys)] = at.pop(place)
            else:
                at[place] = self.value()
        elif roll < 0.2:
            at.pop(place)
        elif roll < 0.4:
            at.extend([at[place]] * self.random.choice((1, 2, 300)))
        else:
            at[place] = self.value()
        return tree

    def _place(self, tree: Any) -> tuple[Any, Any]:
        """A container somewhere in a tree and a key or index in it."""
        places: list[tuple[Any, Any]] = []

        def walk(node: Any) -> None:
            inner = node.items() if isinstance(node, dict) else enumerate(node)
            for key, value in list(inner):
                places.append((node, key))
                if isinstance(value, dict | list):
                    walk(value)

        walk(tree)
        return self.random.choice(places)

    def json(self, tree: Any) -> bytes:
        """A tree as JSON, sometimes with a value that is none."""
        text = json.dumps(tree, allow_nan=True, ensure_ascii=self.random.random() < 0.5)
        if self.random.random() < 0.1:
            spot = text.find(":", self.random.randrange(len(text)))
            if spot > 0:
                text = (
                    text[: spot + 1]
                    + self.random.choice(RAW)
                    + text[spot + 1 :].lstrip('" ').partition(",")[2]
                )
        return text.encode("utf-8", "surrogatepass")

    def bytes(self, data: bytes) -> bytes:
        """Bytes damaged as on a bad disk or by a bad editor."""
        if not data:
            return b"\xff"
        at = self.random.randrange(len(data))
        end = min(len(data), at + self.random.choice((1, 2, 10, 80)))
        match self.random.randrange(6):
            case 0:
                return data[:at]
            case 1:
                return data[:at] + data[end:]
            case 2:
                return data[:at] + data[at:end] * self.random.choice((2, 3, 50)) + data[end:]
            case 3:
                noise = bytes(self.random.randrange(256) for _ in range(end - at))
                return data[:at] + noise + data[end:]
            case 4:
                return data[:at] + self.random.choice(TEXTS).encode() + data[end:]
            case _:
                flipped = data[at] ^ (1 << self.random.randrange(8))
                return data[:at] + bytes([flipped]) + data[at + 1 :]

    def toml(self, text: str) -> str:
        """A TOML text with one to three lines changed, put in, or left out."""
        lines = text.splitlines()
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            number = self.random.randrange(len(lines))
            lines[number : number + 1] = self._line(lines[number])
            lines = lines or [""]
        return "\n".join(lines)

    def _line(self, line: str) -> list[str]:
        roll = self.random.random()
        if roll < 0.6 and "=" in line:
            match = self.random.choice(list(re.finditer(r"=\s*([^,{}]+)", line)) or [None])
            if match is None:
                return [line.partition("=")[0] + "= " + self.random.choice(TOML_VALUES)]
            return [line[: match.start(1)] + self.random.choice(TOML_VALUES) + " " + line[match.end(1) :]]
        if roll < 0.7:
            return [line, line]
        if roll < 0.78:
            return []
        if roll < 0.85:
            return [self.random.choice(TOML_LINES), line]
        if roll < 0.92:
            return [line[: self.random.randrange(len(line) + 1)]]
        return [self.bytes(line.encode()).decode("utf-8", "replace")]
