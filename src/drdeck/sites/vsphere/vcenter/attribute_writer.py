"""The writing of custom attributes, which hold the records of domains and runs."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim, vmodl

from drdeck.sites.contract import Refused

from .connection import VCenterSession
from .properties import properties


class AttributeWriter:
    """Writes custom attributes of folders; definitions are made when first needed."""

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}

    def set(self, session: VCenterSession, folder: str, name: str, value: str) -> None:
        manager, entity = session.content.customFieldsManager, vim.Folder(folder, session.stub)
        key = self._key(session, manager, name)
        try:
            manager.SetField(entity=entity, key=key, value=value)
        except vmodl.fault.InvalidArgument:
            # somebody tidied the definition away, and all its values with it: it is made anew, once
            self._keys.pop(name, None)
            manager.SetField(entity=entity, key=self._key(session, manager, name), value=value)

    def _key(self, session: VCenterSession, manager: Any, name: str) -> int:
        if name not in self._keys:
            self._read(session, manager)
        if name not in self._keys:
            try:
                self._keys[name] = manager.AddFieldDefinition(name=name, moType=vim.Folder).key
            except vim.fault.DuplicateName:
                self._read(session, manager)  # another console was faster
        if name not in self._keys:
            raise Refused(
                f'the custom attribute "{name}" of vCenter {session.endpoint.server} is not one of folders;'
                " remove that definition in vCenter, so that drdeck can make its own"
            )
        return self._keys[name]

    def _read(self, session: VCenterSession, manager: Any) -> None:
        fields = properties(session, manager, "field").get("field", ())
        self._keys = {f.name: f.key for f in fields if f.managedObjectType in (None, vim.Folder)}
