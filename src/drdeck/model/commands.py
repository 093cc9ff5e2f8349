"""Commands that a controller may give a site. Each can be given again after observing the site."""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

from .domains import FailoverType
from .frozen import Frozen
from .planned import PlannedCall
from .text import some
from .times import show


class Command(Frozen, frozen=True, kw_only=True, tag_field="command"):
    """Something that a controller tells its site to do.

    `operation` is the id of the operation that asked; the site keeps it, so that it can be observed.
    """

    operation: str
    domain: str
    asked_by: str = ""
    """user@host who asked for the operation, for a site that can tell another jump host"""

    @property
    def key(self) -> str:
        return type(self).__name__

    @property
    def says(self) -> str:
        """The command in words, for the log and the journal."""
        return f"{type(self).__name__} {self.domain}"


class StartContinuousFailover(Command, frozen=True, kw_only=True, tag="start_continuous_failover"):
    """Let the site rebuild the domain. `networks`: protected network name -> recovery network name."""

    networks: dict[str, str] = {}

    @property
    def says(self) -> str:
        return f"start continuous failover of {self.domain}"


class BeginCompletion(Command, frozen=True, kw_only=True, tag="begin_completion"):
    """Begin to complete a continuous failover; the site remembers all of it."""

    type: FailoverType
    run_pitr: bool = False
    networks: dict[str, str] = {}
    without: tuple[str, ...] = ()
    """names of VMs that it leaves out on an operator's word"""
    left_out: tuple[str, ...] = ()
    """names of those that it leaves out since they cannot be used, and that join later"""

    @property
    def says(self) -> str:
        return f"begin to complete the continuous failover of {self.domain} ({self.type})"


class FinishFailover(Command, frozen=True, kw_only=True, tag="finish_failover"):
    """Every VM is recovered and no session was asked for: the domain now runs here."""

    @property
    def says(self) -> str:
        return f"let {self.domain} run in failover"


class MapNetworks(Command, frozen=True, kw_only=True, tag="map_networks"):
    """Change the recovery networks of these protected ones, name -> name; VMs that are here are moved."""

    networks: dict[str, str]

    @property
    def says(self) -> str:
        return f"map networks of {self.domain} anew"


class AbortCompletion(Command, frozen=True, kw_only=True, tag="abort_completion"):
    """Go back to continuous rehydration; open only until ownership was taken."""

    @property
    def says(self) -> str:
        return f"give up completing the continuous failover of {self.domain}"


class CancelContinuousFailover(Command, frozen=True, kw_only=True, tag="cancel_continuous_failover"):
    """Back to imported; open until ownership was taken. A completion that was begun is given up with it."""

    @property
    def says(self) -> str:
        return f"cancel the continuous failover of {self.domain}"


class UndoFailover(Command, frozen=True, kw_only=True, tag="undo_failover"):
    """Back to imported from a failover that runs here: the VMs as they were before their first power on."""

    @property
    def says(self) -> str:
        return f"undo the failover of {self.domain}"


class CommitFailover(Command, frozen=True, kw_only=True, tag="commit_failover"):
    """Let a failover stand for good: what it could be undone with is removed."""

    @property
    def says(self) -> str:
        return f"commit the failover of {self.domain}"


class RestoreDomain(Command, frozen=True, kw_only=True, tag="restore_domain"):
    """Make this site the primary site of a domain whose failover was committed; nothing else changes."""

    @property
    def says(self) -> str:
        return f"make this site the primary site of {self.domain}"


class ReleaseDomain(Command, frozen=True, kw_only=True, tag="release_domain"):
    """Let the other side own the domain: it is imported again once its replicas are here."""

    @property
    def says(self) -> str:
        return f"release {self.domain}"


class CancelRelease(Command, frozen=True, kw_only=True, tag="cancel_release"):
    """Keep a domain here that waits for its replicas."""

    @property
    def says(self) -> str:
        return f"cancel the release of {self.domain}"


class FailBack(Command, frozen=True, kw_only=True, tag="fail_back"):
    """Bring what was written here back to the protected site, and give the domain back to it."""

    @property
    def says(self) -> str:
        return f"fail {self.domain} back"


class ResumeRehydration(Command, frozen=True, kw_only=True, tag="resume_rehydration"):
    """Bring a domain that was failed back up to date here, and keep it so."""

    @property
    def says(self) -> str:
        return f"resume continuous rehydration of {self.domain}"


class StartTrial(Command, frozen=True, kw_only=True, tag="start_trial"):
    """Test the domain by clones of its VMs (names; empty: all), as of the instant `to` (None: the newest of
    each), on isolated networks (protected network -> isolated one, names)."""

    to: datetime | None = None
    vms: tuple[str, ...] = ()
    networks: dict[str, str] = {}
    ends_after_s: float | None = None
    bubble: str = ""
    """the plan whose domains are tested together"""

    @property
    def says(self) -> str:
        return f"start a test of {self.domain}"


