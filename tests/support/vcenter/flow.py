"""A failover under test: two vCenters, a drdeck between them, and the truth of both."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.support.deck import SITE
from tests.support.vcenter import flowsite
from tests.support.vcenter.flowsite import DOMAIN, VMS
from tests.support.vcenter.vcsim import VCenter

WITHIN_S = 60.0


def settings(domain: str = DOMAIN, pitr: str = "enabled = true", extra: str = "", runbook: str = "") -> str:
    """TOML of one domain; quick time-outs unless `extra` says otherwise."""
    return f"""
[sites.{SITE}.domains.{json.dumps(domain, ensure_ascii=False)}]
pitr = {{ {pitr} }}
ready = "tools"
{extra or 'ready_timeout = "60s"'}
{runbook}
"""


def group(name: str, patterns: Sequence[str], delay: str = "0s", domain: str = DOMAIN) -> str:
    """TOML of one runbook group."""
    where = f"sites.{SITE}.domains.{json.dumps(domain, ensure_ascii=False)}.runbook"
    vms = json.dumps(list(patterns), ensure_ascii=False)
    return f'[[{where}]]\ngroup = "{name}"\nvms = {vms}\ndelay_after = "{delay}"\n'


class Flow:
    """A recovery vCenter with replicas, perhaps a protected one, and a drdeck that knows them."""

    def __init__(
        self,
        directory: Path,
        recovery: VCenter,
        protected: VCenter | None = None,
        domains: dict[str, list[str]] | None = None,
        toml: str = "",
        points: list[datetime] | None = None,
        site: str = "",
    ) -> None:
        self.recovery, self.protected = recovery, protected
        self.points = flowsite.instants() if points is None else points
        self.domains = domains or {DOMAIN: VMS}
        named = [(f"replica {i}", at) for i, at in enumerate(self.points)]
        self.root = recovery.layout(self.domains, snapshots=named)
        if protected is not None:
            protected.protected_layout(self.domains)
        self.deck = flowsite.deck(directory, recovery, self.root, protected, toml or settings(), site)
        self.deck.here = True

    # -- asking

    def start(self, domain: str = DOMAIN) -> None:
        """Continuous failover, until it is synchronised."""
        self.deck.run("cfo", "start", domain, "--wait")

    def complete(self, kind: str, *words: str, domain: str = DOMAIN, code: int = 0) -> str:
        """Complete it; the operation's id, or with another `code` what stderr says."""
        consent = ("--confirm", domain, "--even-though", "answers,vms-running")
        confirm = consent if kind == "force" and code in (0, 4) else ()
        done = self.deck.run("cfo", "complete", domain, "--type", kind, *confirm, *words, code=code)
        return done.stdout.strip() if code in (0, 4) else done.stderr

    def refused(self, *words: str, code: int = 3) -> str:
        """A command that is refused and changes nothing at either site; what stderr says: warnings, who
        would be left out, and one sentence."""
        before = self.truth()
        done = self.deck.run(*words, code=code)
        assert done.stdout == "", done.stdout
        assert self.truth() == before, f"{words} changed something"
        lines = done.stderr.strip().splitlines()
        refusal = "\n".join(line for line in lines if not line.startswith(("warning: ", "left out: ")))
        assert refusal.startswith(("drdeck: ", "Usage: ")) and "Traceback" not in refusal, refusal
        assert code == 2 or len(refusal.splitlines()) == 1, refusal
        return refusal

    def show(self, domain: str = DOMAIN) -> dict[str, Any]:
        return self.deck.domain(domain)

    def vm(self, name: str, domain: str = DOMAIN) -> dict[str, Any]:
        row: dict[str, Any] = next(vm for vm in self.show(domain)["vms"] if vm["name"] == name)
        return row

    def until(self, holds: Callable[[dict[str, Any]], object], domain: str = DOMAIN) -> dict[str, Any]:
        """The domain as `show --json` has it, once something holds of it."""
        row: dict[str, Any] = {}

        def holds_now() -> bool:
            nonlocal row
            row = self.show(domain)
            return bool(holds(row))

        eventually(holds_now, lambda: f"{json.dumps(row, indent=1)}\n{self.deck.log()}")
        return row

    def until_lost(self) -> None:
        """Until drdeck has noticed that the site is out of sight."""
        eventually(lambda: self.deck.run("domains", code=None).returncode == 5)

    def operation(self, ident: str) -> dict[str, Any]:
        tasks = self.deck.json("tasks")["operations"]
        row: dict[str, Any] = next(op for op in tasks if op["id"] == ident)
        return row

    def journal(self, *kinds: str) -> list[dict[str, Any]]:
        """Events of the journal, of these kinds or all."""
        lines = self.deck.run("audit", "export").stdout.splitlines()
        return [e for e in map(json.loads, lines) if not kinds or e["kind"] in kinds]

    def session_starts(self) -> int:
        """How often a session was asked of the site."""
        return sum("start PITR session" in e["data"]["says"] for e in self.journal("intent"))

    def pid(self) -> int:
        """Of the controller."""
        return int(self.deck.json("controller", "status")["pid"])

    def kill(self, pid: int | None = None) -> None:
        """kill -9 of the controller; returns once it is gone."""
        os.kill(pid or self.pid(), signal.SIGKILL)
        eventually(lambda: self.deck.run("controller", "status", code=None).returncode == 1)

    # -- the truth

    def truth(self) -> dict[str, Any]:
        """Attributes, snapshots, power and networks at both sites, as the vCenters have them; without
        who drives, which is said anew all the time."""
        facts: dict[str, Any] = {}
        for site in (self.recovery, self.protected):
            for domain, vms in self.domains.items() if site is not None else ():
                assert site is not None
                attributes = {k: v for k, v in site.attributes(domain).items() if v and k != "drdeck.lease"}
                facts[f"{site.port} {domain}"] = attributes
                for vm in vms:
                    which = (domain, vm)
                    facts[f"{site.port} {which}"] = (
                        site.power(which),
                        site.snapshots(which),
                        site.current_snapshot(which),
                        site.networks(which),
                    )
        return facts

    def power(self, domain: str = DOMAIN) -> set[str]:
        return {self.recovery.power((domain, vm)) for vm in self.domains[domain]}

    def standing(self, domain: str = DOMAIN) -> dict[str, str]:
        """Per VM the name of the snapshot that its disks stand on."""
        return {vm: self.recovery.standing_on((domain, vm)) for vm in self.domains[domain]}

    def names(self, vm: str, domain: str = DOMAIN) -> list[str]:
        """Names of a VM's snapshots."""
        return [snap.name for snap in self.recovery.snapshots((domain, vm))]

    def stop(self) -> None:
        self.deck.stop()


def eventually(
    holds: Callable[[], object], explain: Callable[[], str] = str, within_s: float = WITHIN_S
) -> None:
    """Until `holds()` is true; fails with `told()` after `within_s`."""
    deadline = time.monotonic() + within_s
    while True:
        began = time.monotonic()
        if holds():
            return
        now = time.monotonic()
        assert now < deadline, f"did not come true within {within_s} s: {explain()}"
        time.sleep(min(max(now - began, 0.02), 0.25))  # whoever is waited for needs the processor, too


MakeFlow = Callable[..., Flow]
