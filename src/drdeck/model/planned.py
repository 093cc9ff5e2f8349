"""Work that a site says is due: planned calls, the phase that they belong to, and what it must ask first."""

import msgspec

from .frozen import Frozen


class PlannedCall(Frozen, frozen=True, kw_only=True):
    """A single changing call that a site says is due now, with enough to do it and to say it.

    `key` is unique within its operation and names the try, so that a call whose outcome is in
    the journal is never taken twice. `after_loss` says what a lost answer means: `observe` -- if
    it is still due in a fresh view it did not happen; `repeat` -- the view does not tell, but doing it
    twice is the same as once; `ask` -- nobody but a person can tell.
    """

    key: str
    kind: str
    vm: str | None = None
    name: str = ""
    args: dict[str, str] = {}
    after_loss: str = "observe"
    choices: tuple[str, ...] = ("retry", "abort")
    """what an operator may answer when it fails"""
    says: str = ""
    """in words: "power on erp-db01" """
    limit_s: float = 0.0
    """after so many seconds without an end a person is asked; 0: never"""
    places: dict[str, int] = {}
    """a host or datastore -> calls that may run there at a time, this one included"""


class Phase(Frozen, frozen=True, kw_only=True):
    """The work that operation `operation` needs done at the site now.

    `calls` may run side by side; when all are done and `wait` is empty, `then` is taken. A site that
    drives itself has no phases.
    """

    operation: str
    name: str
    calls: tuple[PlannedCall, ...] = msgspec.field(name="acts", default=())
    wait: str = ""
    then: PlannedCall | None = None
    barrier: bool = False
    """`then` starts VMs: it waits where those of other domains are to be reverted first"""


class SiteQuestion(Frozen, frozen=True, kw_only=True):
    """Something that the site cannot go on without; `id` names the occasion, so an old answer is void."""

    id: str
    operation: str
    text: str
    choices: tuple[str, ...]
    vms: dict[str, str] = {}
    """id -> name of the VMs that it is about, all of them: those that a skip leaves out"""
