"""The coach beside a console or a command: looks, judges, keeps the progress, and says what to say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from drdeck.controller.ipc.client import Client

from .judge import attached, current, judge
from .lesson import Objective
from .lesson_facts import LessonFacts, gather
from .lesson_state import progress_file
from .progress import Progress
from .result import Result, cost_of, figures, sick_says
from .scoring import result_of

if TYPE_CHECKING:
    from .lesson_file import Course

CoachLine = tuple[str, str]
"""(style, sentence); styles: situation, objective, hint, key, mistake, done"""


@dataclass(frozen=True)
class CoachNews:
    """Changes since the look before, to be announced once."""

    met: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()
    finished: bool = False
    dropped: bool = False


class Coach:
    """One process's view of a lesson that is going on. `home` is the lesson's own state directory;
    `program` and `word` are how drdeck and the lesson are called where the trainee types."""

    def __init__(
        self, course: Course, home: Path, journal: Path, program: str = "drdeck", word: str = ""
    ) -> None:
        self.course, self.program = course, program
        self._word = word or str(course.lesson.number or course.lesson.name)
        self.file = progress_file(home)
        self.journal = journal
        self.drop: str | None = None
        """why the link drops: the console ends then"""
        self.facts: LessonFacts | None = None
        self._attached = False
        self._last_objective: Objective | None = None
        self._help = 0
        self._mistakes_told = 0
        self.progress = self.file.read() or Progress(lesson=course.lesson.name, begun_at=datetime.now(UTC))
        self._mistakes_told = len(self.progress.mistakes)

    @property
    def title(self) -> str:
        number = f"Lesson {self.course.lesson.number}: " if self.course.lesson.number else "Lesson: "
        return number + self.course.lesson.title

    @property
    def call(self) -> str:
        """The command that continues the lesson."""
        return f"{self.program} train {self._word}"

    def typed(self, text: str) -> str:
        """A lesson's text, in which drdeck is called as it is here."""
        return text.replace("drdeck train", f"{self.program} train")

    @property
    def objective(self) -> Objective | None:
        """The next thing to do; None when all is done."""
        return current(self.course, self.progress)

    @property
    def standing(self) -> str:
        """ "2 of 5" """
        return f"{len(self.progress.met)} of {len(self.course.lesson.objectives)}"

    # -- looking

    async def observe(self, client: Client) -> CoachNews:
        """Look once, judge, and keep what changed. Raises ControllerError, ProgressError."""
        facts = await gather(client, self.journal, self.course.lesson.domains)
        if facts is None:
            return CoachNews()
        self.facts = facts
        with self.file.locked():
            before = self.file.read() or self.progress
            progress = before
            if not self._attached:
                self._attached = True
                progress = attached(progress, facts.now)
            progress = judge(self.course, progress, facts)
            if progress != before or not self.file.path.exists():
                self.file.write(progress)
        self.progress = progress
        return self._news(before, progress)

    def _news(self, before: Progress, after: Progress) -> CoachNews:
        met = [o.text for o in self.course.lesson.objectives if o.id in after.met and o.id not in before.met]
        if met:
            self._mistakes_told = len(before.mistakes)
        dropped = after.dropped_at is not None and before.dropped_at is None
        if dropped and self.course.lesson.drop is not None:
            self.drop = self.typed(self.course.lesson.drop.says)
        return CoachNews(
            met=tuple(met),
            mistakes=tuple(
                f"{m.why} ({m.detail})" if m.detail else m.why for m in after.mistakes[len(before.mistakes) :]
            ),
            finished=after.finished and not before.finished,
            dropped=dropped,
        )

    # -- helping

    def help(self) -> None:
        """A hint first, then the key; each is counted once."""
        if self._level() == 0:
            self.hint()
        else:
            self.give_key()

    def hint(self) -> None:
        """Say how to think of the current objective."""
        self._give("hint", 1)

    def give_key(self) -> None:
        """Say what to press for it."""
        self._give("key", 2)

    def _level(self) -> int:
        if self._last_objective != self.objective:
            return 0
        return self._help

    def _give(self, what: str, level: int) -> None:
        objective = self.objective
        if objective is None:
            return
        self._last_objective, self._help = objective, max(level, self._level())
        self._mistakes_told = len(self.progress.mistakes)
        mark = f"{objective.id}:{what}"
        with self.file.locked():
            progress = self.file.read() or self.progress
            if mark not in progress.hints and not progress.finished:
                progress = msgspec.structs.replace(progress, hints=(*progress.hints, mark))
                self.file.write(progress)
        self.progress = progress

    # -- saying

    def lines(self) -> list[CoachLine]:
        """Lines of a panel now: the situation where it is new, the objective, then what was asked for."""
        lesson, objective = self.course.lesson, self.objective
        if objective is None:
            return self._ended()
        lines: list[CoachLine] = [("objective", objective.text)]
        level = self._level()
        new = self.progress.mistakes[self._mistakes_told :]
        if new:
            again = f" Begin anew: {self.call} --again" if new[-1].fatal else ""
            lines.append(("mistake", f"{new[-1].why}{again}"))
        elif level >= 2:
            lines.append(("key", self.typed(objective.key)))
        elif level == 1:
            lines.append(("hint", self.typed(objective.hint)))
        elif not self.progress.met:
            lines.insert(0, ("situation", lesson.situation))
        return lines

    def _ended(self) -> list[CoachLine]:
        result = self.progress.result
        if result is None:
            return []
        lines: list[CoachLine] = []
        if result.vms_failing:
            lines.append(("mistake", f"Objectives met, but {sick_says(result)}."))
        lines.append(("done", f"Finished: L chooses another lesson, d leaves. {figures(result)}"))
        lines += [("mistake", cost_of(cost)) for cost in result.cost]
        if self.course.lesson.end:
            lines.append(("situation", self.course.lesson.end))
        return lines

    def result(self) -> Result | None:
        """The result now; None before the site was seen."""
        if self.progress.result is not None:
            return self.progress.result
        return None if self.facts is None else result_of(self.course, self.progress, self.facts)
