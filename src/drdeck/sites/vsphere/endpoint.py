"""A vCenter of the settings as something to connect to."""

from __future__ import annotations

from drdeck.settings import VCenterSettings

from .transport import Endpoint


def endpoint_of(vcenter: VCenterSettings) -> Endpoint:
    """Where a vCenter of the settings is, and what makes us believe it."""
    return Endpoint(
        url=vcenter.url,
        ca_file=vcenter.ca_file,
        thumbprint=vcenter.thumbprint,
        insecure=vcenter.insecure,
    )
