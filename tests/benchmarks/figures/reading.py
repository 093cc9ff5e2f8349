"""A first reading of a large site: by drdeck's watch, and by a bare pyvmomi script of the same properties."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from pyVmomi import SoapStubAdapter, vim, vmodl

from drdeck.sites.vsphere.inventory.inventory_watch import InventoryWatch
from drdeck.sites.vsphere.vcenter.connection import Connection, Endpoint
from drdeck.sites.vsphere.vcenter.properties import watch_spec
from tests.benchmarks.figures.large_site import LargeSite, read
from tests.benchmarks.figures.processes import memory_mb
from tests.support.vcenter.access import trusting


async def _by_drdeck(site: LargeSite) -> int:
    connection = Connection(Endpoint(url=site.url, ca_file=site.ca_file), site.user, site.password)
    await connection.open()
    inventory = await InventoryWatch(connection, site.root).refresh()
    await connection.close()
    return len(inventory.vms)


def _by_script(site: LargeSite) -> int:
    stub = SoapStubAdapter(url=site.url, version="vim.version.version11", sslContext=trusting())
    si: Any = vim.ServiceInstance("ServiceInstance", stub)
    content = si.RetrieveContent()
    content.sessionManager.Login(site.user, site.password)
    root = content.searchIndex.FindByInventoryPath(site.root.strip("/"))
    kinds = [vim.Folder, vim.VirtualMachine, vim.VirtualApp]
    view = content.viewManager.CreateContainerView(root, kinds, True)
    networks = content.viewManager.CreateContainerView(content.rootFolder, [vim.Network], True)
    collector = content.propertyCollector.CreatePropertyCollector()
    collector.CreateFilter(watch_spec(root, view, networks, content.customFieldsManager), False)
    version, count, more = "", 0, True
    while more:
        answer = collector.WaitForUpdatesEx(
            version, vmodl.query.PropertyCollector.WaitOptions(maxWaitSeconds=0)
        )
        version, more = answer.version, bool(answer.truncated)
        for part in answer.filterSet:
            count += sum(isinstance(thing.obj, vim.VirtualMachine) for thing in part.objectSet)
    content.sessionManager.Logout()
    return count


def main() -> int:
    """One reading; prints {vms, wall_s, cpu_s, mb} as JSON."""
    site, by = read(Path(sys.argv[1])), sys.argv[2]
    before_mb, began, cpu = memory_mb("self"), time.monotonic(), time.process_time()
    vms = asyncio.run(_by_drdeck(site)) if by == "drdeck" else _by_script(site)
    took = {"wall_s": time.monotonic() - began, "cpu_s": time.process_time() - cpu}
    print(json.dumps({"vms": vms, **took, "mb": memory_mb("self") - before_mb}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
