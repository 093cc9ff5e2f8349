"""One domain of the appliance: what was told of it last, and what became of the last question."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

import msgspec

from drdeck.model.alarms import Alarm
from drdeck.model.domains import Domain
from drdeck.sites.contract import SiteError, SiteUnreachable
from drdeck.sites.vsphere.inventory.inventory_facts import VmFacts

from .answer_parser import NotAnAnswer, PitrStatus, parse
from .status_view import DomainReading, PitrRun, alarm_keys, domain_of, odd_text
from .vm_guard import GuardedDomain

log = logging.getLogger(__name__)


class DomainPoll:
    """The memory of one domain. `due_s`, `asked_s`: by the event loop's clock."""

    def __init__(self, ident: str, run: PitrRun | None) -> None:
        """`run`: the operation that ran when it was seen last."""
        self.ident, self.name, self.run = ident, ident, run
        self.status: PitrStatus | None = None
        self.failure: SiteError | None = None
        self.failures = 0
        self.asked_s: float | None = None
        self.due_s = 0.0
        self._lost_at: datetime | None = None
        self._since: dict[str, datetime] = {}
        self._odd: dict[str, str] = {}

    def answered(self, body: bytes, unit: str, now: datetime) -> None:
        """Take an answer in. Raises SiteUnreachable where it is none."""
        try:
            status = parse(body, unit)
        except NotAnAnswer as error:
            raise SiteUnreachable(
                f"the appliance's answer about {self.ident} {error}; check the url"
            ) from None
        odd = {field: self._odd.get(field, text) for field, text in status.oddities.items()}
        status = msgspec.structs.replace(status, oddities=odd)  # said once, with the value that was met first
        self.status, self.failure, self.failures, self._lost_at = status, None, 0, None
        self.name = status.name or self.ident
        if not status.running:
            self.run = None
        elif self.run is None:
            self.run = PitrRun(id=f"pitr-{self.ident[:8]}-{now:%Y%m%dT%H%M%SZ}", since=now)
        self._since = {key: self._since.get(key, now) for key in alarm_keys(status)}
        if odd.keys() - self._odd.keys():
            log.warning("%s: %s", self.ident, odd_text(status))
        self._odd = odd

    def not_answered(self, error: SiteError, now: datetime) -> None:
        if self.failure is None or str(self.failure) != str(error):
            log.info("%s is not answered for: %s", self.ident, error)
        self.failure, self.failures = error, self.failures + 1
        self._lost_at = self._lost_at or now

    @property
    def guarded(self) -> GuardedDomain:
        """The same for the guard; VMs without a uuid cannot be found."""
        vms = self.status.vms if self.status is not None else ()
        return GuardedDomain(
            ident=self.ident,
            name=self.status.name if self.status is not None and self.status.name else self.ident,
            uuids={vm.uuid.lower(): vm.name or vm.uuid for vm in vms if vm.uuid},
            run=self.run,
        )

    def domain(self, now: datetime, facts: Mapping[str, VmFacts], alarms: tuple[Alarm, ...]) -> Domain:
        """The domain as it is shown now; `alarms`: of the guard."""
        reading = DomainReading(
            ident=self.ident,
            status=self.status,
            lost=str(self.failure) if self.failure is not None else "",
            lost_at=self._lost_at,
            run=self.run,
            since=self._since,
            facts=facts,
        )
        domain = domain_of(reading, now)
        return msgspec.structs.replace(domain, alarms=(*domain.alarms, *alarms))
