"""The language and the map of the source, held by rules that a machine can check."""

from __future__ import annotations

import ast
import collections
import functools
import re
import symtable
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support import ROOT

SOURCE, TESTS = ROOT / "src" / "drdeck", ROOT / "tests"
STAND_INS = {
    "found", "known", "said", "told", "asked", "shown", "wanted", "given", "made", "seen", "gone", "held",
    "chosen", "one",
}  # fmt: skip
QUESTION = re.compile(r"(What|Whether|Who|Whose|How|Where|Why|When|Which)\b")
STAND_INS_LEFT = 0
"""Names in source and tests that only say that a value was got; they become fewer, never more."""
QUESTIONS_LEFT = 0
"""Docstrings that begin with a question word; they become fewer, never more."""


MIRRORED = ("sites/training", "sites/vsphere")
"""Rooms in which the same thing has the same name."""


@functools.cache
def trees(folder: Path) -> list[tuple[Path, ast.Module]]:
    return [(path, ast.parse(path.read_text("utf-8"))) for path in sorted(folder.rglob("*.py"))]


COMPREHENSIONS = {"genexpr", "listcomp", "setcomp", "dictcomp"}


def scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """A module's scopes but those of its comprehensions."""
    if table.get_name() not in COMPREHENSIONS:
        yield table
    for child in table.get_children():
        yield from scopes(child)


def of_comprehensions(text: str) -> set[str]:
    """Names that comprehensions bind, where they stand in the scope around (PEP 709)."""
    if sys.version_info < (3, 12):
        return set()
    bound = [node.target for node in ast.walk(ast.parse(text)) if isinstance(node, ast.comprehension)]
    return {node.id for target in bound for node in ast.walk(target) if isinstance(node, ast.Name)}


def stand_ins(text: str) -> Iterator[str]:
    """Locals and parameters that are stand-ins, but not the names of comprehensions."""
    names = STAND_INS - of_comprehensions(text)
    for scope in scopes(symtable.symtable(text, "source", "exec")):
        for name in names.intersection(scope.get_identifiers()):
            symbol = scope.lookup(name)
            if symbol.is_parameter() or (symbol.is_assigned() and not symbol.is_namespace()):
                yield name


def test_a_stand_in_is_noticed_wherever_it_is_bound() -> None:
    text = """
def f(said, *, told=1):
    for seen in said: pass
    with open(told) as made: made()
    if (held := seen): pass
    def gone(): pass
    return [known for known in held if known]
class Kept:
    chosen: int = 3
"""
    assert set(stand_ins(text)) == {"said", "told", "seen", "made", "held", "chosen"}


def members(tree: ast.Module) -> Iterator[str]:
    """Functions, classes and attributes that are stand-ins, with or without an underscore."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            name = node.attr
        else:
            continue
        if name.strip("_").lower() in STAND_INS:
            yield name


def test_a_member_that_is_a_stand_in_is_noticed() -> None:
    text = """
class Chosen:
    def __init__(self): self._told, self.row = 1, self.seen
    def gone(self): return self.held
