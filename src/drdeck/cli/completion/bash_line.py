"""Completion in bash, also of words with blanks and colons, which click's own script takes apart."""

from __future__ import annotations

import os
import re

from click.shell_completion import BashComplete, CompletionItem, add_completion_class

_SCRIPT = """\
%(complete_func)s() {
    local type value
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(env COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""
_PLAIN = re.compile(r"([^\w@%+=:,./-])")


class Bash(BashComplete):
    """Takes the line as it was typed, and gives back what bash is to put in place of its last piece."""

    source_template = _SCRIPT
    _cut, _quoted = 0, False

    def get_completion_args(self) -> tuple[list[str], str]:
        words, word, quote = typed_words(os.environ["COMP_LINE"])
        self._quoted = bool(quote)
        if not quote:
            # bash replaces only what follows the last of these; the value of --option=VALUE stands alone
            value = word.partition("=")[2] if word.startswith("--") else word
            breaks = [c for c in ":=" if c in os.environ.get("COMP_WORDBREAKS", "")]
            self._cut = max((value.rfind(c) + 1 for c in breaks), default=0)
        return words[1:], word

    def format_completion(self, item: CompletionItem[str]) -> str:
        value = item.value if self._quoted else _PLAIN.sub(r"\\\1", item.value[self._cut :])
        return f"{item.type},{value}"


def typed_words(line: str) -> tuple[list[str], str, str]:
    """The words before the last one, the last one as far as it was typed, and the quote that is open in it.

    After a blank the last word is empty.
    """
    words, word, quote = [], "", ""
    begun = False
    chars = iter(line)
    for char in chars:
        if char == "\\" and quote != "'":
            word, begun = word + next(chars, ""), True
        elif char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote, begun = char, True
        elif quote or not char.isspace():
            word, begun = word + char, True
        elif begun:
            words.append(word)
            word, begun = "", False
    return words, word, quote


add_completion_class(Bash)
