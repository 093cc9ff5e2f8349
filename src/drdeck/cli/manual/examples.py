"""Examples of each command, as they work on the training site where nothing else is said.

A test reads each of them with the command's own parser.
"""

from __future__ import annotations

import click

from drdeck.cli.plan.plan_examples import PLAN_EXAMPLES

EXAMPLES: dict[str, tuple[str, ...]] = {
    **PLAN_EXAMPLES,
    "drdeck": (
        "drdeck --scenario ransomware",
        "drdeck domains",
        "drdeck cfo complete erp-prod --type planned --run-pitr --wait",
        "drdeck pitr run erp-prod --to 22:41 --wait",
    ),
    "drdeck domains": ("drdeck domains --where health=failed", "drdeck domains --json"),
    "drdeck show": ("drdeck show erp-prod", "drdeck --site dr-west show erp-prod --json"),
    "drdeck explain": ("drdeck explain PITR session", "drdeck explain erp-prod"),
    "drdeck version": ("drdeck version", "drdeck version --json"),
    "drdeck networks": ("drdeck networks erp-prod", "drdeck networks erp-prod --json"),
    "drdeck watch": (
        "drdeck watch --milestones",
        "drdeck watch erp-prod --until synchronised --timeout 3600",
    ),
    "drdeck tasks": ("drdeck tasks --last 5", "drdeck tasks --domain erp-prod --json"),
    "drdeck report": ("drdeck report erp-prod", "drdeck report op-87fdba3f --format html -o failover.html"),
    "drdeck audit": ("drdeck audit verify", "drdeck audit export"),
    "drdeck audit export": ("drdeck audit export", "drdeck --site dr-west audit export"),
    "drdeck audit verify": ("drdeck audit verify", "drdeck --site dr-west audit verify --json"),
    "drdeck cfo": (
        "drdeck cfo start erp-prod --network VM_3510=DRSeg",
        "drdeck cfo complete erp-prod --type planned --run-pitr",
    ),
    "drdeck cfo start": (
        "drdeck cfo start files --network VM_3510=DRSeg --wait",
        "drdeck cfo start erp-prod --network VM_3510=DRSeg --network '*=DRIsolated'",
    ),
    "drdeck cfo complete": (
        "drdeck cfo complete erp-prod --type planned --run-pitr --dry-run",
        "drdeck cfo complete erp-prod --type planned --run-pitr --wait",
    ),
    "drdeck cfo remap": (
        "drdeck cfo remap erp-prod --network VM_3510=DRIsolated --wait",
        "drdeck cfo remap erp-prod --network VM_3510=DRIsolated --dry-run",
    ),
    "drdeck cfo cancel": ("drdeck cfo cancel erp-prod", "drdeck cfo cancel erp-prod --wait"),
    "drdeck test": ("drdeck test start erp-prod --wait", "drdeck test end erp-prod --result passed"),
    "drdeck test start": (
        "drdeck test start erp-prod --dry-run",
        "drdeck test start erp-prod --to 10:42 --vm erp-db01 --for 2h --wait",
    ),
    "drdeck test end": (
        'drdeck test end erp-prod --result passed --note "all logins work" --wait',
        "drdeck test end erp-prod",
    ),
    "drdeck test show": ("drdeck test show", "drdeck test show erp-prod --json"),
    "drdeck test plan": (
        "drdeck test plan whole-site --to -15m --dry-run",
        'drdeck test plan whole-site --end --result passed --note "all logins work" --wait',
    ),
    "drdeck test detach": ("drdeck test detach erp-prod --dry-run", "drdeck test detach erp-prod --wait"),
    "drdeck test leftovers": (
        "drdeck test leftovers",
        "drdeck test leftovers --adopt drdeck-test-erp-prod-erp-db01 --wait",
    ),
    "drdeck failover": (
        "drdeck failover commit erp-prod",
        "drdeck failover undo erp-prod --confirm erp-prod",
    ),
    "drdeck failover run": (
        "drdeck failover run erp-prod --type planned --run-pitr --wait",
        "drdeck failover run erp-prod --type force --confirm erp-prod --even-though answers,vms-running",
    ),
    "drdeck failover undo": (
        "drdeck failover undo erp-prod --dry-run",
        "drdeck failover undo erp-prod --confirm erp-prod --wait",
    ),
    "drdeck failover commit": (
        "drdeck failover commit erp-prod",
        "drdeck failover commit erp-prod --wait",
    ),
    "drdeck cfo resume": ("drdeck cfo resume crm", "drdeck cfo resume crm --wait"),
    "drdeck way-back": ("drdeck way-back erp-prod", "drdeck way-back erp-prod --json"),
    "drdeck domain": (
        "drdeck domain restore erp-prod",
        "drdeck domain release erp-prod --confirm erp-prod",
    ),
    "drdeck domain restore": ("drdeck domain restore erp-prod", "drdeck domain restore erp-prod --wait"),
    "drdeck domain release": (
        "drdeck domain release erp-prod --dry-run",
        "drdeck domain release erp-prod --confirm erp-prod --wait",
    ),
    "drdeck domain cancel-release": (
        "drdeck domain cancel-release erp-prod",
        "drdeck domain cancel-release erp-prod --wait",
    ),
    "drdeck domain failback": ("drdeck domain failback crm", "drdeck domain failback crm --wait"),
    "drdeck pitr": ("drdeck pitr points erp-prod", "drdeck pitr run erp-prod --to 22:41 --wait"),
    "drdeck pitr points": ("drdeck pitr points erp-prod --last 20", "drdeck pitr points erp-prod --json"),
    "drdeck pitr start": (
        "drdeck pitr start erp-prod --wait",
        "drdeck pitr start erp-prod --vm erp-db01 --vm erp-db02",
    ),
    "drdeck pitr run": (
        "drdeck pitr run erp-prod --to 22:41 --wait",
        "drdeck pitr run erp-prod --to -15m --vm erp-db01",
    ),
    "drdeck pitr exit": (
        "drdeck pitr exit erp-prod --wait",
        "drdeck pitr exit erp-prod --confirm erp-prod",
    ),
    "drdeck pitr entry": ("drdeck pitr entry erp-prod", "drdeck pitr entry erp-prod --wait"),
    "drdeck answer": (
        "drdeck answer erp-prod retry",
        "drdeck answer op-87fdba3f skip",
        "drdeck answer op-87fdba3f button.uuid.movedTheVM --vm erp-db01",
    ),
    "drdeck takeover": (
        "drdeck takeover erp-prod",
        "drdeck takeover erp-prod --confirm erp-prod --wait",
    ),
    "drdeck record": (
        "drdeck record restore erp-prod",
        "drdeck record restore erp-prod --confirm erp-prod",
    ),
    "drdeck record accept": (
        "drdeck record accept erp-prod",
        "drdeck record accept erp-prod --confirm erp-prod --wait",
    ),
    "drdeck record restore": (
        "drdeck record restore erp-prod",
        "drdeck record restore erp-prod --confirm erp-prod --wait",
    ),
    "drdeck controller": ("drdeck controller status --all", "drdeck controller restart"),
    "drdeck controller start": (
        "drdeck controller start",
        "drdeck --site dr-west --log-level debug controller start",
    ),
    "drdeck controller stop": ("drdeck controller stop", "drdeck --site dr-west controller stop --force"),
    "drdeck controller restart": (
        "drdeck controller restart",
        "drdeck --site dr-west controller restart --timeout 600",
    ),
    "drdeck controller status": ("drdeck controller status", "drdeck controller status --all --json"),
    "drdeck info": ("drdeck info", "drdeck info --json"),
    "drdeck settings": ("drdeck settings check", "drdeck settings schema"),
    "drdeck settings schema": (
        "drdeck settings schema > drdeck.schema.json",
        "drdeck settings schema | less",
    ),
    "drdeck settings check": ("drdeck settings check", "drdeck settings check new-settings.toml --json"),
    "drdeck logs": ("drdeck logs --follow", "drdeck --site dr-west logs --json"),
    "drdeck sites": ("drdeck sites", "drdeck sites add"),
    "drdeck sites add": (
        "drdeck sites add",
        "drdeck sites add --name dr-west --url https://vcsa.dr.example/sdk --root /DC0/vm/drdeck",
    ),
    "drdeck sites clean": (
        "drdeck --site dr-west sites clean",
        "drdeck --site dr-west sites clean --confirm dr-west --keep-state",
    ),
    "drdeck doctor": ("drdeck doctor --strict", "drdeck doctor --bundle report.tar.gz"),
    "drdeck completion": (
        'eval "$(drdeck completion bash)"',
        "drdeck completion fish | source",
    ),
    "drdeck console": ("drdeck console", "drdeck --site dr-west --read-only console"),
    "drdeck man": ("drdeck man ~/.local/share/man", "drdeck man /usr/local/share/man"),
    "drdeck help": ("drdeck help", "drdeck help pitr run"),
    "drdeck train": ("drdeck train 1", "drdeck train 2 --result rehearsal.json"),
    "drdeck train lesson": ("drdeck train 1 --judge --key", "drdeck train 1 -- domains"),
    "drdeck train appliance": (
        "drdeck train appliance --port 8443",
        "drdeck train appliance --port 0 --session abcdefgh --json",
    ),
    "drdeck train inject": (
        "drdeck train inject object_store_lost --for 5m",
        "drdeck train inject power_on_fails --domain erp-prod --vm erp-db01 --times 2",
    ),
    "drdeck train jump": ("drdeck train jump 2h", "drdeck train jump 15m --lesson 1"),
    "drdeck train reset": ("drdeck train reset", "drdeck --scenario busy-night train reset"),
}
"""Path of a command -> at least two command lines."""


def attach(command: click.Command, path: str, inner: bool = True) -> None:
    """Put the examples below the help of a command and, with `inner`, of all that it holds; a command's own
    stand first."""
    lines = EXAMPLES.get(path, ())
    if lines:
        examples = "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))
        command.epilog = f"{command.epilog}\n\n{examples}" if command.epilog else examples
    if inner and isinstance(command, click.Group):
        for name, below in command.commands.items():
            attach(below, f"{path} {name}")
