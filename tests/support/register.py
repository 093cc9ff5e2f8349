"""The register of faults that others met (F) and of ways of a real vCenter (V), each with its tests.

An entry is FILE::TEST, or FILE::TEST[CASE] where CASE is text of a case in that file. `siblings` are of
the same kind, and nobody named them: fixing the instance alone would not have made them pass.
"""

from __future__ import annotations

from typing import NamedTuple

_TERMINALS = "e2e/terminal/test_terminals.py::test_"
_STREAMS = "e2e/commands/test_all_streams.py::test_all_commands_in_all_states_of_each_stream"
_PATHS = "e2e/command_line/test_paths.py::test_"
_OTHER = "e2e/command_line/test_other_settings.py::test_"
_REAL = "e2e/vcenter/test_real_ways.py::test_"
_PLAN = "unit/sites/vsphere/plan/test_planner.py::test_"
_POINTS = "unit/sites/vsphere/plan/test_restore_points.py::test_"
_FORMS = "unit/sites/vsphere/plan/test_names_in_two_forms.py::test_"
_SETTINGS = "unit/config/test_settings_file.py::test_what_is_wrong_is_refused_with_place_and_remedy"
_BELIEVED = "unit/sites/vsphere/vcenter/test_private_authorities.py::test_believed_alike"
_OWNERS = "unit/test_private_files_in_a_user_namespace.py::test_"
_READABLE = "unit/sites/vsphere/vcenter/test_readable_answer.py::test_"
_STANDSTILL = "e2e/many_vms/test_standstill.py::test_"
_LEFT_OUT = "e2e/many_vms/test_left_out.py::test_"
_GUARD = "e2e/vcenter/test_guard.py::test_"
_GROUP = "e2e/many_vms/test_group_power_on.py::test_"


class Registered(NamedTuple):
    """A fault or way in a few words, the test that was red before, and siblings of its kind."""

    says: str
    test: str
    siblings: tuple[str, ...]


