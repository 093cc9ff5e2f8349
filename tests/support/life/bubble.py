"""A test VM at a simulated vCenter, and what others may do to it so that a condition of its end fails."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
import pytest
from pyVmomi import vim

from drdeck.sites.vsphere.vcenter.calls.call_arguments import CloneArguments, TrialVmArguments
from drdeck.sites.vsphere.vcenter.calls.trials import trial_removal
from drdeck.sites.vsphere.vcenter.calls.trials.linked_clone import Cloned, linked_clone
from drdeck.sites.vsphere.vcenter.calls.trials.trial_marks import MARK, MARK_OF
from drdeck.sites.vsphere.vcenter.calls.trials.trial_removal import Removed
from tests.support.vcenter import rehearsing
from tests.support.vcenter.vcsim import VCenter

SOURCE, OTHER = "erp-db01", "erp-app01"
MARKER = "op-1:00112233445566778899aabbccddeeff"


class Bubble(NamedTuple):
    """A vCenter with one test VM, and the session and arguments with which it is removed."""

    vcenter: VCenter
    folder: Any
    clone: Any
    session: Any
    args: dict[str, str]

    def remove(self) -> Removed:
        steps = trial_removal.remove_test(self.session, self.clone._moId, TrialVmArguments.of(self.args))
        return msgspec.json.decode(run(self.vcenter, steps), type=Removed)

    def reconfigure(self, **changes: Any) -> None:
        self.vcenter.when_free(lambda: self.clone.ReconfigVM_Task(vim.vm.ConfigSpec(**changes)))


def run(vcenter: VCenter, steps: Any) -> str:
    """Drive a call's steps to its end."""
    try:
        task = next(steps)
        while True:
            try:
                vcenter.done(task)
            except Exception as fault:
                task = steps.throw(fault)
            else:
                task = next(steps)
    except StopIteration as over:
        return str(over.value)


def cloned_from(b: Bubble, vm: str, marker: str = MARKER, ending: str = "") -> Any:
    """The test VM that a call makes of another VM, or finds."""
    source = b.vcenter.vm(vm)
    network = next(n for n in b.vcenter.datacenter.networkFolder.childEntity if n.name == rehearsing.BUBBLE)
    start = {
        "folder": b.folder._moId,
        "marker": marker,
        "name": f"drdeck-test-erp-{vm}{ending}",
        "snapshot": b.vcenter.snapshots(vm)[-1].id,
        "annotation": "a test",
        "pool": "",
        f"move:{source.network[0]._moId}": network._moId,
    }
    answer = run(b.vcenter, linked_clone(b.session, source._moId, CloneArguments.of(start), "clone it"))
    return vim.VirtualMachine(msgspec.json.decode(answer, type=Cloned).vm, b.vcenter.si._stub)


@pytest.fixture
def bubble(vcenter: VCenter) -> Bubble:
    vcenter.layout({"erp": [SOURCE, OTHER]})
    folder, network = rehearsing.make_test_folder(vcenter), rehearsing.make_isolated_network(vcenter)
    session = SimpleNamespace(stub=vcenter.si._stub, content=vcenter.content)
    source = vcenter.vm(SOURCE)
    start = {
        "folder": folder._moId,
        "marker": MARKER,
        "name": "drdeck-test-erp-erp-db01",
        "snapshot": vcenter.snapshots(SOURCE)[-1].id,
        "annotation": "a test",
        "pool": "",
        f"move:{source.network[0]._moId}": network._moId,
    }
    answer = run(vcenter, linked_clone(session, source._moId, CloneArguments.of(start), "clone it"))  # type: ignore[arg-type]
    cloned = msgspec.json.decode(answer, type=Cloned)
    again = run(vcenter, linked_clone(session, source._moId, CloneArguments.of(start), "clone it"))  # type: ignore[arg-type]
    assert again == answer, "what the marker finds is not cloned again"
    args = {
        "uuid": cloned.uuid,
        "marker": MARKER,
        "of": source._moId,
        "bases": " ".join(cloned.bases),
        "folder": folder._moId,
        "root": vcenter.root_folder._moId,
        "prefix": "drdeck-test-",
    }
    return Bubble(vcenter, folder, vim.VirtualMachine(cloned.vm, vcenter.si._stub), session, args)


def test_it_goes_while_all_hold_and_takes_nothing_with_it(bubble: Bubble) -> None:
    bubble.vcenter.power_on(bubble.clone)
    before = bubble.vcenter.snapshots(SOURCE)
    assert bubble.remove() == Removed()
    assert [x.shared for x in rehearsing.destroyed(bubble.vcenter)] == [()]
    assert bubble.vcenter.snapshots(SOURCE) == before
    assert bubble.remove() == Removed(), "and is gone"


def other_id(b: Bubble) -> None:
    """The id of another VM stands where the clone's is to be."""
    b.args["uuid"] = "4210e1cd-0000-5092-9e5c-0ff0f2ef1bc7"


def twin(b: Bubble) -> None:
    """The replica itself has the UUID that the clone had."""
    uuid = b.vcenter.read(b.clone, "config.uuid")["config.uuid"]
    b.vcenter.when_free(lambda: b.vcenter.vm(OTHER).ReconfigVM_Task(vim.vm.ConfigSpec(uuid=uuid)))


