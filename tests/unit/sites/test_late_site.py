"""A vCenter's site before it is imported: the controller answers, and nothing is lost of what it is asked."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drdeck.config.settings import VSphereSettings
from drdeck.controller.controller import Controller
from drdeck.controller.ipc.client import Client, ControllerError
from drdeck.controller.ipc.server import Server
from drdeck.controller.journal.event_store import Journal
from drdeck.model.actions.request import Request
from drdeck.model.commands import ExitSession
from drdeck.model.domains import Domain, Mode, Owner
from drdeck.model.views import NOT_SEEN
from drdeck.sites import contract, late_site, make_site
from drdeck.sites.contract import Refused, SiteUnreachable
from drdeck.sites.late_site import LateSite
from drdeck.sites.vsphere import make_vsphere_site
from tests.support.fakesite import START, FakeSite
from tests.support.passwords import OnePassword
from tests.support.waiting import ended, eventually

SETTINGS = VSphereSettings(url="https://vcsa.example/sdk", username="u", root="/DC0/vm/drdeck", parallel=3)


class Imported(FakeSite):
    """The site behind it; `records` can be given before the first view."""

    def __init__(self) -> None:
        super().__init__()
        self.on_records: Any = None
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1


class Late:
    """A late site whose import lasts until `imported` is set, on a controller's socket."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.imported, self.thread = threading.Event(), ""
        self.site, self.makes = Imported(), 0
        monkeypatch.setattr(late_site, "importlib", SimpleNamespace(import_module=self._import))
        make: Any = self._make
        self.late = LateSite("dr", SETTINGS, "some.room", make)
        self.path = directory / "run" / "controller.sock"
        self.controller = Controller(self.late, Journal(directory / "journal.db"))
        self.server = Server(self.controller, self.path, lambda: None)

    def _import(self, room: str) -> None:
        assert room == "some.room"
        self.thread = threading.current_thread().name
        assert self.imported.wait(60)

    def _make(self) -> Imported:
        assert threading.current_thread() is threading.main_thread(), "it opens files of one thread"
        self.makes += 1
        return self.site


async def test_the_controller_answers_before_the_import_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Late(tmp_path, monkeypatch)
    await rig.server.start()
    running = asyncio.create_task(rig.controller.run())
    try:
        async with Client(rig.path, "console") as client:
            await eventually(lambda: rig.thread)
            assert client.welcome is not None
            assert (client.welcome.site, client.welcome.kind) == ("dr", "vsphere")
            listing = await client.get_listing()
            assert (listing.error, listing.domains) == (NOT_SEEN, ())
            with pytest.raises(ControllerError) as refused:
                await client.submit(Request(action="pitr_exit", domain="erp", confirm="erp"))
            assert (refused.value.code, str(refused.value)) == ("unreachable", NOT_SEEN)
            assert rig.late.check(ExitSession(operation="op", domain="erp")) == NOT_SEEN
            assert rig.late.maintenance_due(START) == []
            with pytest.raises(SiteUnreachable):
                rig.late.watch()
            requests = [asyncio.create_task(rig.late.findings()) for _ in range(2)]
            await asyncio.sleep(0)
            assert rig.makes == 0
            rig.imported.set()
            assert [[f.text for f in await one] for one in requests] == [["is fake"]] * 2
            await eventually(lambda: rig.controller.watcher.error is None)
            assert [d.name for d in (await client.get_listing()).domains] == ["erp"]
            assert rig.makes == 1, "whoever asks meanwhile waits for the same site"
    finally:
        rig.imported.set()
        await rig.server.close()
        await ended(running)
        rig.controller.journal.close()
    assert rig.site.closed == 1


async def test_records_that_come_before_the_first_view_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Late(tmp_path, monkeypatch)
    rig.imported.set()
    await rig.late.open()
    record = Domain(id="erp", name="erp", mode=Mode.IMPORTED, owner=Owner.REMOTE, unread=True)
    rig.site.on_records((record,))
    assert rig.controller.watcher.records == (record,)
    rig.controller.journal.close()


async def test_one_that_is_closed_before_it_was_imported_is_never_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Late(tmp_path, monkeypatch)
    await rig.late.close()
    assert rig.makes == 0 and rig.site.closed == 0
    rig.controller.journal.close()


async def test_settings_that_no_site_can_be_made_of_are_told_as_such() -> None:
    def make() -> Any:
        raise ValueError("'x' is no vCenter URL")

    with pytest.raises(Refused, match="is no vCenter URL"):
        await LateSite("dr", SETTINGS, "drdeck.sites.vsphere", make).open()


def test_it_is_what_a_vcenters_site_is(tmp_path: Path) -> None:
    """Whatever the controller asks of one it may ask of the other, before and after."""
    site = make_vsphere_site("dr", SETTINGS, OnePassword("p"))
    late = make_site("dr", SETTINGS, tmp_path, OnePassword("p"))
    assert isinstance(late, LateSite)
    kinds = [kind for kind in vars(contract).values() if getattr(kind, "_is_runtime_protocol", False)]
    assert len(kinds) >= 6
    assert [isinstance(site, kind) for kind in kinds] == [isinstance(late, kind) for kind in kinds]
    public = {name for name in vars(type(site)) if not name.startswith("_")}
    assert public <= {name for name in dir(late) if not name.startswith("_")}
    for name in ("name", "kind", "parallel", "keeps_points", "call_places"):
        assert getattr(late, name) == getattr(site, name), name
