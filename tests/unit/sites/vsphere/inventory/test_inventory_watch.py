"""The inventory under a root folder: complete, brought up to date by deltas, at a fixed price."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from drdeck.sites.contract import Refused, SiteUnreachable
from drdeck.sites.vsphere.inventory import inventory_watch
from drdeck.sites.vsphere.inventory.inventory_facts import decode_name, encode_name
from tests.support.vcenter.inventory_watching import domain_vms, until, watching
from tests.support.vcenter.soapcount import answered_objects, soap_calls
from tests.support.vcenter.vcsim import VCenter
from tests.support.waiting import eventually

ODD = ["erp prod", "a/b", "back\\slash", "100%", "%2f", "[bold]red[/]", "quo\"te'd", "Überfällig 東京"]


async def test_everything_is_there(vcenter: VCenter) -> None:
    at = datetime(2026, 1, 16, 22, 42, tzinfo=UTC)
    vcenter.layout(
        {"erp": ["db01", "web01"], "empty": [], "other": ["db01"]},
        snapshots=[("HBR 1", at), ("drdeck-2026-01-16T23:00:00Z", at + timedelta(minutes=18))],
    )
    vcenter.add_vm("erp", "bare", network="VM Network", running=True)
    vcenter.set_ip("bare", "10.1.2.3")
    vcenter.set_attribute("erp", "drdeck.mode", '{"mode":"imported"}')
    async with watching(vcenter) as watch:
        inventory = await watch.refresh()
    assert [d.name for d in inventory.domains] == ["empty", "erp", "other"]
    assert inventory.root.name == "drdeck"
    erp = domain_vms(inventory, "erp")
    assert list(erp) == ["bare", "db01", "web01"]
    assert domain_vms(inventory, "empty") == {}
    assert domain_vms(inventory, "other")["db01"].id != erp["db01"].id
    db = erp["db01"]
    assert (db.power, db.connection, db.template, db.tools_running, db.addresses) == (
        "off",
        "connected",
        False,
        False,
        (),
    )
    assert db.instance_uuid and db.host.startswith("host-")
    assert [(s.name, s.created) for s in db.snapshots] == [
        ("HBR 1", at),
        ("drdeck-2026-01-16T23:00:00Z", at + timedelta(minutes=18)),
    ]
    assert db.snapshots[1].parent_id == db.snapshots[0].id and db.snapshots[0].parent_id is None
    assert db.current_snapshot == db.snapshots[1].id
    assert inventory.network_names(db.networks) == ("DC0_DVPG0",)
    bare = erp["bare"]
    assert (bare.power, bare.tools_running, bare.addresses, bare.snapshots) == ("on", True, ("10.1.2.3",), ())
    assert bare.current_snapshot is None
    assert inventory.network_names(bare.networks) == ("VM Network",)
    assert {"DC0_DVPG0", "DC0_DVPG1", "VM Network"} <= {n.name for n in inventory.networks.values()}
    assert {d.name: dict(d.attributes) for d in inventory.domains} == {
        "empty": {},
        "erp": {"drdeck.mode": '{"mode":"imported"}'},
        "other": {},
    }


async def test_odd_names(vcenter: VCenter) -> None:
    vcenter.layout({name: [name] for name in ODD}, root="my/root [x]", snapshots=())
    async with watching(vcenter) as watch:
        inventory = await watch.refresh()
    assert inventory.root.name == "my/root [x]"
    assert {d.name for d in inventory.domains} == set(ODD)
    for name in ODD:
        assert list(domain_vms(inventory, name)) == [name]


@pytest.mark.parametrize("name", [*ODD, "%", "%%2f", "%252f", ""])
def test_names_come_back_as_they_were(name: str) -> None:
    assert decode_name(encode_name(name)) == name
    assert "/" not in encode_name(name)


async def test_the_price_does_not_grow_with_the_vms(vcenter: VCenter, protected_vcenter: VCenter) -> None:
    prices: list[list[Counter[str]]] = []
    for server, count in ((vcenter, 2), (protected_vcenter, 200)):
        server.hostile("pieces", False)  # a piece for each 100 objects, by one call each
        server.layout({f"d{i}": [f"vm{i}-{j}" for j in range(count // 2)] for i in range(2)})
        async with watching(server) as watch:
            steps: list[Counter[str]] = []
            with soap_calls() as calls:
                inventory = await watch.refresh()
            steps.append(calls)
            assert len(inventory.vms) == count
            changes = watch.changes()
            await anext(changes)
            server.power_on("vm0-0")
            with soap_calls() as calls:
                await until(changes, lambda inventory: domain_vms(inventory, "d0")["vm0-0"].power == "on")
            steps.append(calls)
            with soap_calls() as calls:
                await watch.refresh_attributes()
            steps.append(calls)
            prices.append(steps)
            await changes.aclose()  # type: ignore[attr-defined]
    small, large = prices
    assert small[0] == large[0]
    assert small[2] == large[2] and large[2]["RetrievePropertiesEx"] == 1 and large[2].total() == 1
    for steps in prices:
        assert set(steps[1]) == {"WaitForUpdatesEx"} and steps[1].total() <= 3
    assert large[0].total() < 15


async def test_deltas(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01", "web01"]})
    async with watching(vcenter) as watch:
        changes = watch.changes()
        first = await anext(changes)
        web = domain_vms(first, "erp")["web01"]

        vcenter.power_on("db01")
        inventory = await until(changes, lambda inventory: domain_vms(inventory, "erp")["db01"].power == "on")
        assert domain_vms(inventory, "erp")["web01"] is web  # what did not change is the same object
        assert inventory.serial > first.serial

        vcenter.set_tools("db01", True)
        vcenter.set_ip("db01", "10.9.8.7")
        inventory = await until(
            changes, lambda inventory: domain_vms(inventory, "erp")["db01"].addresses == ("10.9.8.7",)
        )
        assert domain_vms(inventory, "erp")["db01"].tools_running

        by_hand = vcenter.make_snapshot("db01", "by hand")
        inventory = await until(
            changes, lambda inventory: domain_vms(inventory, "erp")["db01"].current_snapshot == by_hand
        )
        assert domain_vms(inventory, "erp")["db01"].snapshots[-1].name == "by hand"

        oldest = vcenter.snapshots("db01")[0]
        vcenter.revert("db01", oldest.name)
        inventory = await until(
            changes, lambda inventory: domain_vms(inventory, "erp")["db01"].current_snapshot == oldest.id
        )
        assert len(domain_vms(inventory, "erp")["db01"].snapshots) == 4

        for snapshot in vcenter.snapshots("web01"):
            vcenter.remove_snapshot("web01", snapshot.name)
        inventory = await until(
            changes, lambda inventory: not domain_vms(inventory, "erp")["web01"].snapshots
        )
        assert domain_vms(inventory, "erp")["web01"].current_snapshot is None

        vcenter.set_connection("web01", "disconnected")
        await until(
            changes, lambda inventory: domain_vms(inventory, "erp")["web01"].connection == "disconnected"
        )

        vcenter.add_vm("erp", "new")
        inventory = await until(changes, lambda inventory: "new" in domain_vms(inventory, "erp"))
        assert domain_vms(inventory, "erp")["new"].networks
        vcenter.remove_vm("new")
        await until(changes, lambda inventory: "new" not in domain_vms(inventory, "erp"))

        vcenter.add_domain("later")
        await until(changes, lambda inventory: any(d.name == "later" for d in inventory.domains))
        vcenter.move_vm("web01", "later")
        inventory = await until(changes, lambda inventory: "web01" in domain_vms(inventory, "later"))
        assert list(domain_vms(inventory, "erp")) == ["db01"]

        vcenter.rename(vcenter.folder("later"), "much later")
        await until(changes, lambda inventory: "web01" in domain_vms(inventory, "much later"))


async def test_running_tasks_are_asked_for(vcenter: VCenter) -> None:
    """register V3: no change of recentTask is notified."""
    vcenter.layout({"erp": ["db01", "web01"]})
    async with watching(vcenter) as watch:
        first = await watch.refresh()
        db, web = (domain_vms(first, "erp")[name].id for name in ("db01", "web01"))
        vcenter.slow("PowerOnVM_Task", "db01", ms=600_000)
        task = vcenter.vm("db01").PowerOnVM_Task()
        assert not domain_vms(await watch.refresh(), "erp")["db01"].running_tasks, "nobody told"
        with soap_calls() as calls:
            assert await watch.ask_tasks([db, web]) == {db: (task._moId,)}
        assert calls == {"RetrievePropertiesEx": 1} and watch.busy == (db,)
        assert watch.inventory is not None
        assert domain_vms(watch.inventory, "erp")["db01"].running_tasks == (task._moId,)
        vcenter.release()
        await eventually(lambda: vcenter.power("db01") == "on")
        while await watch.ask_tasks([db]):
            pass
        assert not watch.busy and not domain_vms(watch.inventory, "erp")["db01"].running_tasks


async def test_tasks_are_asked_for_while_all_is_read_anew(vcenter: VCenter) -> None:
    """A VM that a collector begun anew has not told of yet was taken for one that has gone."""
    vcenter.layout({"erp": ["db01", "web01"]})
    async with watching(vcenter) as watch:
        first = await watch.refresh()
        ids = [vm.id for vm in domain_vms(first, "erp").values()]
        vcenter.lose_answer("WaitForUpdatesEx")
        with pytest.raises(SiteUnreachable):
            await watch.refresh()
        vcenter.hold("WaitForUpdatesEx")
        before = vcenter.calls()
        reading = asyncio.create_task(watch.refresh())
        await eventually(lambda: (vcenter.calls() - before)["CreateFilter"] == 1)
        assert await watch.ask_tasks(ids) == {}
        assert watch.inventory is not None
        assert sorted(domain_vms(watch.inventory, "erp")) == ["db01", "web01"]
        vcenter.release()
        with pytest.raises(SiteUnreachable):  # whose connection was closed meanwhile
            await reading
        assert sorted(domain_vms(await watch.refresh(), "erp")) == ["db01", "web01"]


async def test_attributes_are_seen_after_writing_and_at_each_time_out(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01"]})
    async with watching(vcenter, poll_s=1) as watch:
        changes = watch.changes()
        await anext(changes)
        vcenter.set_attribute("erp", "drdeck.mode", "one")
        with soap_calls() as calls:
            inventory = await watch.refresh_attributes()
        assert calls == {"RetrievePropertiesEx": 1}
        assert inventory.domains[0].attributes == {"drdeck.mode": "one"}
        assert (await anext(changes)).serial == inventory.serial
        vcenter.set_attribute("erp", "drdeck.mode", "two")  # another host: nobody tells us
        await until(changes, lambda inventory: inventory.domains[0].attributes == {"drdeck.mode": "two"})
        vcenter.set_attribute("erp", "drdeck.mode", "")
        await until(changes, lambda inventory: inventory.domains[0].attributes == {})


async def test_attributes_of_a_folder_that_changed_are_read_and_no_others(vcenter: VCenter) -> None:
    names = [f"domain{number:02}" for number in range(30)]
    vcenter.layout({name: [] for name in names})
    for name in names:
        vcenter.set_attribute(name, "drdeck.mode", "m" * 200)
    async with watching(vcenter, poll_s=600) as watch:
        changes = watch.changes()
        await anext(changes)
        vcenter.set_attribute("domain07", "drdeck.mode", "one")
        before = vcenter.bytes_of_calls()
        vcenter.rename(vcenter.folder("domain07"), "seventh")
        inventory = await until(
            changes, lambda inventory: any(d.name == "seventh" for d in inventory.domains)
        )
        read = (vcenter.bytes_of_calls() - before)["RetrievePropertiesEx"]
        assert read < 5000, "all of them have twice as much"
        modes = {d.name: d.attributes["drdeck.mode"] for d in inventory.domains}
        assert modes.pop("seventh") == "one"
        assert set(modes.values()) == {"m" * 200} and len(modes) == 29
        vcenter.set_attribute("seventh", "new.name", "two")  # defined since the names were read
        vcenter.rename(vcenter.folder("seventh"), "again")
        inventory = await until(changes, lambda inventory: any(d.name == "again" for d in inventory.domains))
        assert next(d for d in inventory.domains if d.name == "again").attributes["new.name"] == "two"


async def test_after_a_write_one_folder_is_read_whatever_their_number(vcenter: VCenter) -> None:
    names = [f"d{n}" for n in range(12)]
    vcenter.layout({name: [] for name in names})
    for name in names:
        vcenter.set_attribute(name, "drdeck.mode", "one")
    async with watching(vcenter) as watch:
        first = await watch.refresh()
        own = next(folder for folder in first.domains if folder.name == "d3")
        for name in ("d3", "d4"):
            vcenter.set_attribute(name, "drdeck.mode", "two")
        with answered_objects() as objects, soap_calls() as calls:
            inventory = await watch.refresh_attributes([own.id])
        assert calls == {"RetrievePropertiesEx": 1} and objects == {"Folder": 1}
        modes = {folder.name: folder.attributes["drdeck.mode"] for folder in inventory.domains}
        assert modes == {name: "two" if name == "d3" else "one" for name in names}
        same = {folder.name for folder in first.domains if folder is inventory.folders[folder.id]}
        assert same == {*names} - {"d3"}
        # one of a definition that was made meanwhile: then all are read
        vcenter.set_attribute("d3", "drdeck.new", "x")
        inventory = await watch.refresh_attributes([own.id])
        assert inventory.folders[own.id].attributes == {"drdeck.mode": "two", "drdeck.new": "x"}


async def test_what_is_written_at_a_folder_leaves_all_vms_in_their_places(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["app"], "mail": ["mx"]})
    async with watching(vcenter) as watch:
        before = await watch.refresh()
        erp, mail = before.domains
        assert before.vms_of(erp.id) and not before.templates_of(erp.id) and not before.strays
        vcenter.set_attribute("mail", "drdeck.mode", "imported")
        after = await watch.refresh_attributes([mail.id])
        assert after.folders[mail.id].attributes == {"drdeck.mode": "imported"}
        assert after is not before and after.vms is before.vms, "no VM was touched"
        assert after.networks is before.networks
        assert after.vms_of(erp.id) is before.vms_of(erp.id), "placed once, whatever is written"
        vcenter.power_on("app")
        later = await watch.refresh()
        assert {name: vm.power for name, vm in domain_vms(later, "erp").items()} == {"app": "on"}


async def test_somebody_who_waits_for_news_cuts_the_gathering_short(
    vcenter: VCenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory_watch, "_GATHER_S", 3600.0)
    monkeypatch.setattr(inventory_watch, "_GATHER", 1e9)
    vcenter.layout({"erp": ["db01"]})
    async with watching(vcenter) as watch:
        changes = watch.changes()
        await anext(changes)
        for _ in range(2):  # the answer to the first one is what is rested after
            vcenter.power_on("db01")
            watch.hurry()
            await until(changes, lambda inventory: domain_vms(inventory, "erp")["db01"].power == "on")
            vcenter.power_off("db01")
            watch.hurry()
            await until(changes, lambda inventory: domain_vms(inventory, "erp")["db01"].power == "off")


async def test_refresh_does_not_wait_for_the_long_poll(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01"]})
    async with watching(vcenter, poll_s=600) as watch:
        changes = watch.changes()
        first = await anext(changes)
        waiting = asyncio.ensure_future(anext(changes))
        await eventually(lambda: vcenter.calls()["WaitForUpdatesEx"] == 2)
        async with asyncio.timeout(60):
            assert (await watch.refresh()).serial == first.serial
            vcenter.set_attribute("erp", "drdeck.mode", "w")
            await eventually(lambda: watch._long)  # the long poll is out again
            before = vcenter.calls()
            inventory = await watch.refresh_attributes()
            assert inventory.domains[0].attributes == {"drdeck.mode": "w"}
            calls = vcenter.calls() - before
            assert calls.pop("WaitForUpdatesEx", 0) <= 1 and calls == {"RetrievePropertiesEx": 1}
            assert (await waiting).serial == inventory.serial
            waiting = asyncio.ensure_future(anext(changes))
            vcenter.set_attribute("erp", "drdeck.mode", "x")
            inventory = await watch.refresh()
            assert inventory.domains[0].attributes == {"drdeck.mode": "x"}
            assert (await waiting).serial == inventory.serial
            # refreshing all the time starves nobody
            vcenter.power_on("db01")
            together = await asyncio.gather(*(watch.refresh() for _ in range(5)))
            assert {domain_vms(seen, "erp")["db01"].power for seen in together} == {"on"}


async def test_a_lost_session_is_begun_anew(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01"]})
    async with watching(vcenter, poll_s=1) as watch:
        changes = watch.changes()
        await anext(changes)
        vcenter.expire_sessions()
        vcenter.power_on("db01")
        await until(changes, lambda inventory: domain_vms(inventory, "erp")["db01"].power == "on")
        vcenter.expire_sessions()
        vcenter.set_attribute("erp", "a", "b")
        assert (await watch.refresh_attributes()).domains[0].attributes == {"a": "b"}


async def test_a_lost_answer_loses_no_change(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01"]})
    async with watching(vcenter) as watch:
        changes = watch.changes()
        await anext(changes)
        vcenter.lose_answer("WaitForUpdatesEx")
        waiting = asyncio.ensure_future(anext(changes))
        await eventually(lambda: vcenter.calls()["WaitForUpdatesEx"] == 2)
        vcenter.power_on("db01")
        with pytest.raises(SiteUnreachable):
            await waiting
        assert domain_vms(await anext(watch.changes()), "erp")["db01"].power == "on"


async def test_a_vcenter_that_goes_away(vcenter: VCenter) -> None:
    vcenter.layout({"erp": ["db01"]})
    async with watching(vcenter) as watch:
        changes = watch.changes()
        await anext(changes)
        waiting = asyncio.ensure_future(anext(changes))
        await eventually(lambda: vcenter.calls()["WaitForUpdatesEx"] == 2)
        vcenter.stop()
        with pytest.raises(SiteUnreachable, match="Could not read the inventory: vCenter"):
            await waiting
        with pytest.raises(SiteUnreachable):
            await watch.refresh()


async def test_two_vcenters_are_watched_by_the_same_means(
    vcenter: VCenter, protected_vcenter: VCenter
) -> None:
    domains = {"erp": ["db01", "web01"]}
    vcenter.layout(domains)
    protected_vcenter.protected_layout(domains)
    async with watching(vcenter) as here, watching(protected_vcenter) as there:
        ours, theirs = await here.refresh(), await there.refresh()
    assert {vm.power for vm in ours.vms.values()} == {"off"}
    assert {(vm.power, vm.tools_running) for vm in theirs.vms.values()} == {("on", True)}
    assert theirs.root.name == "prod"


@pytest.mark.parametrize(
    ("root", "message"),
    [
        ("/DC0/vm/nope", "/DC0/vm has a%2fb, drdeck"),
        ("/DC0/vm/drdeck/x/y", "/DC0/vm/drdeck has nothing in it"),
        ("/DC9/vm/drdeck", "/ has DC0"),
        ("/DC0/nope", "/DC0 has vm"),
        ("", "/ has DC0"),
        ("/DC0", "is no VM folder"),
        ("/DC0/host", "is no VM folder"),
        ("/DC0/datastore/LocalDS_0", "is no VM folder"),
    ],
)
async def test_a_root_that_is_not_there(vcenter: VCenter, root: str, message: str) -> None:
    vcenter.layout({}, root="a/b")
    vcenter.layout({})
    async with watching(vcenter, root) as watch:
        with pytest.raises(Refused) as caught:
            await watch.refresh()
    assert message in str(caught.value) and "\n" not in str(caught.value)


async def test_a_root_that_is_removed(vcenter: VCenter) -> None:
    vcenter.layout({})
    async with watching(vcenter) as watch:
        changes = watch.changes()
        await anext(changes)
        vcenter.when_free(lambda: vcenter.root_folder.Destroy_Task())
        with pytest.raises(Refused, match="/DC0/vm/drdeck"):
            await anext(changes)
        with pytest.raises(Refused, match="/DC0/vm/drdeck is not in"):
            await watch.refresh()
        vcenter.layout({"back": []})
        assert [d.name for d in (await watch.refresh()).domains] == ["back"]
