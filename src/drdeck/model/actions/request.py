"""Request of an operator: one action asked of one domain, with all that was chosen."""

from datetime import datetime
from typing import Annotated

import msgspec

from drdeck.model.domains import FailoverType
from drdeck.model.frozen import Frozen

Name = Annotated[str, msgspec.Meta(max_length=1000)]
"""of a domain, a VM or a network, as it comes from outside; vCenter's have 80 characters, encoded 240"""


class Request(Frozen, frozen=True, kw_only=True):
    """A wish of an operator. Names are checked against the domain by `refusal`.

    `networks`: protected network name -> recovery network name. `vms`: names, empty for all.
    `without`: VMs that a completion leaves out, on the operator's word; `left_out`: those that a Force leaves
    out because the site cannot use them, as the operator saw them.
    `confirm`: the domain's name as typed, for tier 3. `even_though`: names of the facts against a Force
    Failover that the operator knows of. `preview`: the facts of the preview that the operator saw ("shown"
    in JSON); when they no longer hold the request is refused as stale.
    """

    action: Annotated[str, msgspec.Meta(max_length=100)]
    domain: Name
    type: FailoverType | None = None
    run_pitr: bool = False
    networks: dict[Name, Name] = {}
    to: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    vms: tuple[Name, ...] = ()
    without: tuple[Name, ...] = ()
    left_out: tuple[Name, ...] = ()
    ends_after_s: float | None = None
    result: Annotated[str, msgspec.Meta(max_length=100)] = ""
    note: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    test_vms: tuple[Name, ...] = ()
    """test VMs to be adopted, by name or id; empty: all that there are"""
    marks: tuple[Annotated[str, msgspec.Meta(max_length=200)], ...] = ()
    """marks of the tests that the journal names for them; the controller fills it in"""
    disks: tuple[Name, ...] = ()
    """files of the disks of others that are to be detached from test VMs; the controller fills it in"""
    bubble: Name | None = None
    """of a test: the plan whose domains are tested together, which count as one test"""
    confirm: Name | None = None
    even_though: tuple[Name, ...] = ()
    checked_by_hand: tuple[Annotated[str, msgspec.Meta(max_length=1000)], ...] = ()
    """what drdeck did not check, and the operator did; for the journal"""
    start_first: bool = False
    """of a completion: its continuous failover is started by the same operation"""
    preview: dict[str, str] | None = msgspec.field(name="shown", default=None)
