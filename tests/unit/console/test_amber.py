"""Amber means "needs you" and nothing else, and no sign is good in one place and bad in another."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import drdeck.console
from drdeck.model.text import LIKENESS

ROOT = Path(drdeck.console.__file__).parent
AMBER = {"warn", "alert", "top-alert"}
NEEDS_YOU = {
    # to be weighed before a yes
    "dialogs/complete_failover.py CompleteDialog._draw_evidence": "what was found against it",
    "dialogs/confirmation.py Confirm.body": "warnings above a yes",
    "dialogs/life/begin_trial.py BeginTest._vm_line": "a ticked VM that has no restore point",
    "dialogs/life/begin_trial.py BeginTest.on_look_result": "what was found against it",
    "dialogs/life/end_trial.py EndTest.body": "warnings above a yes",
    "dialogs/plan_answers.py ConfirmByWords.body": "warnings above a yes",
    "dialogs/plan_answers.py ExitDialog.body": "domains whose points an exit resets",
    "screens/run_pitr.py RunPitrScreen.content": "what a rollback leaves to be done by hand",
    "screens/run_pitr.py RunPitrScreen.take": "what a rollback leaves to be done by hand",
    "widgets/list_rows.py disturbed_lines": "points that others changed",
    "widgets/list_rows.py _short_point": "what speaks against a point",
    "widgets/list_rows.py point_row": "what speaks against a point",
    "widgets/plans/check_lines.py _SIGNS": "a domain with something against it",
    "widgets/plans/check_lines.py consequence_lines": "what was found against a plan",
    "widgets/plans/check_lines.py plan_lines": "what is wrong with a plan",
    "widgets/plans/check_lines.py plan_row": "what is wrong with a plan",
    "widgets/plans/check_lines.py sums_line": "how many have something against them",
    "widgets/plans/instant_lines.py member_row": "VMs without a point",
    "widgets/plans/instant_lines.py spread_lines": "domains that do not go to one instant",
    # to be chosen or answered
    "dialogs/failover_wizard.py VmSettingsPage._say": "networks that are not chosen yet",
    "widgets/network_mapping.py NetworkMapping._row_line": "a network that is not chosen yet",
    "dialogs/fact_sheets.py progress_dialog": "a question",
    "screens/task_log.py task_facts": "a question",
    "widgets/list_rows.py result_text": "a question",
    "widgets/question_bar.py QuestionBar._draw_text": "a question",
    "widgets/status_bars.py operation_lines": "a question whether something happened",
    "widgets/plans/run_lines.py _site_or_end": "the protected site that answers again in a Force",
    "widgets/plans/run_lines.py _state_style": "a domain that needs somebody",
    "widgets/plans/run_lines.py _waves_from": "a wave that waits to be let go on",
    "widgets/plans/run_lines.py list_line": "how many need somebody",
    "widgets/plans/run_lines.py run_row": "a domain that needs somebody, and for what",
    # to be looked into
    "screens/alarm_list.py STYLES": "an alarm",
    "screens/doctor_report.py _ORDER": "a finding with a remedy",
    "screens/doctor_report.py _SIGNS": "a finding with a remedy",
    "screens/doctor_report.py finding_lines": "a finding with a remedy",
    "widgets/list_rows.py alarm_lines": "an alarm",
    "widgets/list_rows.py alarm_sign": "an alarm",
    "widgets/domain_columns.py COLUMNS": "the last good point, where writing is abnormal",
    "widgets/domain_columns.py domain_row": "a question",
    "widgets/timeline.py timeline": "abnormal writing",
    # unprotected until somebody ends it
    "screens/domain_pane.py DomainPane._going": "VMs without protection; a test of which something is left",
    "widgets/domain_columns.py _session": "how long a session lasts",
    "widgets/list_rows.py MODE_STYLES": "a PITR session",
    "widgets/screen_frame.py top_line": "questions, and sessions with the longest",
    "widgets/status_bars.py figures_of": "a PITR session",
    "widgets/status_bars.py low_bars": "a PITR session",
}
"""Every place of the console that draws in amber -> what it needs somebody for."""

GOOD, BAD, NEUTRAL = "good", "bad", "neutral"
MEANS = {"ok": GOOD, "warn": BAD, "bad": BAD, "alert": BAD, "top-alert": BAD}
"""A style -> what it says of what it is drawn on; others say neither."""
SIGNS = {
    "●": GOOD, "✓": GOOD, "★": GOOD, "✗": BAD, "!": BAD, "?": BAD, "▒": BAD,
    "○": NEUTRAL, "▶": NEUTRAL, "·": NEUTRAL, "│": NEUTRAL, "─": NEUTRAL, "-": NEUTRAL,
}  # fmt: skip
"""What a sign says wherever it stands; ◆ is what goes on, in a list, and where it went, on the timeline."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    for file in sorted(ROOT.rglob("*.py")):
        yield str(file.relative_to(ROOT)), ast.parse(file.read_text("utf-8"))


def amber_in(node: ast.AST, place: tuple[str, ...]) -> Iterator[str]:
    """The places inside a node that name an amber style."""
    for child in ast.iter_child_nodes(node):
        here = place
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            here = (*place, child.name)
        elif isinstance(child, ast.Assign | ast.AnnAssign) and not place:
            target = child.targets[0] if isinstance(child, ast.Assign) else child.target
            here = (target.id,) if isinstance(target, ast.Name) else place
        if isinstance(child, ast.Constant) and child.value in AMBER:
            yield ".".join(here)
        yield from amber_in(child, here)


def test_amber_is_drawn_only_where_somebody_is_needed() -> None:
    drawn = {
        f"{file} {place}" for file, tree in trees() if file != "themes.py" for place in amber_in(tree, ())
    }
    assert drawn == set(NEEDS_YOU)


def test_a_sign_means_the_same_wherever_it_stands() -> None:
    drawn: dict[str, set[str]] = defaultdict(set)
    for _, tree in trees():
        for node in ast.walk(tree):
            texts = (
                [e.value for e in node.elts if isinstance(e, ast.Constant)]
                if isinstance(node, ast.Tuple)
                else []
            )
            sign, *rest = [str(text).strip() for text in texts] or [""]
            styles = [text for text in rest if text in MEANS or text in ("accent", "dim")]
            if sign in SIGNS and styles:
                drawn[sign] |= {MEANS.get(style, NEUTRAL) for style in styles}
    assert len(drawn) > 8, "the signs are found"
    wrong = {sign: means for sign, means in drawn.items() if means != {SIGNS[sign]}}
    assert not wrong


def test_signs_of_good_and_bad_stay_apart_in_ascii() -> None:
    for good in (sign for sign, means in SIGNS.items() if means == GOOD):
        bad = {LIKENESS.get(sign, sign) for sign, means in SIGNS.items() if means == BAD}
        assert LIKENESS[good] not in bad
