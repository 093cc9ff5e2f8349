"""Names of the custom attributes of a domain's folder, and how much one of them holds."""

from __future__ import annotations

MAX_VALUE = 255
"""Characters that a custom attribute holds."""
MAX_PARTS = 128
"""Attributes of one list or mapping at most; as many as it needs are written."""
PREFIX = "drdeck."
MODE, FAILOVER, SESSION = PREFIX + "mode", PREFIX + "failover", PREFIX + "session"
ROLLBACK, PITR, EXCLUDED = PREFIX + "rollback", PREFIX + "pitr", PREFIX + "excluded"
NETWORKS, SESSION_VMS = PREFIX + "networks", PREFIX + "session.vms"
ROLLBACK_VMS, SKIPPED = PREFIX + "rollback.vms", PREFIX + "skipped"
POWER_OFF = PREFIX + "power_off"
LEFT_OUT, WITHOUT, ABSENT = PREFIX + "left_out", PREFIX + "without", PREFIX + "absent"
ASKED = PREFIX + "asked"
REMAP = PREFIX + "remap"
SYNCED = PREFIX + "synced"
SHUTDOWN = PREFIX + "shutdown"
ENTERING = PREFIX + "entering"
TOOL = PREFIX + "tool"
UNDO, COMMITTED = PREFIX + "undo", PREFIX + "committed"
RESTORED, RELEASE = PREFIX + "restored", PREFIX + "release"
TRIAL, TESTED = PREFIX + "test", PREFIX + "tested"
TRIAL_VMS, TRIAL_LEFT = PREFIX + "test.vms", PREFIX + "test.left"
TRIAL_NETWORKS, TRIAL_TOOL = PREFIX + "test.networks", PREFIX + "test.tool"
TRIAL_DETACH = PREFIX + "test.detach"
RUN, RUN_BESIDE = PREFIX + "run", PREFIX + "run.beside"
"""Two slots for a run of a failover plan: its note at the root folder, a mark at each of its domains."""
LEASE = PREFIX + "lease"
SINGLE = (
    MODE,
    FAILOVER,
    SESSION,
    ROLLBACK,
    PITR,
    EXCLUDED,
    ASKED,
    SYNCED,
    SHUTDOWN,
    ENTERING,
    TOOL,
    REMAP,
    UNDO,
    COMMITTED,
    RESTORED,
    RELEASE,
    TRIAL,
    TESTED,
    TRIAL_TOOL,
    LEASE,
)
CHUNKED = (
    NETWORKS,
    SESSION_VMS,
    ROLLBACK_VMS,
    SKIPPED,
    LEFT_OUT,
    WITHOUT,
    ABSENT,
    POWER_OFF,
    TRIAL_VMS,
    TRIAL_LEFT,
    TRIAL_NETWORKS,
    TRIAL_DETACH,
    RUN,
    RUN_BESIDE,
)
