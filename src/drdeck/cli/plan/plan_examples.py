"""Examples of the commands about failover plans, as `drdeck/cli/manual/examples.py` takes them."""

from __future__ import annotations

PLAN_EXAMPLES: dict[str, tuple[str, ...]] = {
    "drdeck plan": (
        "drdeck --scenario whole-site plan check whole-site",
        "drdeck plan run whole-site --type force --run-pitr --confirm 'whole-site 38'",
    ),
    "drdeck plan list": ("drdeck plan list", "drdeck --site dr-west plan list --json"),
    "drdeck plan show": ("drdeck plan show whole-site", "drdeck plan show all --json"),
    "drdeck plan check": ("drdeck plan check whole-site", "drdeck plan check all --type planned --json"),
    "drdeck plan run": (
        "drdeck plan run whole-site --type force --run-pitr --except-running --wait",
        "drdeck plan run --domains erp-prod,files --type planned --dry-run",
    ),
    "drdeck plan status": ("drdeck plan status run-7fe151", "drdeck plan status run-7fe151 --json"),
    "drdeck plan watch": ("drdeck plan watch run-7fe151", "drdeck plan watch run-7fe151 --timeout 3600"),
    "drdeck plan report": ("drdeck plan report run-7fe151", "drdeck plan report run-7fe151 --format json"),
    "drdeck plan pause": ("drdeck plan pause run-7fe151", "drdeck plan pause run-7fe151 --json"),
    "drdeck plan resume": ("drdeck plan resume run-7fe151", "drdeck plan resume run-7fe151 --json"),
    "drdeck plan leave-out": (
        "drdeck plan leave-out run-7fe151 hr-legacy",
        "drdeck plan leave-out run-7fe151 hr-legacy --json",
    ),
    "drdeck plan takeover": (
        "drdeck plan takeover run-7fe151",
        "drdeck plan takeover run-7fe151 --confirm run-7fe151",
    ),
    "drdeck plan begin": (
        "drdeck plan begin run-7fe151 files",
        "drdeck plan begin run-7fe151 plant-b-mes --confirm plant-b-mes",
    ),
    "drdeck plan pitr": (
        "drdeck plan pitr points run-7fe151",
        "drdeck plan pitr run run-7fe151 --to 08:30 --wait",
    ),
    "drdeck plan pitr points": (
        "drdeck plan pitr points run-7fe151",
        "drdeck plan pitr points run-7fe151 --json",
    ),
    "drdeck plan pitr run": (
        "drdeck plan pitr run run-7fe151 --to 08:30 --wait",
        "drdeck plan pitr run run-7fe151 --to 2026-03-06T08:30:00Z --confirm 'whole-site 34'",
    ),
    "drdeck plan pitr release": (
        "drdeck plan pitr release run-7fe151 files",
        "drdeck --site dr-west plan pitr release run-7fe151 files",
    ),
    "drdeck plan pitr exit": (
        "drdeck plan pitr exit run-7fe151 --wait",
        "drdeck plan pitr exit run-7fe151 --confirm 'RESET 6'",
    ),
}
"""path of a command -> lines that can be typed"""
