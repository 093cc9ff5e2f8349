"""drdeck as an operator has it: settings in a file, a state directory, and the command line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from drdeck.cli import output
from drdeck.cli.root import run as run_here
from tests.support.vcenter.vcsim import VCenter

SITE = "dr-west"


def vsphere_settings(
    recovery: VCenter, root: str, protected: VCenter | None = None, domains: str = "", extra: str = ""
) -> str:
    """A settings file for one recovery vCenter; `domains` is TOML of [sites.dr-west.domains...] tables."""
    text = f"""
default_site = "{SITE}"
[sites.{SITE}]
kind = "vsphere"
url = "{recovery.url}"
username = "{recovery.user}"
ca_file = "{recovery.ca_file}"
root = "{root}"
{extra}
"""
    if protected is not None:
        text += f"""
[sites.{SITE}.protected]
url = "{protected.url}"
username = "{protected.user}"
ca_file = "{protected.ca_file}"
root = "/DC0/vm/prod"
"""
    return text + domains


class Deck:
    """Runs drdeck commands against one state directory; `stop` ends the controller.

    With `here` the commands run in the test's own process, which saves their start; the controller is
    a process of its own nevertheless.
    """

    here = False

    def __init__(self, directory: Path, settings: str = "", passwords: dict[str, str] | None = None) -> None:
        self.directory, self.state = directory, directory / "state"
        self.config = directory / "settings.toml"
        self.config.write_text(settings, "utf-8")
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("DRDECK_")},
            **(passwords or {}),
            "HOME": str(directory / "home"),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
        }

    @property
    def arguments(self) -> list[str]:
        return ["--config", str(self.config), "--state", str(self.state)]

    def typed(self, words: str) -> str:
        """A command as sentences name it, with the options of this deck: it can be typed as it stands."""
        return f"drdeck {shlex.join(self.arguments)} {words}"

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "drdeck", *self.arguments, *words]

    def run(self, *words: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command; with `code` not None its exit code must be that."""
        done = self._run_here(words) if self.here else self._run_apart(words)
        assert code is None or done.returncode == code, (
            f"drdeck {' '.join(words)}: exit {done.returncode} instead of {code}"
            f"\n{done.stdout}\n{done.stderr}\n{self.log()}"
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def _run_apart(self, words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*words),
            capture_output=True,
            text=True,
            timeout=120,
            env=self.env,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def _run_here(self, words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, self.env, clear=True),
            mock.patch("sys.stdin", io.StringIO()),
            mock.patch.object(output, "own_call", output.TypedCall()),  # as of a process of its own
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = run_here([*self.arguments, *words])
        return subprocess.CompletedProcess(list(words), code, out.getvalue(), err.getvalue())

    def json(self, *words: str, code: int | None = 0) -> dict[str, Any]:
        """The JSON object that a command prints."""
        answer: dict[str, Any] = json.loads(self.run(*words, "--json", code=code).stdout)
        return answer

    def domain(self, name: str) -> dict[str, Any]:
        return self.json("show", name)

    def log(self) -> str:
        logs = sorted(self.state.glob("*/controller.log"))
        return "\n".join(log.read_text("utf-8")[-4000:] for log in logs)

    def stop(self) -> None:
        self.run("controller", "stop", "--force", code=None)
