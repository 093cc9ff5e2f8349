"""`drdeck completion SHELL`."""

from __future__ import annotations

import click
from click.shell_completion import FishComplete, ShellComplete, ZshComplete

from drdeck.cli.output import NAME

from .bash_line import Bash

SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": ZshComplete, "fish": FishComplete}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes drdeck's commands in a shell.

    Once, in the shell's own file of settings:

    \b
    bash  eval "$(drdeck completion bash)"    in ~/.bashrc
    zsh   eval "$(drdeck completion zsh)"     in ~/.zshrc, after compinit
    fish  drdeck completion fish | source     in ~/.config/fish/config.fish

    Names of domains and restore points come from the site's controller, where it runs.
    """
    command = context.find_root().command
    click.echo(SHELLS[shell](command, {}, NAME, f"_{NAME.upper()}_COMPLETE").source(), nl=False)
