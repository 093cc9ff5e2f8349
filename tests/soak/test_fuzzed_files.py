"""Two thousand settings, scenario and lesson files that are wrong: each read, or refused in a sentence."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from importlib import resources
from pathlib import Path

import msgspec
import pytest

from drdeck.cli.root import run
from drdeck.coach import lesson_file as lessons
from drdeck.coach.lesson import LessonError
from drdeck.config.settings import Settings, SettingsError
from drdeck.config.settings_file import load as load_settings
from drdeck.model.commands import RollBack
from drdeck.model.domains import FailoverType
from drdeck.model.text import clean
from drdeck.sites.training.scenario import scenario_file as scenarios
from drdeck.sites.training.scenario.scenario_tables import Scenario, ScenarioError
from tests.support.mutations import SEED, TIMES, Mutator
from tests.support.training.training_build import START, Player
from tests.support.whole_files import WHOLE_SCENARIO, WHOLE_SETTINGS

FILES = 2_000 * TIMES
WITHIN_S = 5
"""A file is judged within this time on any machine; mostly it takes a few ms."""
MOST_WORDS = 1200


def texts_of(package: str, folder: str) -> list[str]:
    directory = resources.files(package) / folder
    return [entry.read_text("utf-8") for entry in directory.iterdir() if entry.name.endswith(".toml")]


SETTINGS = [WHOLE_SETTINGS]
SCENARIOS = [
    WHOLE_SCENARIO,
    WHOLE_SCENARIO,
    *(t for t in texts_of("drdeck.sites.training", "scenarios") if len(t) < 20_000),
]
LESSONS = texts_of("drdeck.coach", "lessons")


@contextlib.contextmanager
def within(seconds: int) -> Iterator[None]:
    """Ends what hangs: seconds of this process at work, whatever else the machine does."""

    def ring(*_: object) -> None:
        raise AssertionError(f"not over within {seconds} s")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def is_clear(message: str, file: Path) -> bool:
    """One sentence for a person that begins with the place."""
    place = re.match(re.escape(str(file)) + r"(:\d+|, line \d+)?: \S", message)
    return bool(place) and clean(message) == message and len(message) < MOST_WORDS + len(str(file))


def play(scenario: Scenario) -> None:
    """A whole flow in each of the first domains, over years: nothing may fail or take long."""
    for domain in scenario.domains[:2]:
        player = Player(scenario, domain.name)
        player.now = (scenario.first_instant - START).total_seconds()

        def pass_time(player: Player = player) -> None:
            for seconds in (1, 600, 30 * 86400):
                question = player.after(seconds).question
                if question is not None:
                    player.answer(question.choices[0])

        pass_time()
        player.start()
        pass_time()
        player.complete(FailoverType.FORCE, run_pitr=True)
        pass_time()
        player.session(after_failover=domain.state != "protected")
        pass_time()
        points = player.points().points
        if points:
            player.give(RollBack(operation="back", domain=domain.name, to=points[-1].time))
        pass_time()
        player.leave()
        player.finish()
        player.after(timedelta(days=3660).total_seconds())
        msgspec.json.encode((player(), player.points()))


def use(settings: Settings, file: Path) -> None:
    """By the command line, which needs no site for this."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = run(["--config", str(file), "--state", str(file.parent), "sites"])
    assert code == 0, output.getvalue()


Judge = Callable[[Path], None]


def settings_judge(file: Path) -> None:
    use(load_settings(file), file)


def scenario_judge(file: Path) -> None:
    play(scenarios.load(file))


def lesson_judge(file: Path) -> None:
    lessons.load(file)