def given_back(): pass
"""
    assert set(members(ast.parse(text))) == {"Chosen", "_told", "gone"}


def test_members_say_what_they_are() -> None:
    assert [
        f"{path.relative_to(ROOT)}: {name}"
        for root in (SOURCE, TESTS)
        for path, tree in trees(root)
        for name in members(tree)
    ] == []


def test_names_say_what_a_value_is() -> None:
    names = [
        f"{path.relative_to(ROOT)}: {name}"
        for root in (SOURCE, TESTS)
        for path in sorted(root.rglob("*.py"))
        for name in stand_ins(path.read_text("utf-8"))
    ]
    assert len(names) <= STAND_INS_LEFT, collections.Counter(names)


OTHER_WORDS = {"act", "acts", "deed", "deeds", "upkeep", "chore", "chores", "portrait", "fence", "doubtful"}
"""Words in place of which the glossary of docs/architecture.md has one of its own."""


def bound(tree: ast.Module) -> Iterator[str]:
    """Names that a module binds anywhere: locals, parameters, attributes, functions and classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def words_of(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def test_the_words_of_a_name_are_told_apart() -> None:
    assert words_of("RunAct") == {"run", "act"} and words_of("_acts_of") == {"acts", "of"}
    assert set(bound(ast.parse("def f(act): x.deed = [fence for fence in act]"))) == {
        "f",
        "act",
        "deed",
        "fence",
    }


def test_names_are_those_of_the_glossary() -> None:
    names = [
        f"{path.relative_to(SOURCE)}: {name}"
        for path, tree in trees(SOURCE)
        for name in bound(tree)
        if words_of(name) & OTHER_WORDS
    ]
    assert names == []


def test_docstrings_begin_with_a_noun_or_a_verb() -> None:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    questions = [
        f"{path.relative_to(SOURCE)}: {text[:60]}"
        for path, tree in trees(SOURCE)
        for node in ast.walk(tree)
        if isinstance(node, documented) and (text := ast.get_docstring(node)) and QUESTION.match(text)
    ]
    assert len(questions) <= QUESTIONS_LEFT, "\n".join(questions)


def test_a_class_says_what_it_is_before_what_its_fields_are() -> None:
    fields_first = [
        f"{path.relative_to(SOURCE)}: {node.name}"
        for path, tree in trees(SOURCE)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and (ast.get_docstring(node) or "").startswith("`")
    ]
    assert fields_first == []


def test_no_two_top_level_classes_share_a_name() -> None:
    names = [node.name for _, tree in trees(SOURCE) for node in tree.body if isinstance(node, ast.ClassDef)]
    assert [name for name, times in collections.Counter(names).items() if times > 1] == []


def test_no_two_files_share_a_name_but_those_of_mirrored_sites() -> None:
    places = collections.defaultdict(list)
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).parts
        room = "/".join(parts[:2]) if parts[0] == "sites" else ""
        if not path.stem.startswith("__"):
            places[path.stem].append(room if room in MIRRORED else "elsewhere")
    shared = {name: rooms for name, rooms in places.items() if len(rooms) > 1}
    assert {name: rooms for name, rooms in shared.items() if sorted(rooms) != sorted(MIRRORED)} == {}


def test_folders_are_small_enough_to_read() -> None:
    folders = collections.Counter(path.parent for root in (SOURCE, TESTS) for path in root.rglob("*.py"))
    assert {str(folder): many for folder, many in folders.items() if many > 16} == {}


def test_every_folder_says_what_it_is() -> None:
    """What is in it, what only it may do, and where to begin: in three to eight lines."""
    for path in SOURCE.rglob("__init__.py"):
        lines = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").splitlines()
        assert 3 <= len(lines) <= 8, path


def test_unit_tests_mirror_the_source() -> None:
    """A test that has the name of a file stands in the folder of that name."""
    folders = collections.defaultdict(set)
    for path in SOURCE.rglob("*.py"):
        folders[path.stem].add(path.parent.relative_to(SOURCE))
    misplaced = [
        str(path.relative_to(TESTS))
        for path in (TESTS / "unit").rglob("test_*.py")
        for places in [folders.get(path.stem.removeprefix("test_"))]
        if places and path.parent.relative_to(TESTS / "unit") not in places
    ]
    assert misplaced == []


def test_the_map_names_files_that_are_there() -> None:
    """Of each line, the first file with its whole path; the others by its end."""
    files = {str(path.relative_to(ROOT)) for root in (SOURCE, TESTS) for path in root.rglob("*.py")}
    missing = []
    for page in (ROOT / "docs").glob("*.md"):
        for line in page.read_text("utf-8").splitlines():
            names = re.findall(r"`((?:\w+/)*\w+\.py)`", line)
            missing += [name for name in names if not any(f"/{file}".endswith(f"/{name}") for file in files)]
            if line.startswith("| ") and names and not {names[0], f"src/drdeck/{names[0]}"} & files:
                missing.append(f"{names[0]} is not whole")
    assert missing == []


def test_nobody_imports_a_test_module() -> None:
    """Helpers of several tests stand in tests/support."""
    imported = re.compile(
        r"^\s*(from\s+tests(\.\w+)*\.(test_\w+|conftest)\b"  # from tests.unit.test_one import Two
        r"|from\s+tests[\w.]*\s+import\s+(\([^)]*|[^#\n]*)\b(test_\w+|conftest)\b"  # from tests import x
        r"|import\s+tests(\.\w+)*\.(test_\w+|conftest)\b).*",
        re.MULTILINE,
    )
    imports = [
        f"{path.relative_to(TESTS)}: {statement[0].strip()}"
        for path in sorted(TESTS.rglob("*.py"))
        for statement in imported.finditer(path.read_text("utf-8"))
    ]
    assert imports == []
