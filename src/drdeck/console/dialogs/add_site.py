"""Add a vCenter site: a form, a test of the connection, and a word about a certificate met first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from drdeck.console.format import Line, left, wrap
from drdeck.console.widgets.controls import Push, Tick
from drdeck.console.widgets.input_field import Field
from drdeck.console.widgets.text_lines import Lines
from drdeck.controller.ipc.client import ControllerError, UnknownCertificate

from .confirmation import Confirm
from .dialog import CANCEL, NEXT, PRESS, Dialog

AddSite = Callable[[dict[str, Any]], Awaitable[str]]
FIELDS = (
    ("name", "Name of the site", "such as dr-west"),
    ("url", "vCenter address", "such as https://vcsa.example/sdk"),
    ("username", "User name", "such as drdeck@vsphere.local"),
    ("root", "Folder of the domains", "such as /DC0/vm/drdeck"),
    ("ca_file", "CA file (optional)", "of a private certificate authority"),
    ("thumbprint", "SHA-256 (optional)", "of the certificate, instead of a CA file"),
    ("password", "Password", "for this test only; drdeck keeps none"),
    ("protected_url", "Protected vCenter", "optional: for regular and planned failovers"),
    ("protected_username", "  its user name", "optional: as above"),
    ("protected_root", "  its folder", "optional: such as /DC0/vm/prod"),
    ("network", "All networks lead to", "optional: where no other is chosen"),
)
NEEDED = ("name", "url", "username", "root")
INSECURE = "Do not check the certificate (warned of on every screen)"
HINT = "tab: next field. Written only if it answers. PITR: later, per domain"
_LABEL = 23


class AddSiteDialog(Dialog[str]):
    """Answers with what was done, once the site answered and was written into the settings."""

    AUTO_FOCUS = "#name"
    GUARD = False

    class Failed(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, add: AddSite) -> None:
        super().__init__("Add a vCenter site")
        self._add = add
        self._busy = False

    def body(self) -> Iterable[Widget]:
        for name, label, hint in FIELDS:
            yield Horizontal(
                Lines(((left(label, _LABEL), "head"),), classes="form-label"),
                Field(id=name, placeholder=hint, password=name == "password"),
                classes="row",
            )
        yield Tick(INSECURE, id="insecure")
        yield Lines((), ((HINT, "dim"),), id="said")

    def buttons(self) -> Iterable[Push]:
        yield Push("Cancel", id="cancel")
        yield Push("Test and add", id="add")

    def keys(self) -> list[tuple[str, str]]:
        if isinstance(self.focused, Tick):
            return [("space", "Tick"), NEXT, CANCEL]
        return [("enter", "Go on") if isinstance(self.focused, Input) else PRESS, NEXT, CANCEL]

    @property
    def answers(self) -> dict[str, Any]:
        """The fields' texts; only the password is taken as it is."""
        typed: dict[str, Any] = {
            name: field.value if name == "password" else field.value.strip()
            for name, _, _ in FIELDS
            for field in (self.query_one(f"#{name}", Input),)
        }
        return {**typed, "insecure": self.query_one(Tick).value}

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on; from the last field to the button."""
        event.stop()
        if event.input.id == "password":
            self.query_one("#add", Push).focus()
        else:
            self.focus_next()

    def pressed(self, push: Push) -> None:
        if self._busy:
            return
        answers = self.answers
        lacking = next((name for name in NEEDED if not answers[name]), None)
        if lacking is not None:
            label = next(label for name, label, _ in FIELDS if name == lacking)
            self._say(f"{label} is missing", "bad")
            self.say_where_low(f"{label} is missing")
            self.query_one(f"#{lacking}", Input).focus()
            return
        self._busy = True
        self._say("asking the site ...", "dim")
        self.run_worker(self._try(answers), group="add", exclusive=True)

    async def _try(self, answers: dict[str, Any]) -> None:
        try:
            try:
                done = await self._add(answers)
            except UnknownCertificate as met:
                if answers["ca_file"] or answers["thumbprint"] or not await self._pins(met, answers["url"]):
                    raise
                thumbprint = met.certificate.thumbprint
                done = await self._add({**answers, "thumbprint": thumbprint, "insecure": False})
        except ControllerError as error:
            self.post_message(self.Failed(str(error)))
        else:
            self.dismiss(done)

    async def _pins(self, met: UnknownCertificate, url: str) -> bool:
        about, sha, what_to_do = met.says(url)
        half = len(sha) // 2 + 1  # broken between two bytes, so that it can be compared
        says = (about, f"{sha[:half]}\n{sha[half:]}", what_to_do)
        dialog = Confirm("Unknown certificate", says, "Trust this certificate")
        agreed: bool | None = await self.app.push_screen_wait(dialog)
        return bool(agreed)

    def on_add_site_dialog_failed(self, event: Failed) -> None:
        self._busy = False
        self._say(event.text, "bad")
        self.query_one("#add", Push).focus()
        self.call_after_refresh(self.query_one("#said").scroll_visible, animate=False)

    def _say(self, text: str, style: str) -> None:
        lines: list[Line] = [((part, style),) for part in wrap(text, self.text_width)]
        self.query_one("#said", Lines).put([(), *lines])
