"""The coach's panel: what it says, in how much room."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from drdeck.coach.coach import Coach
from drdeck.coach.judge import judge
from drdeck.coach.lesson_file import Course, shipped
from drdeck.coach.progress import NoticedMistake
from drdeck.coach.result import Cost
from drdeck.coach.scoring import result_of
from drdeck.console.format import plain_of, width_of
from drdeck.console.widgets.coach_panel import MOST_LINES, panel_lines
from tests.support.training.lesson_build import (
    NEVER_MET,
    T0,
    at,
    course,
    domain,
    facts,
    mistake,
    objective,
    period,
    session,
)

TWO = objective('kind = "session", domain = "erp-prod"', "first") + NEVER_MET


def coach_of(course: Course, home: Path) -> Coach:
    return Coach(course, home, home / "journal.db")


def text_of_panel(coach: Coach, folded: bool = False) -> str:
    return "\n".join(plain_of(line) for line in panel_lines(coach, 80, folded))


@pytest.mark.parametrize("course", shipped(), ids=lambda c: c.lesson.name)
def test_everything_of_the_shipped_lessons_has_room_at_80_columns(course: Course, tmp_path: Path) -> None:
    coach = coach_of(course, tmp_path)
    for aim in course.lesson.objectives:
        for level in range(3):
            panel_text = " ".join(text_of_panel(coach).replace("\n", " ").split())
            words = (
                course.lesson.situation if not coach.progress.met else "",
                aim.hint,
                aim.key,
            )[level]
            assert " ".join(aim.text.split()) in panel_text
            assert " ".join(words.split())[:70] in panel_text.replace(" > ", " ").replace(" ? ", " ")
            assert " ".join(words.split())[-20:] in panel_text
            lines = panel_lines(coach, 80, False)
            assert len(lines) <= MOST_LINES
            assert course.lesson.title in plain_of(lines[0])
            assert all(width_of(line) <= 80 for line in lines)
            if level < 2:
                coach.help()
        coach.progress = msgspec.structs.replace(coach.progress, met={**coach.progress.met, aim.id: T0})
        coach.file.write(coach.progress)


def test_a_hint_comes_first_and_then_the_key_and_each_counts_once(tmp_path: Path) -> None:
    coach = coach_of(course(TWO), tmp_path)
    assert "Something is the matter." in text_of_panel(coach)
    coach.help()
    assert "Think." in text_of_panel(coach) and "Press." not in text_of_panel(coach)
    coach.help()
    coach.help()
    assert "Press." in text_of_panel(coach)
    assert coach.progress.hints == ("first:hint", "first:key")
    assert coach_of(course(TWO), tmp_path).progress.hints == coach.progress.hints


def test_help_begins_anew_with_the_next_objective(tmp_path: Path) -> None:
    coach = coach_of(course(TWO), tmp_path)
    coach.help()
    coach.help()
    coach.progress = judge(coach.course, coach.progress, facts(domain(session=session())))
    coach.file.write(coach.progress)
    assert "Think." not in text_of_panel(coach) and "Press." not in text_of_panel(coach)
    coach.help()
    assert "Think." in text_of_panel(coach)
    assert coach.progress.hints == ("first:hint", "first:key", "never:hint")


def test_a_mistake_is_told_until_help_is_asked_for(tmp_path: Path) -> None:
    coach = coach_of(course(TWO, mistake("vm_skipped", "fatal = true")), tmp_path)
    noticed = NoticedMistake(
        kind="vm_skipped", occasion="x", domain="erp-prod", at=T0, why="It does harm.", fatal=True
    )
    coach.progress = msgspec.structs.replace(coach.progress, mistakes=(noticed,))
    coach.file.write(coach.progress)
    assert " ! It does harm. Begin anew: drdeck train made --again" in text_of_panel(coach)
    coach.help()
    assert "It does harm." not in text_of_panel(coach)


@pytest.mark.parametrize("course", shipped(), ids=lambda c: c.lesson.name)
def test_the_end_of_each_lesson_has_room_with_what_was_lost(course: Course, tmp_path: Path) -> None:
    coach = coach_of(course, tmp_path)
    lost = Cost(domain=course.lesson.domains[0], points=4310, start=T0, end=at(1), vms_failing=17)
    course_result = result_of(course, coach.progress, facts(now=1))
    coach.progress = msgspec.structs.replace(
        coach.progress,
        met=dict.fromkeys((o.id for o in course.lesson.objectives), T0),
        result=msgspec.structs.replace(course_result, cost=(lost,)),
    )
    panel_text = " ".join(text_of_panel(coach).split())
    assert "17 VMs fail their check with nothing to go back to." in panel_text
    assert " ".join(course.lesson.end.split()) in panel_text


def test_folded_it_is_one_line(tmp_path: Path) -> None:
    coach = coach_of(course(TWO), tmp_path)
    assert text_of_panel(coach, folded=True).count("\n") == 0
    assert "ctrl+t Coach" in text_of_panel(coach, folded=True)


def test_at_the_end_it_tells_the_figures(tmp_path: Path) -> None:
    exercise = course(objective('kind = "session", domain = "erp-prod"'))
    coach = coach_of(exercise, tmp_path)
    coach.progress = judge(exercise, coach.progress, facts(domain(excluded=(period(10, 30),)), now=40))
    assert "Finished: L chooses another lesson, d leaves." in text_of_panel(coach)
    assert "h Hint" not in text_of_panel(coach)
    assert "unprotected 00:20:00" in " ".join(text_of_panel(coach).split())
    assert coach.progress.result is not None and coach.progress.result.at == at(40)
