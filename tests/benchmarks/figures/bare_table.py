"""The least that any Textual program of one table takes until its first row, to measure drdeck against."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import DataTable


class BareTable(App[None]):
    def compose(self) -> ComposeResult:
        yield DataTable()

    def on_mount(self) -> None:
        table: DataTable[str] = self.query_one(DataTable)
        table.add_columns("Domain", "Mode")
        table.add_row("first-row", "Synchronised")


if __name__ == "__main__":
    BareTable().run()
