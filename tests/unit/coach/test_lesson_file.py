"""Lesson files: what is refused, with place and remedy; and the shipped ones as a set."""

from __future__ import annotations

from pathlib import Path

import pytest

from drdeck.coach.lesson import LessonError
from drdeck.coach.lesson_file import find, load, parse, shipped
from tests.support.training.lesson_build import HEAD, NEVER_MET, mistake, objective

ERP = 'domain = "erp-prod"'
SMALL = """
name = "small"
start = "2026-03-10T09:00:00Z"
[[domains]]
name = "plain"
state = "STATE"
protected_site = "SITE"
vms = [{ name = "one", disk_bytes = 1_000_000_000 }]
"""

WRONG: list[tuple[str, tuple[str, ...]]] = [
    ("name = ", ("made.toml: is not TOML",)),
    ("", ("name is missing; add it",)),
    (HEAD, ("objectives is missing",)),
    (HEAD + "objectives = []", ("objectives", "needs an objective")),
    (HEAD + "sped = 3\n" + NEVER_MET, ("made.toml:6: sped", 'no such key here; "speed" would be right')),
    (HEAD + 'speed = "fast"\n' + NEVER_MET, ("speed", "must be a number, not text in quotes")),
    (HEAD + "speed = 0\n" + NEVER_MET, ("speed", "0 is not possible; write a number above 0")),
    (HEAD + "speed = nan\n" + NEVER_MET, ("speed", "is not possible")),
    (
        HEAD.replace("ransomware", "nowhere") + NEVER_MET,
        (":4: scenario", 'no scenario "nowhere"; name one of'),
    ),
    (HEAD.replace("made", "Made!") + NEVER_MET, ("name", "small letters, digits and dashes")),
    (HEAD.replace('"made"', '"12"') + NEVER_MET, ("name", "taken for a lesson's number")),
    (HEAD.replace("Something is the matter.", "x" * 300) + NEVER_MET, ("situation", "300 characters", "220")),
    (HEAD + NEVER_MET + NEVER_MET, (":15: objectives[1].id", '"never" stands here twice')),
    (HEAD + NEVER_MET.replace('"never"', '"Not so"'), ("objectives[0].id", "small letters")),
    (HEAD + NEVER_MET.replace('"Think."', '""'), ("objectives[0].hint", "is empty")),
    (HEAD + NEVER_MET.replace("hint =", "hunt ="), (":10: objectives[0].hunt", '"hint" would be right')),
    (HEAD + NEVER_MET.replace('hint = "Think."', ""), ("objectives[0]", "hint is missing")),
    (HEAD + objective('kind = "won"'), (".when.kind", "'won' is not known; write one of mode, operation")),
    (HEAD + objective(f'kind = "mode", mod = "x", {ERP}'), (".when.mod", '"mode" would be right')),
    (
        HEAD + objective(f'kind = "mode", mode = "gone", {ERP}'),
        (".when.mode", "write one of protected, imported"),
    ),
    (HEAD + objective(f'kind = "operation", action = "cfo", {ERP}'), (".action", "write one of cfo_start")),
    (
        HEAD + objective('kind = "reset", domain = "crm"'),
        (":12: objectives[0].when.domain", 'the scenario "ransomware" has no domain "crm"; it has erp-prod'),
    ),
    (HEAD + objective(f'kind = "mode", mode = "imported", {ERP}'), ("is met before anything is done",)),
    (HEAD + objective(f'kind = "vm_ready", vm = "x", {ERP}'), (".when.vm", 'no VM "x" in "erp-prod"')),
    (
        HEAD + objective(f'kind = "vm_ready", vm = "erp-db01", after_retry = true, {ERP}'),
        ("can never be met", '"erp-db01"', "add a fault"),
    ),
    (HEAD + objective(f'kind = "answered", choice = "abort", {ERP}'), ("can never be met", "abort")),
    (
        HEAD + objective(f'kind = "operation", action = "cfo_complete", type = "regular", {ERP}'),
        ("can never be met", "run at the protected site; use planned"),
    ),
    (
        HEAD + objective(f'kind = "operation", action = "cfo_start", run_pitr = true, {ERP}'),
        ("belong to cfo_complete only",),
    ),
    (
        HEAD
        + objective(f'kind = "rolled_back", healthy = true, at_or_after = "2026-01-16T22:43:00Z", {ERP}'),
        ("can never be met", '"erp-app03" is bad after 2026-01-16T22:42:00Z', "or earlier"),
    ),
    (
        HEAD + objective(f'kind = "rolled_back", at_or_before = "2026-01-10T00:00:00Z", {ERP}'),
        ("can never be met", "before the PITR window begins; write 2026-01-13T23:25:00Z or later"),
    ),
    (
        HEAD
        + objective(
            'kind = "rolled_back", at_or_before = "2026-01-16T21:00:00Z",'
            f' at_or_after = "2026-01-16T22:00:00Z", {ERP}'
        ),
        ("can never be met", "turn them round"),
    ),
    (
        HEAD + objective(f'kind = "rolled_back", at_or_before = 2026-01-16T21:00:00, {ERP}'),
        ("has no time zone",),
    ),
    (HEAD + objective(f'kind = "rolled_back", at_or_before = "noon", {ERP}'), ("'noon' is not a time",)),
    (HEAD + NEVER_MET + mistake("theft"), (":15: mistakes[0].kind", "write one of exit_without_rollback")),
    (HEAD + NEVER_MET + mistake("session_left_open"), ("mistakes[0]", "longer is missing")),
    (HEAD + NEVER_MET + mistake("session_left_open", 'longer = "ages"'), ("longer", "not a duration")),
    (HEAD + NEVER_MET + mistake("vm_skipped").replace("erp-prod", "crm"), ('no domain "crm"',)),
    (
        HEAD + NEVER_MET + '[drop]\nsays = "x"\nwhen = { kind = "reset", domain = "crm" }',
        ("drop.when.domain",),
    ),
]


