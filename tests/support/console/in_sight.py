"""What of a screen can be seen: whether the focus and the buttons of a dialog are on it."""

from __future__ import annotations

from typing import Any

from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget

from drdeck.console.dialogs.dialog import Dialog
from drdeck.console.widgets.controls import Push
from drdeck.console.widgets.screen_frame import KeyLine


def visible(widget: Widget) -> Region:
    """The part of a widget that is on the screen: within all that it stands in, and above the last line."""
    part = widget.region
    for outer in widget.ancestors:
        if isinstance(outer, Widget):
            part = part.intersection(outer.region)
    return part


def focus_unseen(screen: Screen[Any]) -> list[str]:
    """The focus, where nothing of it is on the screen."""
    last = screen.query_one(KeyLine).region
    focused = screen.focused
    in_sight = focused is not None and visible(focused).area and not visible(focused).overlaps(last)
    return [] if in_sight else [f"the focus, {focused}"]


def unseen_in(dialog: Dialog[Any]) -> list[str]:
    """Buttons that are not whole on the screen, and the focus where nothing of it is."""
    last = dialog.query_one(KeyLine).region
    unseen = []
    for push in dialog.query(Push):
        if push.display and push.parent is not None and push.parent.display:
            part = visible(push)
            if part != push.region or part.height != 1 or part.overlaps(last):
                unseen.append(f"[ {push.label} ]")
    return unseen + focus_unseen(dialog)