class EndTrial(Command, frozen=True, kw_only=True, tag="end_trial"):
    """End the test of the domain and remove its test VMs; those of earlier tests that are left too.

    `detach`: files of the disks of others that are detached from them first, if they are there."""

    result: str = ""
    note: str = ""
    detach: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        return f"end the test of {self.domain}"


class AdoptTrialVms(Command, frozen=True, kw_only=True, tag="adopt_trial_vms"):
    """Take these VMs (ids) of the test folder into the list of the domain's test VMs. `marks`: of its tests,
    as the journal has them."""

    vms: tuple[str, ...]
    marks: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        return f"adopt test VMs of {self.domain}"


class StartSession(Command, frozen=True, kw_only=True, tag="start_session"):
    """Start the PITR session `session`; `vms` are names, empty for all."""

    session: str
    after_failover: bool = False
    vms: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        return f"start PITR session {self.session} of {self.domain}"


class MakeEntryPoints(Command, frozen=True, kw_only=True, tag="make_entry_points"):
    """Make the entry points of the VMs of an active session that have none."""

    @property
    def says(self) -> str:
        return f"make the entry points that VMs of {self.domain} lack"


class RollBack(Command, frozen=True, kw_only=True, tag="roll_back"):
    """Roll `vms` (names, empty for all of the session) back to the instant `to`."""

    to: datetime
    vms: tuple[str, ...] = ()
    hold: bool = False
    """leave the VMs off once they are reverted, until StartReverted"""

    @property
    def says(self) -> str:
        return f"roll {self.domain} back to {show(self.to)}"


class StartReverted(Command, frozen=True, kw_only=True, tag="start_reverted"):
    """Start the VMs that a rollback with `hold` has reverted; for a site that drives itself."""

    @property
    def says(self) -> str:
        return f"start the VMs of {self.domain} that are rolled back"


class ExitSession(Command, frozen=True, kw_only=True, tag="exit_session"):
    """End the session; without a rollback after a failover this resets all PITR data."""

    @property
    def says(self) -> str:
        return f"exit the PITR session of {self.domain}"


class Resolve(Command, frozen=True, kw_only=True, tag="resolve"):
    """The operator's answer to a question of the site."""

    question: str
    choice: str
    vms: tuple[str, ...] = ()
    """ids of the VMs that the operator saw in the question"""

    @property
    def key(self) -> str:
        return f"Resolve:{self.question}:{self.choice}"

    @property
    def says(self) -> str:
        return f"answer {self.choice} for {self.domain}"


class Skip(Command, frozen=True, kw_only=True, tag="skip"):
    """Go on without the VM `vm` (the site's id), or all of `vms` (id -> name), on the operator's word."""

    vm: str = ""
    name: str = ""
    vms: dict[str, str] = {}

    @property
    def key(self) -> str:
        if not self.vms:
            return f"Skip:{self.vm}"
        return f"Skip:{hashlib.sha256(' '.join(sorted(self.vms)).encode()).hexdigest()[:16]}"

    @property
    def says(self) -> str:
        return f"continue without {some(sorted(self.vms.values())) or self.name or self.vm}"


class TakeOver(Command, frozen=True, kw_only=True, tag="take_over"):
    """Drive the domain from here, whoever did."""

    @property
    def says(self) -> str:
        return f"take over {self.domain}"


class WriteRecordBack(Command, frozen=True, kw_only=True, tag="write_record_back"):
    """Write the record that a domain had last, after somebody removed it from the site."""

    @property
    def says(self) -> str:
        return f"write the record of {self.domain} back"


class AcceptRemoval(Command, frozen=True, kw_only=True, tag="accept_removal"):
    """Take a record's removal for meant: what is at the site now is what counts."""

    @property
    def says(self) -> str:
        return f"accept that the record of {self.domain} was removed"


class MakePlannedCall(Command, frozen=True, kw_only=True, tag="take"):
    """Make one call that the site's own view says is due.

    `again`: it may have been asked for before, by a call whose answer was lost or by another holder.
    `task`: the site's id of the task that an earlier try began; empty: not known.
    """

    call: PlannedCall = msgspec.field(name="act")
    again: bool = False
    task: str = ""

    @property
    def key(self) -> str:
        return self.call.key

    @property
    def says(self) -> str:
        return self.call.says or self.call.kind


AnyCommand = (
    StartContinuousFailover
    | BeginCompletion
    | FinishFailover
    | AbortCompletion
    | MapNetworks
    | CancelContinuousFailover
    | UndoFailover
    | CommitFailover
    | RestoreDomain
    | ReleaseDomain
    | CancelRelease
    | FailBack
    | ResumeRehydration
    | StartTrial
    | EndTrial
    | AdoptTrialVms
    | StartSession
    | MakeEntryPoints
    | RollBack
    | StartReverted
    | ExitSession
    | Resolve
    | Skip
    | TakeOver
    | WriteRecordBack
    | AcceptRemoval
    | MakePlannedCall
)
"""The closed union that is journaled."""


def encode(command: AnyCommand) -> dict[str, object]:
    """Plain data for the journal."""
    data: dict[str, object] = msgspec.to_builtins(command)
    return data
