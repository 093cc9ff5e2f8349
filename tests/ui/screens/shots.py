"""Screens as they stood, and what they are drawn in."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style

from drdeck.config.settings import ConsoleSettings


@dataclass(frozen=True)
class Look:
    """What the screens are drawn in."""

    name: str
    theme: str
    locale: str = "en_US.UTF-8"

    @property
    def settings(self) -> ConsoleSettings:
        return ConsoleSettings(theme="mono" if self.theme == "mono" else "dark")


DARK, MONO, ASCII = Look("dark", "dark"), Look("mono", "mono"), Look("ascii", "dark", "C")
LOOKS = {look.name: look for look in (DARK, MONO, ASCII)}


@dataclass(frozen=True)
class Shot:
    """One screen as it stood: for each row its runs of text with their styles, and the same as a picture."""

    name: str
    rows: tuple[tuple[tuple[str, Style], ...], ...]
    svg: str

    @property
    def lines(self) -> list[str]:
        return ["".join(text for text, _ in row) for row in self.rows]

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)

    @property
    def words(self) -> str:
        """The text with frames and line breaks taken out."""
        return words_of(self.text)


def words_of(text: str) -> str:
    return " ".join(text.replace("│", " ").replace("|", " ").split())
