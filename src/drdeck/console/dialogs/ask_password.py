"""The site's password: asked for here, handed to the controller, kept nowhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from drdeck.console.format import wrap
from drdeck.console.state import State
from drdeck.console.widgets.controls import Push
from drdeck.console.widgets.input_field import Field
from drdeck.console.widgets.text_lines import Lines
from drdeck.controller.ipc.client import ControllerError
from drdeck.model.passwords import PROTECTED, Password, PasswordWanted

from .dialog import CANCEL, NEXT, PRESS, Dialog, paragraph


class PasswordDialog(Dialog[bool]):
    """Answers True once the controller took the password."""

    AUTO_FOCUS = "#password"

    class Rejected(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, site: str, need: PasswordWanted, send: Callable[[str], Awaitable[None]]) -> None:
        where = "the protected site of " if need.of == PROTECTED else ""
        super().__init__(f"Password for {where}{site}")
        self._need, self._send = need, send

    @property
    def of(self) -> str:
        """The site, or its protected site, that wants the password."""
        return self._need.of

    def take(self, state: State) -> None:
        """Somebody else may have given it meanwhile."""
        listing = state.listing
        if listing is not None and state.lost is None and not any(w.of == self.of for w in listing.passwords):
            self.dismiss(True)

    def body(self) -> Iterable[Widget]:
        if self._need.why:
            yield paragraph(self._need.why)
        whose = f" of {self._need.user}" if self._need.user else ""
        place = f" at {self._need.address}" if self._need.address else ""
        yield paragraph(f"The password{whose}{place} is kept in the controller's memory only.")
        yield Field(id="password", password=True)
        yield Lines((), id="refused")

    def buttons(self) -> Iterable[Push]:
        yield Push("Cancel", id="cancel")
        yield Push("Log in", id="login")

    def keys(self) -> list[tuple[str, str]]:
        return [("enter", "Log in") if isinstance(self.focused, Input) else PRESS, NEXT, CANCEL]

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._login()

    def pressed(self, push: Push) -> None:
        self._login()

    def _login(self) -> None:
        password = Password(self.query_one(Input).value)
        if password:
            self.run_worker(self._sending(password), group="login", exclusive=True)

    async def _sending(self, password: Password) -> None:
        try:
            await self._send(password)
        except ControllerError as error:
            self.post_message(self.Rejected(str(error)))
        else:
            self.dismiss(True)

    def on_password_dialog_rejected(self, event: Rejected) -> None:
        field = self.query_one(Input)
        field.value = ""
        field.focus()
        self.query_one("#refused", Lines).put(
            [((text, "bad"),) for text in wrap(event.text, self.text_width)]
        )
