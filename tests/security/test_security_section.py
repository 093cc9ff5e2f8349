"""docs/security.md: every line of it has a test, and its table of privileges is that of the code."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from drdeck.sites.vsphere.doctor import privileges as p
from tests.support import ROOT

SECTION = (ROOT / "docs" / "security.md").read_text("utf-8").partition("\n")[2]
EVERY_ACT = {
    "Continuous Failover",
    "Failover",
    "Start PITR Session",
    "Run PITR",
    "Exit PITR Session",
    "Take Over",
    "Undo Failover",
    "Commit Failover",
    "Release Domain",
}

SECURITY, E2E = "security/test_", "e2e/"
PRIVILEGES = f"{SECURITY}privileges.py::test_through_a_whole_flow"
TESTS: dict[str, tuple[str, ...]] = {
    "After VMware's reference": (PRIVILEGES,),
    "Test Failover needs more": (
        f"{E2E}vcenter/trials/test_trial_commands.py::test_who_may_delete_in_the_root_is_told",
    ),
    "Each line here has a test": (f"{SECURITY}security_section.py::test_each_line_has_a_test",),
    "The user who runs drdeck, and root": (
        f"{E2E}command_line/test_other_users.py::test_nothing_of_it_is_for_others",
        f"{E2E}command_line/test_other_users.py::test_who_is_at_the_other_end_is_asked_too",
        f"{E2E}command_line/test_other_users.py::test_a_directory_in_the_way_is_refused",
        f"{E2E}command_line/test_other_users.py::test_a_socket_of_another_user_is_told_nothing",
    ),
    "A vCenter, once its certificate is verified": (
        f"{SECURITY}certificates.py::test_verified_by_default",
        f"{SECURITY}certificates.py::test_one_that_has_ended_is_not_trusted",
        f"{SECURITY}certificates.py::test_for_another_name",
    ),
    "Or a vCenter with exactly the certificate": (
        f"{SECURITY}certificates.py::test_a_pinned_one_that_changed",
    ),
    "An appliance (`kind": (
        f"{SECURITY}canary.py::test_the_session_id_that_an_appliance_is_given",
        "unit/sites/jetstream/test_jetstream_site.py::test_certificates",
        "unit/sites/jetstream/test_jetstream_site.py::test_a_redirect_is_not_followed",
        "unit/sites/jetstream/test_jetstream_site.py::test_the_session_id_is_in_no_message_and_no_log",
    ),
    "A certificate that is met first": (
        f"{SECURITY}certificates.py::test_met_first_it_is_shown_and_pinned_on_a_yes",
        f"{SECURITY}certificates.py::test_without_a_yes_nothing_is_written_and_no_password_asked_for",
        "ui/walks/test_first_start.py::test_a_real_vcenter_met_first",
    ),
    "Anybody, with `insecure = true`": (
        f"{SECURITY}certificates.py::test_none_checked",
        f"{SECURITY}certificates.py::test_every_screen_warns_of_it",
    ),
    "Nothing that comes from outside as text": (
        f"{E2E}vcenter/test_names.py::test_odd_names_and_shared_ones",
        "ui/test_text.py::test_nothing_hides_in_a_name",
    ),
    "Nothing that stands in a domain's record": (
        f"{E2E}vcenter/test_bad_input.py::test_an_attribute_that_makes_no_sense",
    ),
    "Whoever types the domain's name": (
        f"{E2E}vcenter/test_bad_input.py::test_refused",
        "site_contract/test_failover.py::test_force_wants_the_name_and_touches_nothing_at_the_protected_site",
        "site_contract/test_exit.py::test_without_a_rollback_after_a_failover_everything_is_reset",
        "unit/controller/test_controller.py::test_read_only_is_kept_in_the_controller",
    ),
    "`settings.toml`": (f"{E2E}vcenter/test_bad_input.py::test_settings",),
    "state directory: `journal.db`": (
        "unit/controller/journal/test_event_store.py::test_tampering_is_found",
        f"{E2E}command_line/test_json.py::test_every_object",
    ),
    "state directory: `controller.log`, `console.log`": (
        f"{SECURITY}canary.py::test_when_the_controller_fails_in_the_middle_of_a_login",
        f"{SECURITY}canary.py::test_when_the_console_fails_while_it_is_typed",
    ),
    "state directory: `guard.db`": (f"{E2E}vcenter/test_guard.py::test_nothing_is_lost_by_a_kill",),
    "state directory: `folders.json`": (
        "faults/test_tidied_away.py::test_a_removed_record_is_an_alarm_and_written_back",
    ),
    "state directory: `appliance-runs.json`": (
        "unit/sites/jetstream/test_jetstream_site.py::test_the_unprotected_time_outlives_the_controller",
    ),
    "memory of the controller": (
        f"{SECURITY}canary.py::test_when_all_is_well",
        f"{SECURITY}memory.py::test_nobody_looks_into_it",
    ),
    "vCenter: custom attributes": (
        "unit/sites/vsphere/record/test_attributes.py::*",
        f"{E2E}vcenter/test_takeover.py::*",
    ),
    "State directory: `~/.local/state": (
        f"{E2E}command_line/test_other_users.py::test_nothing_of_it_is_for_others",
    ),
    "They come from a console or command": (f"{SECURITY}password_sources.py::test_the_order_of_the_sources",),
    "They are nowhere else": (
        f"{SECURITY}canary.py::test_when_all_is_well",
        f"{SECURITY}canary.py::test_when_the_vcenter_refuses_it",
        f"{SECURITY}canary.py::test_when_its_command_fails",
        f"{SECURITY}canary.py::test_when_the_vcenter_goes_and_comes_back_with_another_password",
        f"{SECURITY}canary.py::test_when_the_controller_dies_with_a_traceback",
        f"{SECURITY}canary.py::test_when_it_is_typed_into_the_console",
    ),
    "When a vCenter wants a new login": (
        f"{SECURITY}password_asked.py::test_whichever_console_is_attached",
        f"{SECURITY}password_asked.py::test_at_the_protected_site",
    ),
    "A password that was refused is not sent again": (
        f"{SECURITY}password_asked.py::test_a_robot_is_asked_nothing_and_locks_nobody_out",
        f"{SECURITY}password_sources.py::test_a_refused_password_is_not_sent_again_soon",
    ),
    "`password_command` runs without a shell": (
        f"{SECURITY}password_sources.py::test_it_gets_no_shell_no_terminal_and_no_passwords",
        f"{SECURITY}password_sources.py::test_the_first_line_is_the_password",
        f"{SECURITY}password_sources.py::test_a_command_that_gives_none",
        f"{SECURITY}password_sources.py::test_a_command_that_does_not_end_is_ended_with_all_that_it_started",
    ),
    "System.View, System.Read": (f"{SECURITY}privileges.py::test_a_vm_that_cannot_even_be_read",),
    **{need.privilege: (PRIVILEGES,) for need in p.LEAST},
    p.TERMINATE: (
        "faults/test_left_behind.py::test_without_the_privilege",
        f"{SECURITY}privileges.py::test_what_is_optional_is_warned_of_and_refuses_nothing",
    ),
    p.LOG_EVENT: (
        "e2e/light_hand/test_user_events.py::test_without_the_privilege_it_is_told_once_and_nothing_stops",
        f"{SECURITY}privileges.py::test_what_is_optional_is_warned_of_and_refuses_nothing",
    ),
    "vCenter's list of sessions": (
        "unit/sites/vsphere/vcenter/test_stale_sessions.py::test_nothing_that_opens_a_session_is_told",
    ),
    "A role on the `root` folder": (
        f"{SECURITY}privileges.py::test_a_role_that_does_not_reach_below_the_root",
    ),
    "`drdeck doctor` names each privilege": (PRIVILEGES,),
    "Before an act begins": (
        PRIVILEGES,
        f"{SECURITY}privileges.py::test_only_what_an_act_needs_is_asked_for",
    ),
}


def lines() -> list[str]:
    """Each bullet, table row and paragraph of the section, on one line and without its mark."""
    joined: list[str] = []
    open_ = False
    for line in SECTION.splitlines():
        if not line.strip() or line.startswith("#") or set(line) <= set("|-"):
            open_ = False
        elif line.startswith("| "):
            if line not in HEADS:
                joined.append(line.strip("| "))
            open_ = False
        elif line.startswith("- ") or not open_:
            joined.append(line.removeprefix("- "))
            open_ = True
        else:
            joined[-1] += " " + line.strip()
    return joined


HEADS = ("| where | what |", "| privilege | on | for |")


@cache
def found_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        node.name for node in ast.walk(tree) if isinstance(node, functions) and node.name.startswith("test_")
    }


def test_each_line_has_a_test() -> None:
    section = lines()
    assert len(section) > 25
    without = [line for line in section if not any(line.startswith(key) for key in TESTS)]
    assert without == []
    unsaid = [key for key in TESTS if not any(line.startswith(key) for line in section)]
    assert unsaid == []


@pytest.mark.parametrize("test", sorted({test for tests in TESTS.values() for test in tests}))
def test_each_of_them_is_there(test: str) -> None:
    name, _, function = test.partition("::")
    file = ROOT / "tests" / name
    assert file.is_file(), f"{name} is not there any more"
    assert found_in(file) if function == "*" else function in found_in(file)


def test_the_privileges_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| ([A-Z]\w+\.\S+) \| (.+?) \| (.+?) \|$", SECTION, re.MULTILINE)
    places = {
        p.FOLDER: "each domain's folder",
        p.VCENTER: "the vCenter itself",
        p.DOMAIN: "the domain's VMs",
        p.NETWORK: "those networks",
        p.DATACENTER: "the datacenter",
        p.PROTECTED: "the protected site's VMs",
    }
    privilege_rows = [
        (privilege, on, EVERY_ACT if acts.startswith("every act") else set(acts.split(", ")))
        for privilege, on, acts in rows
    ]
    needed, optional = privilege_rows[: len(p.LEAST)], privilege_rows[len(p.LEAST) :]
    assert needed == [(need.privilege, places[need.on], set(need.actions)) for need in p.LEAST]
    assert [row[:2] for row in optional] == [(need.privilege, places[need.on]) for need in p.OPTIONAL]
    assert all(any(act.startswith("optional") for act in row[2]) for row in optional)