FAULTS: dict[str, Registered] = {
    "F1": Registered(
        "a snapshot dated ahead of vCenter's clock was taken for the last data",
        f"{_REAL}the_last_data_is_what_was_not_there_before[600]",
        (
            f"{_REAL}the_last_data_is_what_was_not_there_before[-7200]",
            f"{_PLAN}what_was_there_at_the_shutdown_is_never_newer_than_it",
            f"{_POINTS}what_came_later_is_told_by_its_id[snapshot-1000000]",
        ),
    ),
    "F2": Registered(
        "a point dated in the future made the RPO 0",
        f"{_POINTS}dates_that_cannot_be",
        (
            f"{_POINTS}dates_that_cannot_be[-30 * 525_600]",
            f"{_REAL}clocks_of_hosts_are_compared_with_vcenters",
            "unit/sites/vsphere/doctor/test_host_clocks.py::test_each_clock_that_is_far_off_or_not_told_is_named",
        ),
    ),
    "F3": Registered(
        "one VM whose task hangs held a rollback for ever",
        f"{_STANDSTILL}a_rollback_asks_about_a_task_that_does_not_end",
        (
            f"{_STANDSTILL}a_session_that_cannot_be_entered_asks_too",
            f"{_STANDSTILL}a_task_of_others_that_does_not_end_has_a_way_out_too",
            "site_contract/life/test_undo_faults.py::test_an_entry_point_that_hangs_is_asked_about_soon",
        ),
    ),
    "F4": Registered(
        "a question that vCenter asks of a VM was shown nowhere",
        f"{_REAL}a_question_of_vcenter_is_shown_and_answered",
        (
            f"{_STANDSTILL}eight_questions_hold_no_other_domain_up",
            f"{_GROUP}a_recommendation_that_nobody_applies_is_asked_about",
            "ui/walks/test_next_need.py::test_what_vcenter_asks_of_a_vm_is_answered_with_its_own_label",
        ),
    ),
    "F5": Registered(
        "250 VMs to be skipped did not fit the record",
        "unit/sites/vsphere/record/test_packed_ids.py::test_ten_thousand_with_ids_of_seven_digits_fit[250]",
        (
            "unit/sites/vsphere/record/test_packed_ids.py::"
            "test_ten_thousand_with_ids_of_seven_digits_fit[10_000]",
            "unit/sites/vsphere/record/test_attributes.py::test_too_much_is_refused_and_long_lists_go_on",
            "unit/controller/test_skips.py::test_any_number_of_vms_is_skipped_by_one_command",
        ),
    ),
    "F6": Registered(
        "a controller acted by another file than its commands read",
        f"{_OTHER}said_by_every_command_and_nothing_is_begun",
        (
            f"{_OTHER}a_console_says_when_the_file_changes",
            f"{_OTHER}a_training_site_says_so_too_and_goes_on",
            f"{_OTHER}options_of_the_line_are_not_settings",
        ),
    ),
    "F7": Registered(
        "a VM in a vApp vanished from its domain",
        f"{_REAL}vms_in_a_vapp_are_of_their_folder",
        (f"{_REAL}what_is_in_no_domain_is_named", f"{_REAL}placeholders_and_vms_of_other_solutions"),
    ),
    "F8": Registered(
        "replicas of other names were never synchronised",
        f"{_PLAN}replicas_of_other_names",
        (
            f"{_PLAN}replicas_of_another_name_order_the_shutdown_too",
            f"{_LEFT_OUT}a_replica_that_is_missing_joins_when_there_is_one",
            f"{_LEFT_OUT}force_goes_with_what_is_there_and_the_rest_joins_its_session",
        ),
    ),
    "F9": Registered(
        "two VMs of one name were taken for one",
        f"{_REAL}vms_of_one_name_are_told_apart_by_their_paths",
        (
            f"{_PLAN}replicas_of_other_names[counted]",
            "e2e/vcenter/test_names.py::test_odd_names_and_shared_ones",
        ),
    ),
    "F10": Registered(
        "of two networks of one name the lowest id was taken",
        f"{_REAL}networks_of_one_name_are_told_apart",
        (
            f"{_REAL}by_key_and_not_by_id",
            "e2e/commands/test_networks.py::test_settings_that_name_no_network_are_refused_with_their_place",
        ),
    ),
    "F11": Registered(
        "an opaque network was offered and could not be mapped",
        f"{_REAL}networks_of_one_name_are_told_apart[opaque]",
        (
            "unit/sites/vsphere/doctor/test_start_obstacles.py::"
            "test_a_network_that_only_an_idle_host_has_is_against_it",
            "e2e/vcenter/trials/test_trial_commands.py::test_a_network_with_an_uplink_is_refused",
        ),
    ),
    "F12": Registered(
        "169.254.x and fe80:: counted as ready",
        f"{_PLAN}what_was_seen_of_a_vm_that_is_not_ready",
        (f"{_PLAN}ready[172.17.0.1]", f"{_REAL}ready_once_it_answers"),
    ),
    "F13": Registered(
        "a dumb terminal or a window without rows drew for ever",
        f"{_TERMINALS}where_no_cursor_can_be_placed_the_commands_are_named[dumb]",
        (
            f"{_TERMINALS}where_no_cursor_can_be_placed_the_commands_are_named[wyse50]",
            f"{_TERMINALS}it_is_drawn_for_the_size_that_the_terminal_tells[(0, 0)]",
            f"{_TERMINALS}sizes_change_while_it_is_drawn",
        ),
    ),
    "F14": Registered(
        "COLUMNS and LINES were believed before the terminal",
        f"{_TERMINALS}it_is_drawn_for_the_size_that_the_terminal_tells[132]",
        (
            f"{_TERMINALS}a_size_without_a_terminal_is_the_environments",
            f"{_TERMINALS}it_is_drawn_for_the_size_that_the_terminal_tells[-1]",
            f"{_TERMINALS}sizes_change_while_it_is_drawn",
        ),
    ),
    "F15": Registered(
        "a pipe that never waits got a part, and the code was 0",
        "e2e/command_line/test_streams.py::test_a_pipe_that_is_not_waited_for_gets_all",
        (f"{_STREAMS}[never waits]", f"{_STREAMS}[broken]"),
    ),
    "F16": Registered(
        "one home on two jump hosts, or without locks, locked its owner out",
        "e2e/command_line/test_shared_home.py::test_a_lock_that_all_hosts_see",
        (
            "e2e/command_line/test_shared_home.py::test_a_lock_that_each_host_has_for_itself",
            "unit/controller/test_lock.py::test_held_by_another_is_not_the_same_as_no_locks_here[EOPNOTSUPP]",
            "unit/controller/process/test_host_findings.py::test_storage_that_hosts_share_is_warned_of",
            "e2e/command_line/test_logging_in_again.py::test_each_home_of_a_user_has_its_own_controller",
        ),
    ),
    "F17": Registered(
        "a private CA was believed on one Python and refused on another",
        f"{_BELIEVED}[without_key_identifier]",
        (f"{_BELIEVED}[constraints_not_critical]", f"{_BELIEVED}[only_the_intermediate]"),
    ),
    "F18": Registered(
        "paths of settings were meant from where the controller happened to run",
        f"{_PATHS}a_ca_file_that_is_no_use_is_named_by_all[~/ca/dr.pem]",
        (
            f"{_PATHS}the_files_of_an_appliance_are_looked_for_too",
            f"{_PATHS}variables_that_no_shell_has_expanded",
            "unit/config/test_paths_in_settings.py::test_paths_are_meant_from_the_settings_file",
        ),
    ),
    "F19": Registered(
        "a VM without an entry point was reverted all the same",
        f"{_REAL}a_vm_without_an_entry_point_is_never_touched",
        (
            f"{_PLAN}without_an_entry_point_a_vm_is_not_touched",
            "unit/sites/vsphere/vcenter/calls/test_rollback_call.py::"
            "test_nothing_is_reverted_without_its_entry_point",
            f"{_LEFT_OUT}a_skip_names_whom_it_leaves_out_and_counts_nobody_as_recovered",
        ),
    ),
    "F20": Registered(
        "a command without stdin ended in a traceback",
        "e2e/command_line/test_streams.py::test_no_command_minds_what_its_streams_are[<&-]",
        (f"{_STREAMS}[closed]", f"{_STREAMS}[full]"),
    ),
    "F21": Registered(
        "SIGTERM and SIGHUP left the terminal raw",
        f"{_TERMINALS}a_signal_to_end_gives_the_terminal_back[SIGTERM]",
        (
            f"{_TERMINALS}a_signal_to_end_gives_the_terminal_back[a dialog]",
            f"{_TERMINALS}a_signal_to_end_gives_the_terminal_back[too small]",
            "e2e/terminal/test_terminal.py::test_ctrl_c_at_any_moment_leaves_no_traceback",
        ),
    ),
    "F22": Registered(
        "a backspace hid in CORP\\backup",
        f"{_SETTINGS}[CORP]",
        (f"{_SETTINGS}[vm\\\\tdr]", f"{_SETTINGS}[uffff]"),
    ),
    "F23": Registered(
        "a name in another form of the same letters was no domain",
        "unit/config/test_settings_file.py::test_domains_are_compared_as_people_see_them",
        (
            "unit/controller/asking/test_names_as_typed.py::test_a_request_gets_the_sites_names",
            f"{_FORMS}patterns_of_a_runbook",
            f"{_FORMS}a_replica_is_no_missing_one",
            f"{_FORMS}a_vm_that_was_left_out_stays_out",
        ),
    ),
    "F24": Registered(
        "in a user namespace the machine's files belonged to nobody",
        f"{_OWNERS}who_stands_for_the_machine[1000]",
        (
            f"{_OWNERS}not_in_a_directory_that_all_may_write_to",
            f"{_OWNERS}without_proc_only_root",
            "security/test_real_user_namespace.py::test_a_state_directory_is_made_and_used",
            "security/test_real_user_namespace.py::test_what_another_put_into_an_open_directory_is_refused",
        ),
    ),
    "F25": Registered(
        "tmux's status line made the terminal too small",
        f"{_TERMINALS}it_is_drawn_for_the_size_that_the_terminal_tells[(80, 23)]",
        (
            f"{_TERMINALS}it_is_drawn_for_the_size_that_the_terminal_tells[(80, 22)]",
            "e2e/terminal/test_least_size.py::test_nothing_that_is_needed_is_cut",
        ),
    ),
    "F26": Registered(
        "a character that XML forbids took the whole site away",
        "e2e/vcenter/test_names.py::test_a_failover_of_vms_with_forbidden_characters",
        (
            "e2e/vcenter/test_names.py::test_an_event_and_a_fault_with_forbidden_characters",
            f"{_READABLE}no_bytes_break_the_parser",
            f"{_READABLE}forbidden_characters[xD800]",
        ),
    ),
    "F27": Registered(
        "of two snapshots of one instant the older was taken",
        f"{_POINTS}of_equal_instants_the_later_in_the_tree",
        (
            f"{_POINTS}what_came_later_is_told_by_its_id",
            f"{_POINTS}abandoned_branches_go_leaf_by_leaf_before_the_chain_that_runs",
        ),
    ),
}  # fmt: skip

