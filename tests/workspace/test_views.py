"""The life of modals and App Homes, with a real slack-bolt app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.sandbox.workspace import Workspace
from tests.workspace.conftest import Build, Clock, make_client, refusal
from tests.workspace.manifest import make_manifest
from tests.workspace.modals import button_row, field, modal
from tests.workspace.people import ADA, BEN, Person
from tests.workspace.waiting import wait_for

Json = dict[str, Any]
OpenModal = Callable[..., Json]


@pytest.fixture
def open_modal(client: WebClient, workspace: Workspace) -> OpenModal:
    """Open a modal for Ada, as if she had just done something."""

    def show(*blocks: Json, **fields: Any) -> Json:
        trigger = workspace.triggers.issue(ADA.id)
        view: Json = client.views_open(trigger_id=trigger, view=modal("first", *blocks, **fields))["view"]
        return view

    return show


def test_a_trigger_is_good_once_and_for_three_seconds(build: Build) -> None:
    clock = Clock()
    workspace = build(clock=clock)
    client = make_client(workspace)
    trigger = workspace.triggers.issue(ADA.id)
    clock.now_s += 3
    assert client.views_open(trigger_id=trigger, view=modal("a"))["ok"]
    assert refusal(client, "views.open", trigger_id=trigger, view=modal("a")) == "exchanged_trigger_id"
    late = workspace.triggers.issue(ADA.id)
    clock.now_s += 3.01
    assert refusal(client, "views.open", trigger_id=late, view=modal("a")) == "expired_trigger_id"
    assert refusal(client, "views.open", trigger_id="1.2.abc", view=modal("a")) == "invalid_trigger_id"


def test_a_refused_view_leaves_its_trigger_unused(client: WebClient, workspace: Workspace) -> None:
    trigger = workspace.triggers.issue(ADA.id)
    bad = modal("a", title={"type": "plain_text", "text": "x" * 25})
    assert refusal(client, "views.open", trigger_id=trigger, view=bad) == "invalid_arguments"
    assert client.views_open(trigger_id=trigger, view=modal("a"))["ok"]


def test_three_views_are_the_most_in_a_stack(client: WebClient, workspace: Workspace, open_modal: OpenModal) -> None:
    def push() -> Json:
        trigger = workspace.triggers.issue(ADA.id)
        return {"trigger_id": trigger, "view": modal("more")}

    root = open_modal()
    second = client.views_push(**push())["view"]
    assert (second["root_view_id"], second["previous_view_id"]) == (root["id"], root["id"])
    client.views_push(**push())
    assert refusal(client, "views.push", **push()) == "push_limit_reached"
    elsewhere = {"trigger_id": workspace.triggers.issue(BEN.id), "view": modal("more")}
    assert refusal(client, "views.push", **elsewhere) == "not_found"


def test_updates_respect_hash_and_ids(client: WebClient, open_modal: OpenModal, ada: Person) -> None:
    view = open_modal(external_id="mine")
    changed = client.views_update(view_id=view["id"], hash=view["hash"], view=modal("second"))["view"]
    assert ada.open_view()["title"]["text"] == "second"
    stale = {"view_id": view["id"], "hash": view["hash"], "view": modal("third")}
    assert refusal(client, "views.update", **stale) == "hash_conflict"
    assert client.views_update(external_id="mine", view=modal("third"))["view"]["id"] == changed["id"]
    assert refusal(client, "views.update", view_id="V0NOWHERE01", view=modal("x")) == "not_found"


def test_an_external_id_is_taken_once(client: WebClient, workspace: Workspace, open_modal: OpenModal) -> None:
    open_modal(external_id="mine")
    other = {"trigger_id": workspace.triggers.issue(BEN.id), "view": modal("x", external_id="mine")}
    assert refusal(client, "views.open", **other) == "duplicate_external_id"


def test_a_submission_brings_every_value_and_closes(app: App, open_modal: OpenModal, ada: Person) -> None:
    told: list[Json] = []

    @app.view("first")
    def listen(ack: Ack, body: Json) -> None:
        told.append(body)
        ack()

    date = {"type": "datepicker", "action_id": "entry", "initial_date": "2026-01-31"}
    view = open_modal(field("why"), {**field("when"), "element": date}, field("note", optional=True))
    assert ada.submit(view, why="Rain") == {"ok": True, "closed": True}
    assert told[0]["view"]["state"]["values"] == {
        "why": {"entry": {"type": "plain_text_input", "value": "Rain"}},
        "when": {"entry": {"type": "datepicker", "selected_date": "2026-01-31"}},
        "note": {"entry": {"type": "plain_text_input", "value": None}},
    }
    assert told[0]["user"]["id"] == ADA.id
    assert ada.workspace.state.stacks[ADA.id] == []


def test_errors_come_back_beneath_their_fields_and_the_view_stays(app: App, open_modal: OpenModal, ada: Person) -> None:
    @app.view("first")
    def listen(ack: Ack) -> None:
        ack(response_action="errors", errors={"why": "Say more"})

    view = open_modal(field("why"))
    assert ada.submit(view, why="x") == {"ok": False, "errors": {"why": "Say more"}}
    assert ada.open_view()["id"] == view["id"]


def test_errors_for_unknown_blocks_are_trouble(app: App, open_modal: OpenModal, ada: Person) -> None:
    @app.view("first")
    def listen(ack: Ack) -> None:
        ack(response_action="errors", errors={"elsewhere": "?"})

    assert "trouble" in ada.submit(open_modal(field("why")), why="x")["error"]


@pytest.mark.parametrize(
    ("element", "entered", "message"),
    [
        ({}, "", "Please complete this required field."),
        ({"min_length": 5}, "abc", "at least 5"),
        ({"max_length": 2}, "abc", "at most 2"),
        ({"type": "number_input", "is_decimal_allowed": False}, "1.5", "whole number"),
        ({"type": "number_input", "is_decimal_allowed": True, "max_value": "2"}, "2.01", "at most 2"),
        ({"type": "number_input", "is_decimal_allowed": True, "min_value": "2"}, "1.99", "at least 2"),
        ({"type": "number_input", "is_decimal_allowed": True}, "many", "enter a number"),
        ({"type": "email_text_input"}, "ada", "valid email"),
        ({"type": "url_text_input"}, "here", "valid URL"),
    ],
)
def test_the_client_refuses_before_the_app_hears(
    open_modal: OpenModal, ada: Person, element: Json, entered: str, message: str
) -> None:
    answer = ada.submit(open_modal(field("why", element=element)), why=entered)
    assert message in answer["errors"]["why"]


def test_a_choice_that_was_not_offered_is_refused(open_modal: OpenModal, ada: Person) -> None:
    offered = {"text": {"type": "plain_text", "text": "A"}, "value": "a"}
    element = {"type": "static_select", "action_id": "entry", "options": [offered]}
    view = open_modal({**field("why"), "element": element})
    entered = {"type": "static_select", "selected_option": {**offered, "value": "root"}}
    answer = ada.post("view_submit", view_id=view["id"], values={"why": {"entry": entered}})
    assert answer["error"] == "option_not_found"


def test_response_actions_update_push_and_clear(app: App, open_modal: OpenModal, ada: Person) -> None:
    @app.view("first")
    def update(ack: Ack) -> None:
        ack(response_action="update", view=modal("second"))

    @app.view("second")
    def push(ack: Ack) -> None:
        ack(response_action="push", view=modal("third"))

    @app.view("third")
    def clear(ack: Ack) -> None:
        ack(response_action="clear")

    view = open_modal()
    assert ada.submit(view) == {"ok": True, "closed": False}
    second = ada.open_view()
    assert (second["id"], second["callback_id"]) == (view["id"], "second")
    ada.submit(second)
    assert len(ada.workspace.state.stacks[ADA.id]) == 2
    assert ada.submit(ada.open_view()) == {"ok": True, "closed": True}
    assert ada.workspace.state.stacks[ADA.id] == []


def test_an_invalid_view_in_a_response_action_is_trouble(app: App, open_modal: OpenModal, ada: Person) -> None:
    @app.view("first")
    def update(ack: Ack) -> None:
        ack(response_action="update", view=modal("x", title={"type": "plain_text", "text": "x" * 25}))

    assert "trouble" in ada.submit(open_modal())["error"]


def test_no_acknowledgement_is_trouble_and_the_view_stays(app: App, open_modal: OpenModal, ada: Person) -> None:
    @app.view("first")
    def ignore() -> None:
        return

    view = open_modal(field("why"))
    assert "trouble" in ada.submit(view, why="x")["error"]
    assert ada.open_view()["id"] == view["id"]


def test_dismissal_is_told_where_asked_for(app: App, open_modal: OpenModal, ada: Person) -> None:
    told: list[Json] = []

    @app.view_closed("first")
    def listen(ack: Ack, body: Json) -> None:
        ack()
        told.append(body)

    ada.post("view_close", view_id=open_modal()["id"])
    view = open_modal(notify_on_close=True)
    assert ada.post("view_close", view_id=view["id"])["ok"]
    wait_for(lambda: told, "view_closed")
    assert [(body["view"]["id"], body["is_cleared"]) for body in told] == [(view["id"], False)]
    assert ada.post("view_close", view_id=view["id"])["ok"]


def test_buttons_in_a_modal_carry_the_view_and_what_was_typed(app: App, open_modal: OpenModal, ada: Person) -> None:
    told: list[Json] = []

    @app.action("more")
    def push(ack: Ack, body: Json, client: WebClient) -> None:
        ack()
        client.views_push(trigger_id=body["trigger_id"], view=modal("deeper"))
        told.append(body)

    view = open_modal(field("why"), button_row("more"))
    typed = {"why": {"entry": {"type": "plain_text_input", "value": "half"}}}
    pressed = {"type": "button", "block_id": "row", "action_id": "more", "value": "forged"}
    assert ada.post("action", view_id=view["id"], action=pressed, state={"values": typed})["ok"]
    wait_for(lambda: told, "action")
    assert told[0]["actions"][0]["value"] == "MORE"
    assert told[0]["view"]["state"]["values"]["why"]["entry"]["value"] == "half"
    assert told[0]["container"] == {"type": "view", "view_id": view["id"]}
    assert ada.open_view()["callback_id"] == "deeper"


def test_somebody_elses_view_is_not_found(open_modal: OpenModal, ben: Person) -> None:
    view = open_modal(field("why"))
    assert ben.submit(view, why="x")["error"] == "view_not_found"


def test_an_app_home_is_published_and_opening_it_is_told(app: App, client: WebClient, ada: Person) -> None:
    opened: list[Json] = []

    @app.event("app_home_opened")
    def greet(event: Json, client: WebClient) -> None:
        opened.append(event)
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [button_row("wave")]})

    assert ada.get("home")["view"] is None
    wait_for(lambda: ada.workspace.state.homes, "home")
    view = ada.get("home")["view"]
    assert (view["type"], opened[0]["tab"]) == ("home", "home")
    stale = {"user_id": ADA.id, "hash": "old", "view": {"type": "home", "blocks": []}}
    assert refusal(client, "views.publish", **stale) == "hash_conflict"


def test_a_home_needs_the_feature(build: Build) -> None:
    manifest = make_manifest()
    manifest["features"]["app_home"]["home_tab_enabled"] = False
    client = make_client(build(manifest=manifest))
    view = {"type": "home", "blocks": []}
    assert refusal(client, "views.publish", user_id=ADA.id, view=view) == "not_enabled"
