"""Domains' folders with their attributes, read before the VMs: a small answer, whatever is in them."""

from __future__ import annotations

from pyVmomi import vim, vmodl

from drdeck.sites.vsphere.vcenter.connection import VCenterSession
from drdeck.sites.vsphere.vcenter.properties import filter_spec, find_root, object_id, retrieve, step_to

from .fact_parser import attributes_from, folder_facts
from .inventory_facts import FolderFacts


def domain_folders(session: VCenterSession, root_path: str) -> list[FolderFacts]:
    """The folders right under a site's root, by name. Blocks; raises Refused where there is no such root."""
    root, fields = find_root(session, root_path), session.content.customFieldsManager
    below = vmodl.query.PropertyCollector.ObjectSpec(
        obj=root, skip=True, selectSet=[step_to(vim.Folder, "childEntity")]
    )
    paths = {vim.Folder: ["name", "parent", "customValue"], vim.CustomFieldsManager: ["field"]}
    objects = retrieve(session, filter_spec([below, fields], paths))
    _, attributes = attributes_from(objects)
    folders = []
    for content in objects:
        if isinstance(content.obj, vim.Folder):
            own = object_id(content.obj)
            facts = folder_facts(own, {prop.name: prop.val for prop in content.propSet or ()})
            folders.append(FolderFacts(facts.id, facts.name, facts.parent, attributes.get(own, {})))
    return sorted(folders, key=lambda folder: folder.name)
