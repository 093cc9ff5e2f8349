"""Cache of the domains' records: each is read once for each change of its folder's attributes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from .attributes import read
from .domain_record import Record


class RecordCache:
    """Records by the folder's id."""

    def __init__(self) -> None:
        self._records: dict[str, tuple[Mapping[str, str], Record]] = {}

    def of(self, folder: str, attributes: Mapping[str, str]) -> Record:
        """The record that a folder's attributes hold. Raises BrokenRecord."""
        last = self._records.get(folder)
        if last is None or (last[0] is not attributes and last[0] != attributes):
            last = self._records[folder] = (attributes, read(attributes))
        return last[1]

    def keep(self, folders: Collection[str]) -> None:
        """Forget those of folders that are not among these."""
        self._records = {folder: record for folder, record in self._records.items() if folder in folders}
