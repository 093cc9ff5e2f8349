"""Messages between consoles and controller: one JSON object a line, over a Unix socket."""

import functools
import re
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec

from drdeck.controller.journal.operations import OperationView
from drdeck.model.actions.confirming import Preview, Rehearsal
from drdeck.model.actions.request import Name, Request
from drdeck.model.alarms import Finding
from drdeck.model.domains import Domain
from drdeck.model.frozen import Frozen
from drdeck.model.passwords import OWN, PasswordWanted
from drdeck.model.pitr import Points
from drdeck.model.plans.run_views import RunView
from drdeck.model.views import SiteClock

from .message_base import Call as Call
from .message_base import Message as Message
from .message_base import Number, Word
from .plan_messages import (
    CommonInstantAnswer,
    OperationsAnswer,
    PlanAsk,
    PlanCheckAnswer,
    PlanRun,
    PlansAnswer,
    RunAnswerAll,
    RunBegun,
    RunChange,
    RunExit,
    RunExitsAnswer,
    RunPitr,
    RunPointsAnswer,
    RunsAnswer,
    RunStatusAnswer,
)

VERSION = 1
MAX_LINE = 64 * 1024 * 1024
"""Bytes of one message from the controller (10,000 VMs in detail take some 5 MB)."""
MAX_REQUEST = 1024 * 1024
"""Bytes of one message to the controller; longer ones end the connection."""


class Hello(Message, frozen=True, kw_only=True, tag="hello"):
    """First message of a client. `who` is user@host of the person, `kind` console or cli."""

    version: Number
    who: str
    kind: Literal["cli", "console"] = "cli"


class Subscribe(Message, frozen=True, kw_only=True, tag="subscribe"):
    """From now on send `Listing` (and `Detail` of the one `domain`) whenever they change."""

    listing: bool = True
    domain: Name | None = None


class Submit(Call, frozen=True, kw_only=True, tag="submit"):
    """Ask for an action. Answered with `Submitted` once it is in the journal."""

    request: Request


class Answer(Call, frozen=True, kw_only=True, tag="answer"):
    """Answer what an operation asks: retry, skip, abort or confirm; with `vm`, what the site asks of a VM."""

    operation: Word
    choice: Word
    vm: Name | None = None
    confirm: Name | None = None
    """the domain's name as typed, for an answer of tier 3"""


class Ask(Call, frozen=True, kw_only=True, tag="ask"):
    """A question that changes nothing.

    `what`: listing, show, points, vms, preview, rehearsal, tasks, status, findings.
    """

    what: Word
    domain: Name | None = None
    request: Request | None = None


class Secret(Call, frozen=True, kw_only=True, tag="secret"):
    """The password that the site wants; kept in memory only. `of` as in PasswordWanted."""

    password: str
    of: Word = OWN

    def __repr__(self) -> str:
        return f"Secret(id={self.id})"


class Stop(Call, frozen=True, kw_only=True, tag="stop"):
    """End the controller. Refused while an operation is open, unless `force`.

    `pause_s`: wait for so long until nothing is under way at the site; refused when something still is.
    """

    force: bool = False
    pause_s: float = 0.0


class Inject(Call, frozen=True, kw_only=True, tag="inject"):
    """Throw a fault into a training site now. `domain` None: the only one, or all where that makes sense."""

    fault: Word
    domain: Name | None = None
    vms: tuple[Name, ...] = ()
    for_s: float | None = None
    times: Number = 1


class Jump(Call, frozen=True, kw_only=True, tag="jump"):
    """Move a training site's clock on."""

    seconds: float


class Welcome(Message, frozen=True, kw_only=True, tag="welcome"):
    version: int
    site: str
    kind: str
    pid: int
    drdeck: str
    read_only: bool = False
    settings: str = ""
    """digest of the site's settings that the controller runs with; empty: not told"""
    settings_file: str = ""
    """where it read them; empty: not told"""
    scenario: str = ""
    speed: float = 0.0
    """of a training site; 0: not told"""


class Listing(Message, frozen=True, kw_only=True, tag="listing"):
    """All of a site but the insides of its domains. `stale_s`: age of a view that is not fresh any more."""

    site: str
    kind: str
    address: str = ""
    user: str = ""
    clock: SiteClock | None = None
    seen_at: datetime | None = None
    stale_s: float | None = None
    error: str | None = None
    needs_password: bool = False
    """the site is out of sight because its own login waits for a password"""
    passwords: tuple[PasswordWanted, ...] = ()
    warnings: tuple[str, ...] = ()
    read_only: bool = False
    domains: tuple[Domain, ...] = ()
    """summaries, see Domain.summary"""
    records: tuple[Domain, ...] = ()
    """until there is anything in `domains`: rows for people, by the domains' records alone"""
    operations: tuple[OperationView, ...] = ()
    """open ones, and those that ended last"""
    consoles: tuple[str, ...] = ()
    journal_error: str | None = None
    runs: tuple[RunView, ...] = ()
    """of failover plans: open ones, and those that ended last"""


