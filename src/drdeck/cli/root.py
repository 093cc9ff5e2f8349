"""The command line's root: options before the command, and what no command means."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

import drdeck
from drdeck.controller.process.logs import LEVELS, USUAL_LEVEL

from . import exit_codes, output, prompts
from .completion.candidates import scenario_names, site_names
from .context import context_of, exit_code_of
from .lazy_commands import LazyCommands
from .manual.examples import attach as attach_examples
from .output import VERBS, own_call_of

COMMANDS = {
    "domains": "drdeck.cli.read_commands:domains",
    "show": "drdeck.cli.read_commands:show",
    "networks": "drdeck.cli.reading.networks_command:networks",
    "explain": "drdeck.cli.reading.explain_command:explain",
    "watch": "drdeck.cli.read_commands:watch",
    "tasks": "drdeck.cli.read_commands:tasks",
    "audit": "drdeck.cli.read_commands:audit",
    "report": "drdeck.cli.reading.report_command:report",
    "cfo": "drdeck.cli.life.way_back_commands:cfo",
    "test": "drdeck.cli.life.trial_commands:trial",
    "failover": "drdeck.cli.life.way_back_commands:failover",
    "way-back": "drdeck.cli.life.checklist_command:way_back",
    "domain": "drdeck.cli.life.way_back_commands:domain_group",
    "pitr": "drdeck.cli.acting.pitr_commands:pitr",
    "answer": "drdeck.cli.answer_command:answer",
    "plan": "drdeck.cli.plan.plan_commands:plan",
    "takeover": "drdeck.cli.acting.record_commands:takeover",
    "record": "drdeck.cli.acting.record_commands:record",
    "controller": "drdeck.cli.host.controller_commands:controller",
    "info": "drdeck.cli.host.info_command:info",
    "settings": "drdeck.cli.host.settings_commands:settings",
    "logs": "drdeck.cli.manage_commands:logs",
    "sites": "drdeck.cli.manage_commands:sites",
    "doctor": "drdeck.cli.doctor_command:doctor",
    "completion": "drdeck.cli.completion.script_command:completion",
    "man": "drdeck.cli.manual.man_command:man",
    "version": "drdeck.cli.manual.help_command:version",
    "help": "drdeck.cli.manual.help_command:help_command",
    "console": "drdeck.cli.manage_commands:console",
    "train": "drdeck.cli.train_commands:train",
}
"""name -> where it is; imported when it is used"""
COMPLETING = "_DRDECK_COMPLETE"
"""the variable by which click is asked for completions"""
INSIDE = {
    "sites": ["drdeck.cli.host.clean_command:clean"],
    "test": ["drdeck.cli.life.plan_trial_commands:trial_plan"],
    "plan": [
        "drdeck.cli.plan.run_pitr_commands:plan_pitr",
        "drdeck.cli.plan.run_report_command:plan_report",
    ],
}
"""group -> commands in it that another module has"""


@click.group(
    commands=LazyCommands("drdeck", COMMANDS, INSIDE),
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
@click.option(
    "-q",
    "--quiet",
    is_flag=True,
    help="Leave out progress and closing sentences, never warnings; -q, -v and --no-input also stand after"
    " the command.",
)
@click.option("-v", "--verbose", is_flag=True, help="The same as --log-level debug; `drdeck logs` shows it.")
@click.option(
    "--no-input", is_flag=True, help="Ask for nothing, as without a terminal: what is missing is an error."
)
@click.version_option(drdeck.__version__, prog_name="drdeck")
@click.pass_context
def cli(context: click.Context, /, **options: Any) -> None:
    """Complete continuous failovers and run point-in-time recovery, by keyboard or command.

    Without a command: the console.
    """
    output.quiet, prompts.no_input = options.pop("quiet"), options.pop("no_input")
    if options.pop("verbose"):
        options["log_level"] = LEVELS[0]
    from_environment = context.get_parameter_source("scenario") is ParameterSource.ENVIRONMENT
    context.obj = context_of({**options, "scenario_from_environment": from_environment})
    typed = (n for n in options if context.get_parameter_source(n) is ParameterSource.COMMANDLINE)
    context.obj.own_call = own_call_of({name: options[name] for name in typed})
    if not output.own_call.lesson:  # which names its commands its own way
        output.own_call = context.obj.own_call
    if context.invoked_subcommand is None:
        from .manage_commands import open_console  # what a command does not need is not imported

        open_console(context.obj)


attach_examples(cli, "drdeck", inner=False)
VERBS += COMMANDS


def run(arguments: list[str]) -> int:
    """Run the command line; returns the exit code."""
    if COMPLETING in os.environ:
        from .completion import bash_line  # noqa: F401  (the shell that is completed for, made known to click)

    return exit_code_of(lambda: cli.main(arguments, prog_name="drdeck", standalone_mode=False))
