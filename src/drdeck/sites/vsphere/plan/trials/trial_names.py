"""Names of test VMs, which are theirs alone in the test folder."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from drdeck.sites.vsphere.inventory.inventory_facts import encode_name

MAX_NAME = 80
"""Characters of a name in vCenter's inventory."""


def clone_name(prefix: str, domain: str, vm: str, taken: Collection[str]) -> str:
    """The name of a VM's clone: cut with a digest where it is too long, numbered where it is taken."""
    whole = encode_name(f"{prefix}{domain}-{vm}".replace("/", "-"))
    name, number = _cut(whole, ""), 2
    while name in taken:
        name, number = _cut(whole, f"-{number}"), number + 1
    return name


def _cut(whole: str, ending: str) -> str:
    if len(whole) + len(ending) <= MAX_NAME:
        return whole + ending
    digest = "-" + hashlib.sha256(whole.encode()).hexdigest()[:8]
    return whole[: MAX_NAME - len(digest) - len(ending)] + digest + ending
