"""The form of any recovery action; submitting it asks for a plan."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from bot.outcome import Failed, Refused
from bot.recovery.action import Action
from bot.recovery.parameters import (
    Parameter,
    describe_parameters,
    find_missing,
    find_problems,
    parse_words,
    split_words,
)
from bot.recovery.plans import refuse_requests
from bot.recovery.registry import find_action
from bot.slack.client import call
from bot.slack.text import literal
from bot.slack.views.action import ACTION, Field, action_failed, action_form, action_loading
from bot.slack.views.forms import read_metadata, read_values
from handlers.modals.form import Form, Submission
from handlers.request import Reply, Request


def ask(request: Request, *, preview: bool) -> Reply:
    """Plan at once when everything is said, else open the form with what was said filled in."""
    name, _, words = request.text.partition(" ")
    if not name:
        raise Refused("Which recovery action is meant?", "`/dr actions` lists them.")
    action = find_action(name)
    given = parse_words(action, split_words(words), request.services.policy)
    if find_missing(action, given) or not words:
        return open_modal(request, action, given, preview)
    incident = request.incident
    plan = request.services.plans.request(
        person=request.person,
        action=action.name,
        parameters=given,
        place=request.place,
        incident_id=incident.id if incident else None,
        preview=preview,
    )
    return Reply(f":hourglass_flowing_sand: Plan {plan.id} is being made; it appears in the channel.")


def open_modal(request: Request, action: Action[Any], given: dict[str, JsonValue], preview: bool) -> Reply:
    """Open at once, look for choices then: Slack's trigger would not live that long."""
    services = request.services
    refuse_requests(services.policy, request.person)
    title = action.name.replace("_", " ").capitalize()
    loading = action_loading(title)
    opened = request.open_view(loading)
    call(services.slack.views_update, view_id=opened["id"], view=_filled(request, action, given, preview, title))
    return Reply()


def _filled(
    request: Request, action: Action[Any], given: dict[str, JsonValue], preview: bool, title: str
) -> dict[str, Any]:
    try:
        fields = [_field(request, action, one, given) for one in describe_parameters(action)]
    except (Refused, Failed) as error:
        return action_failed(title, f":x: {literal(error.words)}")
    incident = request.incident
    metadata: dict[str, JsonValue] = {
        "action": action.name,
        "place": request.place,
        "incident": incident.id if incident else None,
        "preview": preview,
    }
    return action_form(title, action.purpose, fields, metadata, preview)


def _field(request: Request, action: Action[Any], parameter: Parameter, given: dict[str, JsonValue]) -> Field:
    options = action.choices(request.services.world, parameter.name, given)
    if options is None and parameter.name == "database":
        options = [(name, database.title) for name, database in request.services.policy.databases.items()]
    if options == []:
        raise Refused(f"There is nothing to choose from for “{parameter.title}”.", parameter.hint)
    return Field(
        name=parameter.name,
        title=parameter.title,
        hint=parameter.hint,
        kind="choice" if options and parameter.kind == "text" else parameter.kind,
        required=parameter.required,
        initial=str(given.get(parameter.name, parameter.default)),
        options=options or parameter.options,
    )


def submit(submission: Submission) -> dict[str, Any] | None:
    known = read_metadata(submission.view)
    action = find_action(str(known["action"]))
    kinds = {one.name: one.kind for one in describe_parameters(action)}
    typed = {name: value for name, value in read_values(submission.view).items() if value}
    given: dict[str, JsonValue] = {
        name: [*value.split("\n")] if kinds.get(name) == "list" else value for name, value in typed.items()
    }
    problems = find_problems(action, given)
    if problems:
        return dict(problems)
    submission.services.plans.request(
        person=submission.person,
        action=action.name,
        parameters=given,
        place=str(known["place"]),
        incident_id=known["incident"],
        preview=bool(known["preview"]),
    )
    return None


FORM = Form(ACTION, submit, "database")
