"""The JetStream site: a vendor's management appliance, looked at through its one published call.

Open `polled_site.py` first. `appliance.py` asks, `answer_parser.py` reads, `status_view.py` shows,
`vm_guard.py` watches the VMs in vCenter.
"""

from __future__ import annotations

from pathlib import Path

from drdeck.config.settings import JetStreamSettings
from drdeck.sites.contract import PasswordSource
from drdeck.sites.vsphere.login import connector

from .polled_site import JetStreamSite


def make_jetstream_site(
    name: str, settings: JetStreamSettings, passwords: PasswordSource, state: Path | None = None
) -> JetStreamSite:
    """The site of these settings; `passwords` is asked at each login to the vCenter.

    `state`: directory for what outlives the process; None: nothing does.
    """
    return JetStreamSite(name, settings, connector(settings.login, passwords), state)
