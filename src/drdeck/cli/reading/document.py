"""A report as Markdown, which a person can read as it is, or as one page of HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import NamedTuple

from drdeck.model.text import clean


class Heading(NamedTuple):
    """The heading of a section."""

    text: str


class Paragraph(NamedTuple):
    """A paragraph of words."""

    text: str


class Table(NamedTuple):
    """Rows below a head; without a row nothing of it is written, its heading neither."""

    heading: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


Block = Heading | Paragraph | Table
_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #999;padding:.25em .5em;text-align:left;vertical-align:top}"
    "@media print{body{margin:0;max-width:none}}"
)


def markdown(title: str, blocks: Iterable[Block]) -> Iterator[str]:
    """Lines of Markdown."""
    yield f"# {clean(title)}"
    for block in blocks:
        match block:
            case Heading(text):
                yield from ("", f"## {clean(text)}")
            case Paragraph(text):
                yield from ("", clean(text))
            case Table(heading, head, rows):
                yield from table_lines(heading, head, rows)


def table_lines(heading: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A table of Markdown below its heading; nothing where it has no row."""
    lines = ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]
    if lines:
        yield from (
            "",
            f"## {clean(heading)}",
            "",
            f"| {' | '.join(head)} |",
            "|" + "---|" * len(head),
            *lines,
        )


def html(title: str, blocks: Iterable[Block]) -> Iterator[str]:
    """Lines of an HTML page."""
    yield "<!DOCTYPE html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>'
    yield f"<style>{_STYLE}</style></head><body>"
    yield f"<h1>{_text(title)}</h1>"
    for block in blocks:
        match block:
            case Heading(text):
                yield f"<h2>{_text(text)}</h2>"
            case Paragraph(text):
                yield f"<p>{_text(text)}</p>"
            case Table(heading, head, rows) if rows:
                yield f"<h2>{_text(heading)}</h2>"
                yield "<table><tr>" + "".join(f"<th>{_text(name)}</th>" for name in head) + "</tr>"
                for row in rows:
                    yield "<tr>" + "".join(f"<td>{_text(value) or '-'}</td>" for value in row) + "</tr>"
                yield "</table>"
    yield "</body></html>"


def _cell(value: object) -> str:
    return clean(str(value)).replace("|", "\\|") or "-"


def _text(value: str) -> str:
    return escape(clean(value))
