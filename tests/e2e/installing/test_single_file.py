"""The one file for jump hosts without a network: unpacked once, and controllers run from it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT

NO_NETWORK = ["unshare", "-rn"]


def requirements(name: str, have: set[str]) -> set[str]:
    """Distributions that one needs, with what those need."""
    for line in metadata.requires(name) or ():
        needed = re.split(r"[\s;<>=!~\[(]", line)[0]
        if "extra ==" in line or needed.lower() in have:
            continue
        try:
            metadata.distribution(needed)
        except metadata.PackageNotFoundError:
            continue  # for other systems
        have.add(needed.lower())
        have |= requirements(needed, have)
    return have


@pytest.fixture(scope="module")
def single_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made of the packages of this environment, which needs no index."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "src" / "drdeck", site / "drdeck", ignore=shutil.ignore_patterns("__pycache__"))
    for name in requirements("drdeck", set()):
        for file in metadata.files(name) or ():
            source = Path(str(file.locate()))
            if ".." not in file.parts and "__pycache__" not in file.parts and source.is_file():
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, site / file)
    target = tmp_path_factory.mktemp("dist") / "drdeck.pyz"
    subprocess.run([sys.executable, ROOT / ".ci" / "onefile.py", site, target], check=True)
    return target


def run(file: Path, home: Path, *words: str, before: list[str] | None = None) -> Any:
    return subprocess.run(
        [*(before or []), sys.executable, "-I", "-S", str(file), "--state", str(home / "state"), *words],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_it_runs_with_nothing_but_a_python(single_file: Path, tmp_path: Path) -> None:
    isolated = subprocess.run([*NO_NETWORK, "true"], capture_output=True).returncode == 0
    done = run(single_file, tmp_path, "domains", before=NO_NETWORK if isolated else None)
    assert done.returncode == 0 and "erp-prod" in done.stdout, done.stderr
    try:
        (place,) = (tmp_path / ".cache" / "drdeck").iterdir()
        unpacked = place.stat().st_ctime_ns
        data = json.loads(run(single_file, tmp_path, "info", "--json").stdout)
        pid = data["controllers"][0]["pid"]
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        assert command[1] == str(place), "the controller is of the same file"
        assert place.stat().st_ctime_ns == unpacked, "once is enough"
    finally:
        run(single_file, tmp_path, "controller", "stop")


LONG_AGO_S = 40 * 24 * 3600.0


def copy_of_before(cache: Path, digit: str, started_on: str, ago_s: float = LONG_AGO_S) -> Path:
    """An earlier file's copy that was last started `ago_s` seconds ago."""
    place = cache / (digit * 20)
    (place / "used-by").mkdir(parents=True)
    (place / "__main__.py").write_text("import time\n\nprint(flush=True)\ntime.sleep(600)\n")
    mark = place / "used-by" / started_on
    mark.touch()
    os.utime(mark, (time.time() - ago_s,) * 2)
    return place


def test_copies_that_nobody_uses_go_when_a_new_one_is_unpacked(single_file: Path, tmp_path: Path) -> None:
    cache = tmp_path / ".cache" / "drdeck"
    here = f"{os.uname().nodename}-{Path('/proc/self/ns/pid').stat().st_ino}"
    old = copy_of_before(cache, "0", here)
    running, recent = copy_of_before(cache, "1", here), copy_of_before(cache, "2", here, 3600.0)
    shared = copy_of_before(cache, "3", here)
    (shared / "used-by" / "otherhost-4026531836").touch()
    others = copy_of_before(cache, "4", "otherhost-4026531836")
    unmarked, stranger = cache / ("5" * 20), cache / "notes"
    killed, unpacking = cache / ".unpacking-killed", cache / ".unpacking-now"
    for place in (unmarked, stranger, killed, unpacking):
        place.mkdir()
    os.utime(killed, (time.time() - LONG_AGO_S,) * 2)
    linked = cache / ("6" * 20)
    linked.symlink_to(copy_of_before(tmp_path / "elsewhere", "7", here))
    process = subprocess.Popen([sys.executable, running], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it runs
        done = run(single_file, tmp_path, "--version")
    finally:
        process.kill()
        process.communicate()
    assert done.returncode == 0, done.stderr
    assert not old.exists() and not killed.exists()
    stay = {running, recent, shared, others, unmarked, stranger, unpacking, linked}
    (own,) = set(cache.iterdir()) - stay
    assert stay < set(cache.iterdir()) and [mark.name for mark in (own / "used-by").iterdir()] == [here]
    assert (linked / "__main__.py").exists()


def test_what_keeps_it_from_unpacking_is_said(single_file: Path, tmp_path: Path) -> None:
    (tmp_path / ".cache").write_text("")
    done = run(single_file, tmp_path, "--version")
    assert done.returncode == 1 and "cannot unpack itself" in done.stderr and "XDG_CACHE_HOME" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("noexec", "a library cannot be loaded: "),
        ("size=4m", "cannot unpack itself: [Errno 28] No space left"),
    ],
)
def test_a_cache_that_holds_no_programs_or_has_no_room(
    single_file: Path, tmp_path: Path, options: str, says: str
) -> None:
    """As on hardened hosts. The second start says the same: what is half unpacked is no use, and gone."""
    cache = tmp_path / ".cache"
    cache.mkdir()
    mounting = f'mount -t tmpfs -o {options} none {cache} && "$@"; code=$?; ls -A {cache}/drdeck; exit $code'
    mounted = [*NO_NETWORK, "-m", "sh", "-c", mounting, "sh"]
    if subprocess.run([*mounted, "true"], capture_output=True).returncode:
        pytest.skip("this system has no mount namespaces")
    for _ in range(2):
        done = run(single_file, tmp_path, "--version", before=mounted)
        assert done.returncode == 1 and says in done.stderr and "XDG_CACHE_HOME" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr and ".unpacking" not in done.stdout


def test_another_machine_is_told_apart(single_file: Path, tmp_path: Path) -> None:
    """Its libraries are compiled: where they are not found, nobody would know why."""
    other = ["setarch", "linux32"]
    if subprocess.run([*other, "true"], capture_output=True).returncode:
        pytest.skip("this system shows no other machine")
    done = run(single_file, tmp_path, "--version", before=other)
    assert done.returncode == 1 and "this file is for x86_64, and this is i686" in done.stderr
