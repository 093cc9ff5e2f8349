"""The tabs PITR and Settings of a domain, without the timeline. Pure functions."""

from __future__ import annotations

from rich.cells import cell_len

from drdeck.console.format import UNKNOWN, Line, left, stamp, wrap
from drdeck.model.domains import Domain, Health
from drdeck.model.text import clean, some
from drdeck.model.times import show_duration, show_spaced

from .status_bars import owner_text, pitr_text

_LABEL = 14
_OBSERVED_LABEL = 22
"""Cells of the labels of what a site tells in its own words."""


def _fact(label: str, text: str, style: str, width: int) -> list[Line]:
    """A label and its text, wrapped beside it: nothing is cut."""
    parts = wrap(text, max(20, width - _LABEL))
    return [((f"{label if i == 0 else '':{_LABEL}}", "dim"), (part, style)) for i, part in enumerate(parts)]


def pitr_lines(domain: Domain, width: int) -> list[Line]:
    """Points, what cannot be reached any more, health and window; in a small terminal the first are seen."""
    oldest = stamp(domain.oldest_point) if domain.oldest_point else UNKNOWN
    newest = stamp(domain.newest_point) if domain.newest_point else UNKNOWN
    lines = _fact("Points", f"{domain.points}, from {oldest} to {newest}", "bold", width)
    for period in domain.excluded:
        end = stamp(period.end) if period.end else "now"
        lines += _fact("Excluded", f"{stamp(period.start)} to {end} (PITR session)", "bad", width)
    if domain.reset_at is not None:
        lines += _fact("Reset", f"all data up to {stamp(domain.reset_at)}", "bad", width)
    return [*lines, *_health_lines(domain, width), *_fact("Window", pitr_text(domain), "bold", width)]


def observed_lines(domain: Domain, width: int) -> list[Line]:
    """All that a site tells of a domain that can only be looked at, in its own words."""
    text = f"No restore points, and no act: {clean(domain.observed_only)}"
    lines: list[Line] = [((part, "dim"),) for part in wrap(text, width)]
    for label, words in (("PITR", domain.mode_label), *((f.label, f.text) for f in domain.site_facts)):
        first, *rest = wrap(clean(words), max(20, width - _OBSERVED_LABEL))
        lines.append(((left(clean(label), _OBSERVED_LABEL), "dim"), (first, "bold")))
        lines += [((" " * _OBSERVED_LABEL, ""), (part, "bold")) for part in rest]
    return lines


def _health_lines(domain: Domain, width: int) -> list[Line]:
    """The VMs' health, once anything has looked at it."""
    looked = [vm for vm in domain.vms if vm.health is not Health.UNKNOWN]
    failed = [clean(vm.name) for vm in looked if vm.health is Health.FAILED]
    if not looked:
        return []
    text = f"{len(looked) - len(failed)} of {len(domain.vms)} VMs healthy"
    if failed:
        text += f"; health check failed: {some(failed, most=3)}"
    return _fact("Health", text, "bad" if failed else "ok", width)


def _tested_text(domain: Domain) -> str:
    last = domain.tested
    if last is None:
        return "never"
    note = f": {clean(last.note)}" if last.note else ""
    return f"{show_spaced(last.at)}, {last.result}{note}"


def setting_lines(domain: Domain, width: int, with_sites: bool = False) -> list[Line]:
    """Policy, networks and runbook; a long pair of networks is laid out one below the other.

    `with_sites`: and where it is stored and owned.
    """
    lines = _fact("PITR", pitr_text(domain), "bold", width)
    if with_sites:
        lines += _fact("Storage Site", clean(domain.storage_site) or UNKNOWN, "bold", width)
        lines += _fact("Owner Site", owner_text(domain), "bold", width)
    networks = domain.networks
    for protected in networks.protected:
        target = clean(networks.mapping.get(protected, UNKNOWN))
        pair = f"{clean(protected)} → {target}"
        if cell_len(pair) <= width - _LABEL:
            lines += _fact("Network", pair, "bold", width)
        else:
            lines += _fact("Network", clean(protected), "bold", width)
            lines += _fact("", f"→ {target}", "bold", width)
    if domain.trial_offer is not None or domain.tested is not None:
        lines += _fact("Last tested", _tested_text(domain), "bold", width)
    if not domain.runbook:
        lines += _fact("Runbook", "none", "bold", width)
    for number, group in enumerate(domain.runbook, 1):
        delay = f", then wait {show_duration(group.delay_after_s)}" if group.delay_after_s else ""
        text = f"{number}. {clean(group.group)}: {', '.join(map(clean, group.vms))}{delay}"
        lines += _fact("Runbook", text, "bold", width)
    return lines
