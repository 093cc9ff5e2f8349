"""Domains that were synchronised and are not any more."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from drdeck.model.domains import Domain, Mode
from drdeck.model.views import SiteView

from .operations import Operation, OperationState


class Again:
    """Tells a domain that rehydrates again from one that never was synchronised.

    It knows from the views that it was given, from the continuous failovers that were begun here, and
    from a site that remembers it for everybody.
    """

    def __init__(self, operations: Iterable[Operation]) -> None:
        begun = {op.domain: op.state for op in operations if op.action == "cfo_start"}
        self._synchronised = {name for name, state in begun.items() if state is OperationState.DONE}

    def told(self, view: SiteView) -> SiteView:
        """The view, with the reason at each domain that rehydrates again."""
        domains = tuple(self._told(domain) for domain in view.domains)
        if all(a is b for a, b in zip(domains, view.domains, strict=True)):
            return view
        return msgspec.structs.replace(view, domains=domains)

    def _told(self, domain: Domain) -> Domain:
        if domain.mode is Mode.SYNCHRONISED or (domain.was_synchronised and domain.mode is Mode.REHYDRATING):
            self._synchronised.add(domain.name)
        elif domain.mode not in (Mode.REHYDRATING, Mode.COMPLETING):
            self._synchronised.discard(domain.name)
        if domain.mode is not Mode.REHYDRATING or domain.name not in self._synchronised:
            return domain
        missing = domain.vms_total - domain.vms_recoverable
        why = f"{missing} of {domain.vms_total} VMs are not Recoverable"
        if domain.step is not None and domain.step.detail:
            why += f": {domain.step.detail}"
        return msgspec.structs.replace(domain, again=why)
