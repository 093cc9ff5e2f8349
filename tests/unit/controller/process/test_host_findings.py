"""Findings about the host: shared storage, the holder on another one, and logouts that kill."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from drdeck.controller.process.host_findings import file_system, host_findings
from drdeck.controller.process.paths import paths_for

ME = pwd.getpwuid(os.geteuid()).pw_name


def mounts(tmp_path: Path, lines: str) -> Path:
    file = tmp_path / "root/proc/self/mountinfo"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(lines)
    return file


def test_the_longest_mount_point_counts(tmp_path: Path) -> None:
    file = mounts(
        tmp_path,
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "40 22 0:50 / /home rw shared:1 - nfs4 nas:/home rw\n"
        "41 22 0:51 / /home/local\\040disk rw - xfs /dev/sdb rw\n"
        "garbage\n",
    )
    assert file_system(Path("/home/me/.local"), file) == "nfs4"
    assert file_system(Path("/home/local disk/x"), file) == "xfs"
    assert file_system(Path("/homework"), file) == "ext4"
    assert file_system(Path("/x"), tmp_path / "none") == ""


def test_storage_that_hosts_share_is_warned_of(tmp_path: Path) -> None:
    paths = paths_for("west", tmp_path / "state")
    mounts(tmp_path, "22 1 8:1 / / rw - cifs //nas/home rw\n")
    (finding,) = host_findings(paths, tmp_path / "root")
    assert (finding.level, finding.subject) == ("warn", "state") and "on cifs" in finding.text
    paths.state.mkdir(parents=True)
    paths.lock.write_text('{"host": "jump1", "machine": "m", "user": "bob", "pid": 7}')
    (finding,) = host_findings(paths, tmp_path / "root")
    assert "process 7 of bob on host jump1" in finding.text and finding.level == "warn"


@pytest.mark.parametrize(
    ("conf", "drop_in", "level"),
    [
        ("[Login]\nKillUserProcesses=yes\nKillExcludeUsers=\n", "", "warn"),
        ("[Login]\n#KillUserProcesses=yes\n", "", "ok"),
        (
            "[Login]\nKillUserProcesses=no\n",
            "[Login]\nKillUserProcesses=1\nKillExcludeUsers=nobody\n",
            "warn",
        ),
        (f"[Login]\nKillUserProcesses=yes\nKillExcludeUsers={ME}\n", "", "ok"),
        ("[Login]\nKillUserProcesses=yes\nKillOnlyUsers=guest\n", "", "ok"),
        ("not an ini file", "", "ok"),
    ],
)
def test_a_logout_that_kills(tmp_path: Path, conf: str, drop_in: str, level: str) -> None:
    root = tmp_path / "root"
    (root / "run/systemd/system").mkdir(parents=True)
    (root / "etc/systemd/logind.conf.d").mkdir(parents=True)
    (root / "etc/systemd/logind.conf").write_text(conf)
    (root / "etc/systemd/logind.conf.d/10.conf").write_text(drop_in)
    finding = host_findings(paths_for("west", tmp_path / "state"), root)[1]
    assert finding.level == level
    if level == "warn":
        assert f"loginctl enable-linger {ME}" in str(finding.remedy)
        (root / "var/lib/systemd/linger").mkdir(parents=True)
        (root / "var/lib/systemd/linger" / ME).touch()
        finding = host_findings(paths_for("west", tmp_path / "state"), root)[1]
        assert "enable-linger" not in str(finding.remedy) and "systemd-run" in str(finding.remedy)
