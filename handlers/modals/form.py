"""What a form is, and the listener that takes its submission."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt import Ack, App

from bot.outcome import Refused
from bot.policy import Person
from bot.services import Services
from bot.slack.blocks.parts import marked
from bot.slack.views.forms import modal
from handlers import modals
from handlers.boundary import guard
from handlers.request import Reply


@dataclass(frozen=True)
class Submission:
    services: Services
    person: Person
    view: dict[str, Any]


@dataclass(frozen=True)
class Form:
    """`submit` returns errors by block_id, or None when it is done. A refusal is shown beneath `main_field`."""

    callback_id: str
    submit: Callable[[Submission], dict[str, Any] | None]
    main_field: str


def register(app: App, services: Services) -> None:
    """Listen to every form: each file beside this one with a `FORM`."""
    for info in pkgutil.iter_modules(modals.__path__):
        module = importlib.import_module(f"{modals.__name__}.{info.name}")
        if hasattr(module, "FORM"):
            app.view(module.FORM.callback_id)(_listener(services, module.FORM))


def _listener(services: Services, form: Form) -> Any:
    def listen(ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        errors: dict[str, Any] = {}

        def take() -> Reply:
            submission = Submission(services, services.directory.person(str(body["user"]["id"])), view)
            try:
                errors.update(form.submit(submission) or {})
            except Refused as refusal:
                errors[form.main_field] = refusal.words
            return Reply()

        failed = guard(take)
        _answer(ack, view, errors, failed)

    return listen


def _answer(ack: Ack, view: dict[str, Any], errors: dict[str, Any], failed: Reply) -> None:
    fields = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
    if errors and set(errors) <= fields:
        ack(response_action="errors", errors=errors)
    elif errors or failed.text:  # there is no field to show it at: show it instead, one step back
        words = failed.text or ":no_entry_sign: " + " ".join(errors.values())
        ack(response_action="push", view=modal("outcome", "Not done", [marked(words)]))
    else:
        ack()
