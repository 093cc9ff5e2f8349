"""`drdeck man DIRECTORY`."""

from __future__ import annotations

from pathlib import Path

import click

import drdeck
from drdeck.cli import output

from .man_pages import pages

READABLE, READABLE_FOLDER = 0o644, 0o755
"""Pages are for all users of a host; whatever else drdeck writes is for its own."""


@click.command("man")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.pass_context
def man(context: click.Context, directory: Path) -> None:
    """Write a man page of each command under DIRECTORY.

    DIRECTORY is where `man` looks, such as ~/.local/share/man; the pages are put into its folder man1.
    """
    root = context.find_root().command
    assert isinstance(root, click.Group)
    folder = directory / "man1"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(READABLE_FOLDER)
    texts = pages(root, drdeck.__version__)
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
        (folder / name).chmod(READABLE)
    output.remark(f"{len(texts)} pages are in {folder}: man drdeck, man drdeck-pitr-run and so on")