KINDS: dict[str, tuple[list[str], Judge, type[Exception], int]] = {
    "settings": (SETTINGS, settings_judge, SettingsError, FILES * 4 // 10),
    "scenario": (SCENARIOS, scenario_judge, ScenarioError, FILES * 4 // 10),
    "lesson": (LESSONS, lesson_judge, LessonError, FILES * 2 // 10),
}


def judged(file: Path, judge: Judge, refusal: type[Exception]) -> str:
    """What is said against a file; empty when it is taken."""
    with within(WITHIN_S):
        try:
            judge(file)
        except refusal as error:
            return str(error)
    return ""


@pytest.mark.parametrize("kind", KINDS)
def test_two_thousand_files(tmp_path: Path, kind: str) -> None:
    texts, judge, refusal, count = KINDS[kind]
    make = Mutator(SEED)
    outcomes: Counter[str] = Counter()
    for number in range(count):
        data = make.toml(make.random.choice(texts)).encode("utf-8", "surrogatepass")
        if number % 20 == 0:
            data = make.bytes(data)
        file = tmp_path / f"{number}.toml"
        file.write_bytes(data)
        try:
            message = judged(file, judge, refusal)
        except BaseException as error:
            raise AssertionError(f"{file}: {error!r}") from error
        assert not message or is_clear(message, file), message
        outcomes["refused" if message else "taken"] += 1
        file.unlink()
    assert outcomes["taken"] > count / 50 and outcomes["refused"] > count / 3, outcomes


# -- by hand


def nested(depth: int) -> str:
    return f"x = {'[' * depth}{']' * depth}\n"


CORPUS: dict[str, bytes] = {
    "binary": bytes(range(256)) * 40,
    "UTF-16": WHOLE_SETTINGS.encode("utf-16"),
    "one byte": b"\xff",
    "NUL": b"\x00",
    "only a BOM and junk": b"\xef\xbb\xbfx",
    "deep": nested(100_000).encode(),
    "deep enough to be read": nested(200).encode(),
    "deep tables": b"".join(b"[" + b"a." * depth + b"a]\n" for depth in range(1, 400, 7)),
    "dotted": b"a" + b".a" * 100_000 + b" = 1\n",
    "twice": b"read_only = true\nread_only = true\n",
    "table twice": b"[console]\n[console]\n",
    "half": b'default_site = "dr-',
    "half a table": b"[sites.dr-west",
    "many digits": b"x = " + b"9" * 1_000_000,
    "too many bits": b"seed = 9223372036854775808\n",
    "long key": b"k" * 1_000_000 + b" = 1\n",
    "long line": b"[" + b" " * 1_000_000 + b"x\n",
    "many keys": b"".join(b"key%d = %d\n" % (n, n) for n in range(100_000)),
    "too large": b"# " + b"x" * (5 * 1024 * 1024),
    "a list": b"[[x]]\n" * 50_000,
    "NUL in a text": b'default_site = "a\\u0000b"\nname = "a\\u0000b"\n',
    "no such thing": b'[sites.x]\nkind = "training"\nscenario = "a\\nb"\nspeed = nan\n',
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CORPUS)
def test_the_corpus(tmp_path: Path, kind: str, case: str) -> None:
    _, judge, refusal, _ = KINDS[kind]
    file = tmp_path / "it.toml"
    file.write_bytes(CORPUS[case])
    message = judged(file, judge, refusal)
    assert message and is_clear(message, file), message


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file(tmp_path: Path, kind: str) -> None:
    _, judge, refusal, _ = KINDS[kind]
    pipe, loop, folder = tmp_path / "pipe.toml", tmp_path / "loop.toml", tmp_path / "folder.toml"
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    folder.mkdir()
    zero = tmp_path / "zero.toml"
    zero.symlink_to("/dev/zero")
    long = tmp_path / ("x" * 300)
    for file in (pipe, loop, folder, zero, long):
        message = judged(file, judge, refusal)
        assert is_clear(message, file), message


def test_an_empty_file_says_what_is_missing_or_nothing(tmp_path: Path) -> None:
    file = tmp_path / "empty.toml"
    for text in ("", "\n", "# nothing\n", "\ufeff"):
        file.write_text(text, "utf-8")
        assert load_settings(file) == Settings()
        assert "is missing" in judged(file, scenario_judge, ScenarioError)
        assert "is missing" in judged(file, lesson_judge, LessonError)


def vms(count: int) -> str:
    return ", ".join(f'{{ name = "a{number}", disk_bytes = 1 }}' for number in range(count))


def scenario_of(domain: str = "", top: str = "", vms: str = vms(1), **more: str) -> str:
    values = {"start": "2026-01-16T22:00:00Z", "link": "1000", "window": "3d", "interval": "1m"} | more
    return f"""
name = "x"
start = "{values["start"]}"
link_bytes_per_s = {values["link"]}
{top}
[[domains]]
name = "erp"
protected_site = "lost"
pitr = {{ enabled = true, window = "{values["window"]}", interval = "{values["interval"]}" }}
vms = [{vms}]
{domain}
"""


def many(key: str, tables: Iterable[str]) -> str:
    return f"{key} = [{', '.join(f'{{ {table} }}' for table in tables)}]"


DELAYS = (f'group = "g{n}", vms = ["a{n}"], delay_after = "3660d"' for n in range(200))
INCIDENTS = (f'at = "2026-01-16T22:{n % 60:02}:00Z", write_factor = {n % 7}' for n in range(1000))
FAULTS = ('kind = "foreign_snapshot", domain = "erp", vms = ["a0"]' for _ in range(1000))
DOMAINS = "".join(f'[[domains]]\nname = "d{n}"\nvms = [{vms(1)}]\n' for n in range(999))
LARGEST: dict[str, str] = {
    "centuries": scenario_of(
        start="1971-01-01T00:00:00Z", top='opens = "2199-01-01T00:00:00Z"', window="50000s", interval="1s"
    ),
    "a disk that never comes": scenario_of(vms=f'{{ name = "a", disk_bytes = {1 << 60} }}', link="1"),
    "writes without end": scenario_of(
        vms=f'{{ name = "a", disk_bytes = {1 << 60}, write_bytes_per_s = {1 << 60} }}',
        domain='incidents = [{ at = "2026-01-16T22:42:00Z", write_factor = 1000000 }]',
    ),
    "boots of years": scenario_of(vms='{ name = "a", disk_bytes = 1, boot = "3660d" }'),
    "delays of years": scenario_of(vms=vms(200), domain=many("runbook", DELAYS)),
    "as many VMs as may be": scenario_of(vms=vms(10_000)),
    "as many incidents": scenario_of(vms=vms(50), domain=many("incidents", INCIDENTS)),
    "as many faults": scenario_of(top=many("faults", FAULTS)),
    "as many domains": scenario_of(domain=DOMAINS),
    "as many points": scenario_of(window="50000s", interval="1s"),
    "a window of years": scenario_of(window="3660d", interval="7000s"),
}


@pytest.mark.parametrize("case", LARGEST)
def test_the_largest_scenarios_are_played(case: str) -> None:
    """What is taken can be computed: no view of it takes more than a moment, however much there is."""
    with within(60):
        play(scenarios.parse(LARGEST[case], "largest.toml"))


A_THOUSAND = ", ".join(['"a*"'] * 1001)
PATTERN = f'group = "g", vms = ["{41 * "*a"}"]'
TOO_MUCH: dict[str, tuple[str, str]] = {
    "VMs": (scenario_of(vms=vms(10_001)), "leave at most 10000"),
    "domains": (scenario_of(domain=DOMAINS + '[[domains]]\nname = "one more"\n'), "leave at most 1000"),
    "long name": (scenario_of(vms=f'{{ name = "{"x" * 81}", disk_bytes = 1 }}'), "write at most 80"),
    "long pattern": (
        scenario_of(domain=many("runbook", [PATTERN])),
        "at most 80",
    ),
    "patterns": (
        scenario_of(domain=many("runbook", [f'group = "g", vms = [{A_THOUSAND}]'])),
        "use patterns for many",
    ),
    "disk": (scenario_of(vms=f'{{ name = "a", disk_bytes = {(1 << 60) + 1} }}'), "write at most"),
    "boot": (scenario_of(vms='{ name = "a", disk_bytes = 1, boot = "3661d" }'), "at most 3660d"),
    "a thousand years": (scenario_of(window="9999999d", interval="9999999d"), "longer than a thousand years"),
}


@pytest.mark.parametrize("case", TOO_MUCH)
def test_too_much_is_refused(case: str) -> None:
    text, reason = TOO_MUCH[case]
    with pytest.raises(ScenarioError, match=reason), within(WITHIN_S):
        scenarios.parse(text, "much.toml")