@pytest.mark.parametrize(("text", "expected"), WRONG)
def test_a_wrong_lesson_is_refused_with_place_and_remedy(text: str, expected: tuple[str, ...]) -> None:
    with pytest.raises(LessonError) as refused:
        parse(text, "made.toml")
    for words in ("made.toml", *expected):
        assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("state", "site", "when", "expected"),
    [
        ("imported", "reachable", 'kind = "session"', "not PITR-enabled"),
        ("imported", "reachable", 'kind = "rolled_back"', "not PITR-enabled"),
        ("imported", "reachable", 'kind = "exited"', "not PITR-enabled"),
        ("imported", "reachable", 'kind = "reset"', "not PITR-enabled"),
        ("imported", "reachable", 'kind = "mode", mode = "pitr_session"', "not PITR-enabled"),
        ("imported", "reachable", 'kind = "operation", action = "pitr_run"', "not PITR-enabled"),
        (
            "imported",
            "reachable",
            'kind = "operation", action = "cfo_complete", run_pitr = true',
            "not PITR-enabled",
        ),
        ("imported", "lost", 'kind = "operation", action = "cfo_complete", type = "planned"', "use force"),
        ("imported", "lost", 'kind = "operation", action = "cfo_complete", type = "regular"', "use force"),
        ("synchronised", "reachable", 'kind = "operation", action = "cfo_start"', "from the start"),
        ("protected", "reachable", 'kind = "operation", action = "cfo_complete"', "runs here already"),
        ("protected", "reachable", 'kind = "mode", mode = "running_in_failover"', "runs here already"),
        ("protected", "reachable", 'kind = "attached_again"', "runs here already"),
    ],
)
def test_a_lesson_that_can_never_be_met_is_refused(
    tmp_path: Path, state: str, site: str, when: str, expected: str
) -> None:
    (tmp_path / "small.toml").write_text(SMALL.replace("STATE", state).replace("SITE", site), "utf-8")
    lesson = tmp_path / "made.toml"
    head = HEAD.replace('"ransomware"', '"small.toml"')
    lesson.write_text(head + objective(f'{when}, domain = "plain"'), "utf-8")
    with pytest.raises(LessonError, match="can never be met") as refused:
        load(lesson)
    assert expected in str(refused.value)


