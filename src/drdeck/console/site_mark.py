"""The mark of a site in the top line: a label and a colour, so that the dangerous place is the loud one."""

from __future__ import annotations

from typing import NamedTuple


class SiteMark(NamedTuple):
    """`label` stands in place of the site's name; `colour`: one of the colours of the settings, or empty."""

    label: str = ""
    colour: str = ""

    @property
    def style(self) -> str:
        """The name of the drawn style; empty: that of the line."""
        return f"site-{self.colour}" if self.colour else ""


UNMARKED = SiteMark()
