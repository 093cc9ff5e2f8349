"""From facts to progress: a pure function, so that any right way counts and any console can be gone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from drdeck.model.domains import Mode

from . import mistakes
from .conditions import holds
from .lesson import Objective
from .lesson_facts import LessonFacts
from .progress import DomainMemory, NoticedMistake, Progress
from .scoring import result_of

if TYPE_CHECKING:
    from .lesson_file import Course

_BEFORE = frozenset({Mode.IMPORTED, Mode.REHYDRATING, Mode.SYNCHRONISED})


def judge(course: Course, progress: Progress, facts: LessonFacts) -> Progress:
    """The progress after one more look. What was met stays met; a finished lesson stays as it is."""
    if progress.finished:
        return progress
    lesson = course.lesson
    progress = msgspec.structs.replace(progress, memories=_remembered(progress, facts))
    met = dict(progress.met)
    for objective in lesson.objectives:
        if objective.id not in met and holds(objective.when, facts, progress.attaches):
            met[objective.id] = facts.now
    dropped = progress.dropped_at
    if lesson.drop is not None and dropped is None and holds(lesson.drop.when, facts, progress.attaches):
        dropped = facts.now
    progress = msgspec.structs.replace(
        progress, met=met, mistakes=_noticed(course, progress, facts), dropped_at=dropped
    )
    if len(met) == len(lesson.objectives):
        return msgspec.structs.replace(progress, result=result_of(course, progress, facts))
    return progress


def attached(progress: Progress, at: datetime) -> Progress:
    """Somebody came to look at an instant of the site."""
    if progress.finished:
        return progress
    return msgspec.structs.replace(progress, attaches=(*progress.attaches, at)[-50:])


def current(course: Course, progress: Progress) -> Objective | None:
    """The objective to think of now; None when all are met."""
    return next((o for o in course.lesson.objectives if o.id not in progress.met), None)


def _noticed(course: Course, progress: Progress, facts: LessonFacts) -> tuple[NoticedMistake, ...]:
    counted = {(m.kind, m.domain, m.occasion) for m in progress.mistakes}
    new = []
    for mistake in course.lesson.mistakes:
        kind = str(type(mistake).__struct_config__.tag)
        for occasion, detail in mistakes.occasions(mistake, facts, course.ground):
            if (kind, mistake.domain, occasion) in counted:
                continue
            counted.add((kind, mistake.domain, occasion))
            new.append(
                NoticedMistake(
                    kind=kind, occasion=occasion, domain=mistake.domain, at=facts.now,
                    why=mistake.why, detail=detail, fatal=mistake.fatal,
                )
            )  # fmt: skip
    return (*progress.mistakes, *new)


def _remembered(progress: Progress, facts: LessonFacts) -> dict[str, DomainMemory]:
    """Memory of each domain, for what later looks cannot tell any more."""
    memories = dict(progress.memories)
    for domain in facts.domains:
        memory = memories.get(domain.name, DomainMemory())
        if domain.mode in _BEFORE and domain.consistent_at is not None:
            memory = msgspec.structs.replace(
                memory, consistent_at=domain.consistent_at.replace(microsecond=0)
            )
        if domain.reset_at is None and domain.oldest_point is not None:
            memory = msgspec.structs.replace(
                memory,
                points=domain.points,
                oldest_point=domain.oldest_point,
                newest_point=domain.newest_point,
            )
        memories[domain.name] = memory
    return memories
