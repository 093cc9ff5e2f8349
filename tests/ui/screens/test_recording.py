"""The recording of the flow: in a terminal, and as a picture that moves."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pyte

from tests.ui.screens.chapters import CHAPTERS, RECORDING
from tests.ui.screens.plays_flow import FRAMES
from tests.ui.screens.recording import SHOWN_S, animation, asciicast
from tests.ui.screens.shots import DARK, Shot

CAPTION = "m: the menu"


async def password_shots(home: Path) -> list[tuple[Shot, str]]:
    """Two screens of one chapter, with captions."""
    names = ("password", "domains-password")
    shots = await CHAPTERS["password"].run(home / "stage", DARK, frozenset(names))
    return [(shots[name], f"{CAPTION} {name}") for name in names]


async def test_a_terminal_shows_each_screen_and_its_caption(tmp_path: Path) -> None:
    shots = await password_shots(tmp_path)
    header, *events = [json.loads(line) for line in asciicast(shots).splitlines()]
    assert header["version"] == 2 and [at for at, _, _ in events] == [0, SHOWN_S, 2 * SHOWN_S]
    terminal = pyte.Screen(header["width"], header["height"])
    stream = pyte.Stream(terminal)
    for (_, kind, text), (shot, caption) in zip(events, shots, strict=False):
        stream.feed(text)
        *rows, last = [line.rstrip() for line in terminal.display]
        assert kind == "o" and "\n".join(rows) == shot.text and last == f" {caption}"
    assert any(terminal.buffer[0][column].bg not in ("default", "000000") for column in range(80)), "colours"


async def test_a_picture_shows_one_after_the_other(tmp_path: Path) -> None:
    shots = await password_shots(tmp_path)
    root = ElementTree.fromstring(animation(shots))
    frames = [node for node in root if node.get("class") == "frame"]
    assert [frame.get("style") for frame in frames] == ["animation-delay: 0s", f"animation-delay: {SHOWN_S}s"]
    for frame, (_, caption) in zip(frames, shots, strict=True):
        assert caption in "".join(frame.itertext())
    identifiers = [node.get("id") for node in root.iter() if node.get("id")]
    assert identifiers and len(identifiers) == len(set(identifiers)), "one frame's names are not another's"


def test_the_page_shows_what_is_made() -> None:
    folder = Path(__file__).parents[3] / "screenshots"
    assert "(flow.svg)" in (folder / "README.md").read_text() and "screenshots/flow.svg" in (
        (folder.parent / "README.md").read_text()
    )
    assert set(FRAMES) == set(RECORDING.shots)
    assert all(f"terminal-{name}-" in (folder / "flow.svg").read_text() for name in FRAMES)