VCENTER: dict[str, Registered] = {
    "V1": Registered(
        "a revert takes cards, CPU, memory and disks back",
        f"{_REAL}after_a_rollback_vms_stand_on_their_recovery_networks_connected",
        (f"{_REAL}settings_that_went_back_are_told", f"{_PLAN}a_rollback_maps_the_networks_again"),
    ),
    "V2": Registered(
        "independent, RDM, bus-shared and passthrough devices are not covered",
        f"{_REAL}what_no_snapshot_covers_is_said_before",
        (f"{_REAL}a_vm_without_an_entry_point_is_never_touched",),
    ),
    "V3": Registered(
        "recentTask and layoutEx are not notified",
        "unit/sites/vsphere/inventory/test_inventory_watch.py::test_running_tasks_are_asked_for",
        (
            "unit/sites/vsphere/inventory/test_disk_growth_on_vcenter.py::test_asked_for_once_and_kept",
            "e2e/vcenter/test_readiness.py::test_a_task_on_a_vm_holds_the_session_back",
        ),
    ),
    "V4": Registered(
        "questions block a VM until somebody answers",
        f"{_REAL}a_question_of_vcenter_is_shown_and_answered",
        ("unit/sites/vsphere/plan/test_maintenance.py::test_moved_or_copied_is_answered_by_label",),
    ),
    "V5": Registered(
        "snapshots take time, and removals merge downwards",
        f"{_POINTS}each_block_of_the_running_chain_is_copied_once",
        (
            "unit/sites/vsphere/vcenter/calls/test_removal_call.py::test_all_go_by_one_call",
            f"{_STANDSTILL}eight_removals_that_take_hours_hold_no_other_domain_up",
        ),
    ),
    "V6": Registered(
        "what is refused for a moment is tried again",
        f"{_REAL}a_busy_vm_is_waited_for",
        (
            "e2e/many_vms/test_busy_before_power_on.py::"
            "test_the_others_start_and_it_is_mapped_when_it_is_powered_on",
            "e2e/vcenter/test_lost_answers.py::test_the_whole_flow_with_lost_answers",
        ),
    ),
    "V7": Registered(
        "InvalidLogin comes while SSO is away",
        "security/test_password_sources.py::test_one_that_has_worked_is_tried_again_by_itself_for_a_while",
        (
            "unit/sites/vsphere/test_living_sessions.py::"
            "test_the_commanding_one_lives_while_the_other_is_shut_out",
            "unit/sites/vsphere/test_living_sessions.py::"
            "test_the_watching_one_lives_while_the_other_is_shut_out",
            "security/test_canary.py::test_when_the_vcenter_goes_and_comes_back_with_another_password",
        ),
    ),
    "V8": Registered(
        "a group is powered on by one call, with a result of three kinds",
        f"{_GROUP}a_group_is_started_by_one_call",
        (
            f"{_GROUP}one_that_is_not_attempted_has_vcenters_words_and_the_others_run",
            f"{_GROUP}without_a_word_in_the_settings_it_is_done_where_drs_starts_vms_itself",
            f"{_GROUP}who_may_not_start_vms_together_starts_them_one_by_one",
        ),
    ),
    "V9": Registered(
        "VMs that no folder holds", f"{_REAL}vms_in_a_vapp_are_of_their_folder",
        (f"{_REAL}what_is_in_no_domain_is_named", f"{_REAL}templates_are_named_and_left_out"),
    ),
    "V10": Registered(
        "names are not unique, keys are not ids", f"{_REAL}by_key_and_not_by_id",
        (
            f"{_REAL}networks_of_one_name_are_told_apart",
            f"{_REAL}networks_of_one_name_are_refused_with_switch_folder_and_id",
            f"{_REAL}vms_of_one_name_are_told_apart_by_their_paths",
        ),
    ),
    "V11": Registered(
        "replicas of other names, placeholders, other solutions' VMs",
        f"{_REAL}placeholders_and_vms_of_other_solutions",
        (
            f"{_PLAN}replicas_of_other_names",
            "e2e/vcenter/test_readiness.py::"
            "test_a_replication_tool_is_asked_about_before_the_domain_is_taken",
        ),
    ),
    "V12": Registered(
        "hosts' clocks date snapshots", f"{_REAL}the_last_data_is_what_was_not_there_before",
        (f"{_REAL}clocks_of_hosts_are_compared_with_vcenters",),
    ),
    "V13": Registered(
        "cards of replicas are disconnected",
        f"{_REAL}after_a_rollback_vms_stand_on_their_recovery_networks_connected[as replication tools do]",
        ("e2e/many_vms/test_remap.py::test_networks_are_mapped_anew_before_and_after_the_failover",),
    ),
    "V14": Registered(
        "addresses that nobody can reach come first",
        f"{_REAL}ready_once_it_answers",
        (f"{_PLAN}ready[fe80]",),
    ),
    "V15": Registered(
        "a snapshot with memory resumes the VM", f"{_REAL}memory_of_a_point_is_discarded",
        (f"{_PLAN}ready[suspended]",),
    ),
    "V16": Registered(
        "each SetField is an event, and definitions are an administrator's",
        "e2e/vcenter/test_economy.py::test_a_completion_reads_no_vm",
        (
            "e2e/commands/test_definitions.py::test_a_whole_life_without_the_privilege_once_all_is_defined",
            "unit/sites/vsphere/record/leases/test_lease.py::test_in_quiet_a_lease_is_long_and_what_goes_on_makes_it_short",
        ),
    ),
    "V17": Registered(
        "folders are renamed, and attributes tidied away",
        "faults/test_tidied_away.py::test_a_renamed_folder_keeps_its_settings",
        ("faults/test_tidied_away.py::test_a_removed_record_is_an_alarm_and_written_back",),
    ),
    "V18": Registered(
        "a vCenter pauses in a storm", "e2e/light_hand/test_vcenter_pauses.py::test_a_pause_of_four_seconds",
        ("faults/test_outage.py::test_a_slow_answer_is_no_outage",),
    ),
    "V19": Registered(
        "DRS moves VMs all day",
        "unit/sites/vsphere/guard/test_session_guard.py::test_moves_to_other_hosts_are_one_line_that_counts",
        (f"{_GUARD}ha_consolidation_and_backup_proxies_are_noticed",),
    ),
    "V20": Registered(
        "networks that only a snapshot uses are listed",
        f"{_REAL}after_a_rollback_vms_stand_on_their_recovery_networks_connected[only a snapshot uses it]",
        (
            f"{_REAL}by_key_and_not_by_id",
            "unit/sites/vsphere/vcenter/calls/test_network_cards.py::test_what_only_a_snapshot_uses_is_on_no_card",
        ),
    ),
    "V21": Registered(
        "a login shows the address of vCenter or a proxy",
        "unit/sites/vsphere/guard/test_address_of_a_login.py::test_nobody_is_accused_by_a_machines_address",
        (f"{_GUARD}the_same_account_by_hand_is_somebody_else[through the vSphere Client]",),
    ),
    "V22": Registered(
        "events of one task form a chain",
        "unit/sites/vsphere/guard/test_event_parser.py::test_events_of_one_task_are_deeds_of_their_own",
        (f"{_GUARD}the_same_account_by_hand_is_somebody_else",),
    ),
    "V23": Registered(
        "versions know other properties",
        "unit/sites/vsphere/vcenter/calls/test_network_cards.py::"
        "test_an_edit_holds_nothing_that_the_card_did_not_have",
        ("unit/sites/vsphere/vcenter/test_update_parser.py::test_a_type_that_nobody_knows_is_refused_by_both",),
    ),
}  # fmt: skip
