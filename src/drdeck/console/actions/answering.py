"""The operator's answer to a question, confirmed where it cannot be taken back."""

from __future__ import annotations

from drdeck.console.attention import OpenQuestion
from drdeck.console.dialogs.confirmation import Confirm, ConfirmByName
from drdeck.console.ports import Console
from drdeck.console.widgets.question_bar import choice_label
from drdeck.model.actions.action_table import READ_ONLY
from drdeck.model.actions.confirming import POWER_OFF
from drdeck.model.text import some

from .flows import refused

DOUBT_MEANS = {
    "retry": "It did not happen: it is requested once more.",
    "confirm": "It did happen: it is not requested again.",
}
"""What an answer means where it is not known whether a call took effect."""
UUID_MEANS = {
    "button.uuid.movedTheVM": "I moved it: the VM keeps its UUID and MAC addresses: for one that replaces the"
    " protected one.",
    "button.uuid.copiedTheVM": "I copied it: the VM gets a new UUID and new MAC addresses: for a test.",
}
"""What vCenter's answers to "moved or copied" mean (Broadcom KB 320246, "Changing or keeping a UUID")."""


async def answer_question(app: Console, question: OpenQuestion, choice: str) -> None:
    """Answer a question. All but a retry are confirmed; that one too where it could do twice what has
    been done already."""
    operation = question.operation
    if operation is None:
        return
    if app.read_only:
        await refused(app, choice_label(choice), READ_ONLY)
        return
    confirm = None
    if choice == POWER_OFF and question.vm is None and operation.question is not None:
        text = f"Power off {some(sorted(operation.question.vms.values()))} at the protected site?"
        warns = ["What the guests have not written is lost."]
        if not await app.ask(ConfirmByName("Power off", [text], "Power off", operation.domain, warns=warns)):
            app.say("Nothing was answered")
            return
        confirm = operation.domain
    elif question.vm is not None or choice not in ("retry", "wait") or question.doubt:
        yes = choice_label(choice, question.doubt)
        text = f"{question.who}:" if question.doubt else f"Answer {yes} to {question.who}?"
        question_text = question.doubt.partition(" Look in ")[0] or question.text
        means = DOUBT_MEANS if question.doubt else UUID_MEANS if question.vm is not None else {}
        warns = [means[choice]] if choice in means else []
        if not await app.ask(Confirm(yes, [text, question_text], yes, warns=warns)):
            app.say("Nothing was answered")
            return
    app.dialog_queue.expect(False)
    await app.client.answer(operation.id, choice, question.vm, confirm=confirm)
    app.say(f"{question.vm or question.domain}: answered {choice_label(choice, question.doubt)}")