def unmarked(b: Bubble) -> None:
    b.reconfigure(extraConfig=[vim.option.OptionValue(key=MARK, value="op-2:somebody")])


def other_source(b: Bubble) -> None:
    """Its mark says that it is the clone of another VM."""
    b.reconfigure(extraConfig=[vim.option.OptionValue(key=MARK_OF, value=b.vcenter.vm(OTHER)._moId)])


def moved(b: Bubble) -> None:
    b.vcenter.done(b.vcenter.folder("erp").MoveIntoFolder_Task([b.clone]))


def folder_moved(b: Bubble) -> None:
    b.vcenter.done(b.vcenter.root_folder.MoveIntoFolder_Task([b.folder]))


def folder_is_the_root(b: Bubble) -> None:
    """The settings' root was set to the test folder."""
    b.args["root"] = b.args["folder"]


def renamed(b: Bubble) -> None:
    b.vcenter.rename(b.clone, "keep-this-one")


def template(b: Bubble) -> None:
    b.vcenter.configure(b.clone, "template", "true")


def managed(b: Bubble) -> None:
    b.vcenter.configure(b.clone, "managedBy", "com.vmware.vcDr")


def in_a_vapp(b: Bubble) -> None:
    """Somebody put it into a vApp that is in the test folder."""
    b.vcenter.put_in_vapp(b.clone, b.vcenter.make_vapp("erp", folder=b.folder))


def snapshot(b: Bubble) -> None:
    b.vcenter.make_snapshot(b.clone, "my work")


def foreign_disk(b: Bubble) -> None:
    """Somebody attached the other VM's disk, to look into it."""
    ((file, _),) = rehearsing.disk_files(b.vcenter, OTHER)
    rehearsing.attach_disk(b.vcenter, b.clone, file)


def own_disk_of_the_source(b: Bubble) -> None:
    """Somebody attached the replica's disk itself."""
    ((file, _),) = rehearsing.disk_files(b.vcenter, SOURCE)
    rehearsing.attach_disk(b.vcenter, b.clone, file)


def disk_of_a_clone_elsewhere(b: Bubble) -> None:
    """Somebody attached the disk of a linked clone of their own, which stands on the same file; no look at
    the VMs of root and test folder meets that clone."""
    point = b.vcenter.snapshots(SOURCE)[-1].name
    theirs = rehearsing.clone(b.vcenter, SOURCE, b.vcenter.datacenter.vmFolder, "colleague", point)
    ((file, base),) = rehearsing.disk_files(b.vcenter, theirs)
    rehearsing.attach_disk(b.vcenter, b.clone, file, base)


def raw_disk(b: Bubble) -> None:
    b.vcenter.add_device(b.clone, "rdm-virtual")


def independent(b: Bubble) -> None:
    b.vcenter.add_device(b.clone, "independent_persistent")


def made_independent(b: Bubble) -> None:
    """Its own disk is not reverted with snapshots any more, so somebody keeps data there."""
    rehearsing.change_disk_mode(b.vcenter, b.clone, "independent_persistent")


def disk_of_its_own(b: Bubble) -> None:
    """Somebody gave it a further disk, beside its own in the VM's directory, to keep data there."""
    rehearsing.add_disk(b.vcenter, b.clone)


def other_base(b: Bubble) -> None:
    """Its disk stands on another file than when it was cloned."""
    b.args["bases"] = "0123456789ab"


def cloned_again(b: Bubble) -> None:
    """Somebody made a linked clone of the test VM."""
    _clone_into(b, b.folder)


def cloned_into_the_root(b: Bubble) -> None:
    """Somebody made one beside the replicas, which stands on the test VM's disk."""
    _clone_into(b, b.vcenter.folder("erp"))


def _clone_into(b: Bubble, folder: Any) -> None:
    b.vcenter.make_snapshot(b.clone, "base")
    rehearsing.clone(b.vcenter, b.clone, folder, "colleague", "base")
    b.vcenter.remove_snapshot(b.clone, "base")


SPOILED: list[tuple[Callable[[Bubble], None], str]] = [
    (other_id, "instance UUID"),
    (twin, "has the UUID of erp-app01"),
    (unmarked, "the mark of its test is not in its configuration"),
    (other_source, "its mark names another VM"),
    (moved, "not in the test folder"),
    (folder_moved, "the test folder is in the root"),
    (folder_is_the_root, "the test folder is in the root"),
    (renamed, "does not begin with"),
    (template, "template"),
    (managed, "managed by com.vmware.vcDr"),
    (in_a_vapp, "in a vApp"),
    (snapshot, "has a snapshot"),
    (foreign_disk, "is not in its own directory; detach it (drdeck test detach)"),
    (own_disk_of_the_source, "is not in its own directory"),
    (disk_of_a_clone_elsewhere, "is not in its own directory"),
    (raw_disk, "detach it"),
    (independent, "detach it"),
    (made_independent, "detach it"),
    (disk_of_its_own, "detach it"),
    (other_base, "stands on another file"),
    (cloned_again, "colleague stands on its disk"),
    (cloned_into_the_root, "colleague stands on its disk"),
]
