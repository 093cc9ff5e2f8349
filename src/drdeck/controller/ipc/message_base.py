"""The base of all messages between consoles and controller, and the sizes of what is in them."""

from typing import Annotated

import msgspec

from drdeck.model.frozen import Frozen

Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Word = Annotated[str, msgspec.Meta(max_length=200)]


class Message(Frozen, frozen=True, kw_only=True, tag_field="is"):
    """Base of all messages."""


class Call(Message, frozen=True, kw_only=True):
    """Base of what is answered; the answer bears the same `id`."""

    id: Number
