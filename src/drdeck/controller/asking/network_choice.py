"""Recovery networks for the protected ones: as typed, chosen before, in the settings, or the only one."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from drdeck.model.domains import Domain, Networks
from drdeck.model.text import some, spelled_as
from drdeck.model.views import SiteView
from drdeck.model.words.nearest_name import nearest

ALL_LEFT = "*"
"""In place of a protected network: all that nothing else is typed for."""


def network_slip(typed: Mapping[str, str], domain: Domain) -> str | None:
    """The sentence about a network that there is not; None where all that was typed exists."""
    networks = domain.networks
    for source, target in typed.items():
        if networks.protected and source not in (*networks.protected, ALL_LEFT):
            where = f'no VM of "{domain.name}" is on a network "{source}"; they are on'
            return f"{where} {_offer(source, networks.protected)}"
        alike = [name for name in networks.recovery if name.startswith(f"{target} (") and name.endswith(")")]
        if target not in networks.recovery and len(alike) > 1:
            places = networks.places
            these = some([f'"{n}" {places[n]}' if n in places else f'"{n}"' for n in alike], 8, "; ")
            return f'the recovery site has {len(alike)} networks "{target}"; name one with its id: {these}'
        if networks.recovery and target not in networks.recovery:
            return (
                f'the recovery site has no network "{target}"; it offers {_offer(target, networks.recovery)}'
            )
    return None


def network_mapping(typed: Mapping[str, str], networks: Networks) -> dict[str, str]:
    """Protected network -> recovery network, of those that have one; what was typed counts most."""
    mapping = {}
    for source in networks.protected:
        target = typed.get(source) or typed.get(ALL_LEFT) or networks.proposed.get(source)
        if target is not None:
            mapping[source] = target
    return mapping


def unmapped_says(mapping: Mapping[str, str], domain: Domain) -> str | None:
    """The sentence about all networks that have no recovery network; None where each has one."""
    networks = domain.networks
    left = [source for source in networks.protected if source not in mapping]
    if not left:
        return None
    lacking = "have no recovery network yet" if len(left) > 1 else "has no recovery network yet"
    these = ", ".join(f'"{source}"' for source in left)
    how = f"map {'them' if len(left) > 1 else 'it'} with " + " ".join(
        f'--network "{source}=NAME"' for source in left
    )
    if len(left) > 1:
        how += f', or all at once with --network "{ALL_LEFT}=NAME"'
    wrong = [
        f'; the settings say "{networks.defaults[source]}" for "{source}", which is not offered'
        for source in left
        if source in networks.defaults
    ]
    offered = ", ".join(networks.recovery) or "none"
    return (
        f'{"networks" if len(left) > 1 else "the network"} {these} of "{domain.name}" {lacking};'
        f" {how}; the recovery site offers: {offered}{''.join(wrong)}"
    )


def with_defaults(view: SiteView, settings: Mapping[str, str]) -> SiteView:
    """The view with what the site's settings say of networks in each of its domains."""
    if not settings:
        return view
    return msgspec.structs.replace(view, domains=tuple(_with_defaults(d, settings) for d in view.domains))


def _with_defaults(domain: Domain, settings: Mapping[str, str]) -> Domain:
    pairs = {source: _default(source, settings) for source in domain.networks.protected}
    defaults = {source: target for source, target in pairs.items() if target}
    networks = msgspec.structs.replace(domain.networks, defaults=defaults)
    return msgspec.structs.replace(domain, networks=networks)


def _default(source: str, settings: Mapping[str, str]) -> str | None:
    return settings.get(spelled_as(source, list(settings))) or settings.get(ALL_LEFT)


def _offer(typed: str, names: tuple[str, ...]) -> str:
    close = nearest(typed, names)
    offer = some([f'"{name}"' for name in names], 8)
    return f'{offer}; did you mean "{close}"?' if close is not None else offer
