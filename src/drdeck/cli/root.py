"""The command line's root: options before the command, and what no command means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

import drdeck
from drdeck.controller.process.logs import LEVELS, USUAL_LEVEL

from . import action_commands, doctor_command, exit_codes, manage_commands, read_commands, train_commands
from .acting.answer_command import answer
from .completion.candidates import scenario_names, site_names
from .completion.script_command import completion
from .context import context_of, exit_code_of
from .host import clean_command, controller_commands, info_command, settings_commands
from .manual.examples import attach as attach_examples
from .manual.help_command import help_command
from .manual.man_command import man
from .plan import plan_commands, run_pitr_commands
from .reading.explain_command import explain
from .reading.networks_command import networks


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=exit_codes.EPILOGUE,
)
@click.option("--config", type=click.Path(path_type=Path), envvar="DRDECK_CONFIG", help="The settings file.")
@click.option(
    "--site",
    metavar="NAME",
    envvar="DRDECK_SITE",
    shell_complete=site_names,
    help="The site to use, instead of default_site.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="DRDECK_STATE",
    help="Keep journal, socket, training state and logs under this directory.",
)
@click.option(
    "--scenario",
    metavar="FILE|NAME",
    envvar="DRDECK_SCENARIO",
    shell_complete=scenario_names,
    help="The scenario of a training site.",
)
@click.option("--speed", type=float, metavar="N", help="Seconds of a training site per second.")
@click.option("--read-only", is_flag=True, help="Refuse every act.")
@click.option(
    "--log-level",
    type=click.Choice(LEVELS, case_sensitive=False),
    default=USUAL_LEVEL,
    envvar="DRDECK_LOG",
    show_envvar=True,
    help="The least that a console, and a controller that is started now, write to their logs.",
)
@click.version_option(drdeck.__version__, prog_name="drdeck")
@click.pass_context
def cli(context: click.Context, /, **options: Any) -> None:
    """Complete continuous failovers and run point-in-time recovery, by keyboard or command.

    Without a command: the console.
    """
    from_environment = context.get_parameter_source("scenario") is ParameterSource.ENVIRONMENT
    context.obj = context_of({**options, "scenario_from_environment": from_environment})
    if context.invoked_subcommand is None:
        manage_commands.open_console(context.obj)


manage_commands.sites.add_command(clean_command.clean)
for command in (
    read_commands.domains,
    read_commands.show,
    networks,
    explain,
    read_commands.watch,
    read_commands.tasks,
    read_commands.audit,
    action_commands.cfo,
    action_commands.pitr,
    answer,
    plan_commands.plan,
    action_commands.takeover,
    action_commands.record,
    controller_commands.controller,
    info_command.info,
    settings_commands.settings,
    manage_commands.logs,
    manage_commands.sites,
    doctor_command.doctor,
    completion,
    man,
    help_command,
    manage_commands.console,
    train_commands.train,
):
    cli.add_command(command)
plan_commands.plan.add_command(run_pitr_commands.plan_pitr)
attach_examples(cli, "drdeck")


def run(arguments: list[str]) -> int:
    """Run the command line; returns the exit code."""
    return exit_code_of(lambda: cli.main(arguments, prog_name="drdeck", standalone_mode=False))
