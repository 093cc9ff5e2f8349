"""A report in two forms: what others wrote stays text in both."""

from __future__ import annotations

from drdeck.cli.reading.document import Block, Heading, Paragraph, Table, html, markdown

NASTY = "<b>a|b</b>\x1b[2J\nnext & last"
BLOCKS: list[Block] = [
    Heading(NASTY),
    Paragraph(NASTY),
    Table("T", ("A", "B"), [(NASTY, "")]),
    Table("E", ("A",), []),
]


def test_markdown_is_a_line_a_row_and_has_no_control() -> None:
    lines = list(markdown(NASTY, BLOCKS))
    assert all(line.isprintable() for line in lines)
    (row,) = [line for line in lines if line.startswith("| <b>")]
    assert row.count("|") == 4 and "a\\|b" in row and row.endswith("| - |")
    assert not any("## E" in line for line in lines)


def test_html_holds_no_markup_of_others() -> None:
    page = "\n".join(html(NASTY, BLOCKS))
    assert "<b>" not in page and "\x1b" not in page and "&lt;b&gt;a|b&lt;/b&gt;" in page
    assert page.count("<table>") == page.count("</table>") == 1
