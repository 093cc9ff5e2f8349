"""A vCenter with many VMs, laid out once and kept for as many measurements as are wanted.

    python -m tests.benchmarks.figures.large_site FILE [--vms 10000]

Lays out domains of 20 VMs with 3 snapshots each, writes where it is to FILE, and stays until it is ended.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.vcenter.vcsim import VCenter

OF_A_DOMAIN = 20


class LargeSite(NamedTuple):
    """Where it is, and how to log in; as much of a VCenter as a settings file needs."""

    url: str
    ca_file: str
    user: str
    password: str
    root: str
    pid: int
    vms: int


def laid_out(vcenter: VCenter, vms: int) -> LargeSite:
    """Lay out so many VMs. Takes some 20 ms for each."""
    names = {
        f"domain{n:03}": [f"vm{n:03}-{m:02}" for m in range(OF_A_DOMAIN)] for n in range(vms // OF_A_DOMAIN)
    }
    vcenter.hostile(
        "pieces", False
    )  # it makes each of a hundred pieces out of the whole answer: its cost, not ours
    root = vcenter.layout(names)
    return LargeSite(
        vcenter.url, str(vcenter.ca_file), vcenter.user, vcenter.password, root, vcenter.pid, vms
    )


def read(file: Path) -> LargeSite:
    raw: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return LargeSite(**raw)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("file", type=Path)
    parser.add_argument("--vms", type=int, default=10_000)
    options = parser.parse_args()
    vcenter = VCenter(pace=0)
    try:
        options.file.write_text(json.dumps(laid_out(vcenter, options.vms)._asdict()), "utf-8")
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    finally:
        vcenter.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
