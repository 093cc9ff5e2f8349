"""Installed as people do: by pipx, uv and `.ci/console`, without a network once the wheels are there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT

PATH = f"{Path(sys.executable).resolve().parent}:/usr/bin:/bin"
PARTS = ("src", ".ci", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone, as far as installing goes."""
    place = tmp_path_factory.mktemp("clone")
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, place / part)
    return place


@pytest.fixture(scope="module")
def wheels(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What drdeck needs and what builds it, from where pip gets things on this machine."""
    place = tmp_path_factory.mktemp("wheels")
    words = ["pip", "download", "-q", "-d", str(place), str(checkout), "hatchling", "editables", "pip"]
    python = next(filter(None, map(shutil.which, ("python3", "python"))), sys.executable)
    done = subprocess.run([python, "-m", *words], capture_output=True, text=True, timeout=250)
    if done.returncode:
        pytest.skip(f"the libraries cannot be had here: {done.stderr.strip().splitlines()[-1:]}")
    return place


@pytest.fixture
def home(wheels: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a user for whom only the wheels are there."""
    return {
        "PATH": PATH, "HOME": str(tmp_path), "LANG": "C.UTF-8",
        "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels),
        "UV_OFFLINE": "1", "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(wheels),
        "UV_PYTHON": sys.executable, "PIPX_DEFAULT_PYTHON": sys.executable,
    }  # fmt: skip


def run(words: list[str], environ: dict[str, str], **more: Any) -> subprocess.CompletedProcess[str]:
    isolated = subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0
    before = ["unshare", "-rn"] if isolated else []
    return subprocess.run([*before, *words], env=environ, capture_output=True, text=True, timeout=250, **more)


@pytest.mark.parametrize(
    ("install", "again", "uninstall"),
    [
        (["pipx", "install"], ["pipx", "install", "--force"], ["pipx", "uninstall", "drdeck"]),
        (["uv", "tool", "install"], ["uv", "tool", "install"], ["uv", "tool", "uninstall", "drdeck"]),
    ],
    ids=["pipx", "uv"],
)
def test_install_upgrade_and_uninstall(
    checkout: Path, home: dict[str, str], install: list[str], again: list[str], uninstall: list[str]
) -> None:
    """A controller of the old version runs through the upgrade, and its commands say what to do."""
    tool = shutil.which(install[0])
    if tool is None:
        pytest.skip(f"{install[0]} is not on this machine")
    newer = Path(home["HOME"]) / "newer"
    shutil.copytree(checkout, newer)
    version = newer / "src" / "drdeck" / "__init__.py"
    text = version.read_text()
    old = text.partition('__version__ = "')[2].partition('"')[0]
    version.write_text(text.replace(old, "99.1"))
    done = run([tool, *install[1:], str(checkout)], home)
    assert done.returncode == 0, done.stderr
    drdeck = str(Path(home["HOME"]) / ".local" / "bin" / "drdeck")
    try:
        done = run([drdeck, "domains"], home)
        assert done.returncode == 0 and "erp-prod" in done.stdout, done.stderr
        done = run([tool, *again[1:], str(newer)], home)
        assert done.returncode == 0, done.stderr
        assert "99.1" in run([drdeck, "--version"], home).stdout
        status = json.loads(run([drdeck, "controller", "status", "--json"], home).stdout)
        assert status["version"] == old
        findings = run([drdeck, "doctor"], home).stdout
        assert all(text in findings for text in (old, "99.1", "controller restart"))
        assert run([drdeck, "controller", "restart"], home).returncode == 0
        status = json.loads(run([drdeck, "controller", "status", "--json"], home).stdout)
        assert status["version"] == "99.1"
    finally:
        run([drdeck, "controller", "stop"], home)
    assert run([tool, *uninstall[1:]], home).returncode == 0
    assert not Path(drdeck).exists()


def test_the_readmes_first_command_says_what_it_does(checkout: Path, home: dict[str, str]) -> None:
    """On stderr, and only where there is something to do: what drdeck prints is data."""
    place = Path(home["HOME"]) / "clone"
    shutil.copytree(checkout, place)
    first = run(["bash", str(place / ".ci" / "console"), "--version"], home, cwd="/")
    assert first.returncode == 0, first.stderr
    assert "setting up .venv, once: drdeck and its libraries (a minute or two) ..." in first.stderr
    assert first.stdout.startswith("drdeck") and len(first.stdout.splitlines()) == 1
    second = run(["bash", str(place / ".ci" / "console"), "--version"], home, cwd="/")
    assert (second.returncode, second.stdout, second.stderr) == (0, first.stdout, "")


def test_without_a_network_and_wheels_it_says_what_is_missing(checkout: Path, home: dict[str, str]) -> None:
    place = Path(home["HOME"]) / "clone"
    shutil.copytree(checkout, place)
    home["PIP_FIND_LINKS"] = home["HOME"]
    for _ in range(2):
        done = run(["bash", str(place / ".ci" / "console"), "--version"], home)
        assert done.returncode == 1 and done.stdout == ""
        assert "setting up .venv" in done.stderr
        assert "docs/install.md" in done.stderr.splitlines()[-1], done.stderr


def test_an_old_python_is_named(checkout: Path, tmp_path: Path) -> None:
    """Before anything is made with it."""
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit\nexit 1\n')
    python.chmod(0o755)
    environ = {"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = run(["bash", str(checkout / ".ci" / "console")], environ)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "drdeck needs Python 3.11 or newer; python3 here is Python 3.9.2\n"
    assert not (checkout / ".venv").exists()
