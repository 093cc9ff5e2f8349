"""Demand for a new view: soon, at once, or whether or not it differs from the last one."""

from __future__ import annotations

import asyncio

from drdeck.sites.vsphere.view.site_state import SiteState

PRESSING_S = 1.0
"""So long after a domain's last call ended a view is made at once of whatever vCenter tells."""


class ViewDemand:
    """Demands by whoever changes something at a site; the loop of its views waits for them."""

    def __init__(self, state: SiteState) -> None:
        self._state = state
        self.wake = asyncio.Event()
        """something may differ from the last view"""
        self.hurried = asyncio.Event()
        """somebody waits for the next view"""
        self.forced = False
        """the next view is given even if nothing in it differs"""
        self.viewed = 0
        """serial of the inventory of which the last view was made"""
        self._pressing_until_s = 0.0
        """what vCenter tells before then is what a domain waits for, by the loop's clock"""

    def show(self) -> None:
        """Give a new view, whether or not it differs."""
        self.forced = True
        self.hurried.set()
        self.wake.set()

    def hurry(self, awaited: bool) -> None:
        """An act may have changed something; `awaited`: its domain has no other one under way, and goes on
        once vCenter has told of it."""
        watch = self._state.watch
        if awaited and watch is not None:
            self._pressing_until_s = asyncio.get_running_loop().time() + PRESSING_S
            watch.hurry()
            if watch.inventory is not None and watch.inventory.serial != self.viewed:
                self.hurried.set()
        self.wake.set()

    def read(self) -> None:
        """The inventory was read anew."""
        if asyncio.get_running_loop().time() < self._pressing_until_s:
            self.hurried.set()
        self.wake.set()