def test_a_site_that_is_lost_before_the_lesson_opens_cannot_be_shut_down(tmp_path: Path) -> None:
    text = SMALL.replace("STATE", "synchronised").replace(
        '"SITE"', '"lost"\nlost_at = "2026-03-10T09:10:00Z"'
    )
    opens = {"09:05": True, "09:10": False, "09:30": False}
    lesson = tmp_path / "made.toml"
    when = 'kind = "operation", action = "cfo_complete", type = "planned", domain = "plain"'
    lesson.write_text(HEAD.replace('"ransomware"', '"small.toml"') + objective(when), "utf-8")
    for clock, possible in opens.items():
        (tmp_path / "small.toml").write_text(
            text.replace("[[domains]]", f'opens = "2026-03-10T{clock}:00Z"\n[[domains]]'), "utf-8"
        )
        if possible:
            assert load(lesson).lesson.objectives
        else:
            with pytest.raises(LessonError, match=r"is lost; use force"):
                load(lesson)


def test_no_health_where_the_window_has_left_the_last_good_point_behind(tmp_path: Path) -> None:
    text = (
        SMALL.replace("STATE", "imported")
        .replace("SITE", "reachable")
        .replace(
            "vms =",
            'pitr = { enabled = true, window = "1h", interval = "5m" }\n'
            'incidents = [{ at = "2026-03-10T09:02:00Z", breaks_health = true }]\nvms =',
        )
        .replace("[[domains]]", 'opens = "2026-03-10T11:00:00Z"\n[[domains]]')
    )
    (tmp_path / "small.toml").write_text(text, "utf-8")
    lesson = tmp_path / "made.toml"
    head = HEAD.replace('"ransomware"', '"small.toml"')
    lesson.write_text(head + objective('kind = "rolled_back", healthy = true, domain = "plain"'), "utf-8")
    with pytest.raises(
        LessonError, match=r"can never be met: the last good point, 2026-03-10T09:00:00Z"
    ) as no:
        load(lesson)
    assert "objectives[0].when.healthy" in str(no.value)


def test_a_scenario_stands_beside_its_lesson(tmp_path: Path) -> None:
    text = SMALL.replace("STATE", "imported").replace("SITE", "reachable")
    (tmp_path / "small.toml").write_text(text, "utf-8")
    lesson = tmp_path / "made.toml"
    head = HEAD.replace('"ransomware"', '"small.toml"')
    lesson.write_text(head + objective('kind = "mode", mode = "synchronised", domain = "plain"'), "utf-8")
    course = find(str(lesson))
    assert course.scenario.name == "small"
    assert Path(course.scenario_source) == tmp_path / "small.toml"


@pytest.mark.parametrize("name", ["none.toml", "./none"])
def test_a_file_that_is_not_there_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(LessonError, match="cannot be read"):
        find(f"{tmp_path}/{name}")


def test_the_shipped_lessons_are_numbered_and_found_by_number_and_name() -> None:
    courses = shipped()
    assert [c.lesson.number for c in courses] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    for course in courses:
        assert find(str(course.lesson.number)).lesson == find(course.lesson.name).lesson == course.lesson
    with pytest.raises(LessonError, match="there is no lesson"):
        find("10")


def test_every_shipped_objective_says_how_it_is_done_by_command() -> None:
    for course in shipped():
        for aim in course.lesson.objectives:
            assert aim.command.startswith(f"drdeck train {course.lesson.number} -- ")