class Detail(Message, frozen=True, kw_only=True, tag="detail"):
    """The one domain that a client looks at; None when the site has no such domain."""

    name: str
    domain: Domain | None = None
    operations: tuple[OperationView, ...] = ()


class Status(Frozen, frozen=True, kw_only=True):
    pid: int
    site: str
    since: datetime
    consoles: tuple[str, ...]
    operations: tuple[str, ...]
    version: str


class Submitted(Message, frozen=True, kw_only=True, tag="submitted"):
    id: int
    operation: str


class Done(Message, frozen=True, kw_only=True, tag="done"):
    """The answer to Answer, Secret and Stop."""

    id: int


class ShowAnswer(Message, frozen=True, kw_only=True, tag="show"):
    id: int
    detail: Detail
    listing: Listing


class PointsAnswer(Message, frozen=True, kw_only=True, tag="points"):
    id: int
    points: Points


class VmsAnswer(Message, frozen=True, kw_only=True, tag="vms"):
    """The names of the VMs of each domain, by the domains' names."""

    id: int
    vms: dict[str, tuple[str, ...]]


class PreviewAnswer(Message, frozen=True, kw_only=True, tag="preview"):
    id: int
    preview: Preview


class RehearsalAnswer(Message, frozen=True, kw_only=True, tag="rehearsal"):
    id: int
    rehearsal: Rehearsal


class TasksAnswer(Message, frozen=True, kw_only=True, tag="tasks"):
    """The open operations and the recent ones, newest first; the journal has the others."""

    id: int
    operations: tuple[OperationView, ...]


class StatusAnswer(Message, frozen=True, kw_only=True, tag="status"):
    id: int
    status: Status


class ListingAnswer(Message, frozen=True, kw_only=True, tag="listing_answer"):
    id: int
    listing: Listing


class FindingsAnswer(Message, frozen=True, kw_only=True, tag="findings"):
    id: int
    findings: tuple[Finding, ...]


class Injected(Message, frozen=True, kw_only=True, tag="injected"):
    """Faults that were thrown in, a phrase each."""

    id: int
    says: tuple[str, ...]


class Jumped(Message, frozen=True, kw_only=True, tag="jumped"):
    """The site's time after the jump."""

    id: int
    now: datetime


class Refusal(Message, frozen=True, kw_only=True, tag="refusal"):
    """A "no". `code`: usage, rule, unconfirmed, stale, failed, unreachable, unknown, version."""

    id: int
    code: str
    text: str


FromClient = (
    Hello
    | Subscribe
    | Submit
    | Answer
    | Ask
    | Secret
    | Stop
    | Inject
    | Jump
    | PlanAsk
    | PlanRun
    | RunChange
    | RunAnswerAll
    | RunPitr
    | RunExit
)
FromController = (
    Welcome
    | Listing
    | Detail
    | Submitted
    | Done
    | ShowAnswer
    | PointsAnswer
    | VmsAnswer
    | PreviewAnswer
    | RehearsalAnswer
    | TasksAnswer
    | StatusAnswer
    | ListingAnswer
    | FindingsAnswer
    | Injected
    | Jumped
    | PlansAnswer
    | PlanCheckAnswer
    | RunBegun
    | RunStatusAnswer
    | RunsAnswer
    | RunPointsAnswer
    | CommonInstantAnswer
    | RunExitsAnswer
    | OperationsAnswer
    | Refusal
)

encoder = msgspec.json.Encoder()
_TAG = re.compile(rb'\{"is":"(\w+)"')
"""how a message begins that drdeck has encoded"""


class AnswerDecoder:
    """Decodes what a controller sends. The decoder of a message is made when the first of its kind comes:
    those of all take longer than a command."""

    def __init__(self) -> None:
        self._kinds = {kind.__struct_config__.tag: kind for kind in get_args(FromController)}
        self._decoders: dict[str, msgspec.json.Decoder[FromController]] = {}

    def decode(self, data: bytes) -> FromController:
        """The message in a line. Raises msgspec.DecodeError."""
        begun = _TAG.match(data)
        tag = begun[1].decode() if begun is not None else ""
        if tag not in self._kinds:
            tag = ""
        decoder = self._decoders.get(tag)
        if decoder is None:
            kind: Any = self._kinds.get(tag, FromController)
            decoder = self._decoders[tag] = msgspec.json.Decoder(kind)
        return decoder.decode(data)


client_decoder = AnswerDecoder()


@functools.cache
def controller_decoder() -> msgspec.json.Decoder[FromClient]:
    """The decoder of a controller; a command, which needs the other one, does not wait for its making."""
    return msgspec.json.Decoder(FromClient)


def line(message: Message) -> bytes:
    """One message as one line."""
    return encoder.encode(message) + b"\n"
