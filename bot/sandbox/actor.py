"""A person at the sandbox's page, without a browser: types commands, presses buttons, fills forms."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import requests

from bot.sandbox.workspace import Workspace

T = TypeVar("T")
Json = dict[str, Any]
LOOK_EVERY_S, LOOK_AT_LEAST_EVERY_S = 0.05, 0.2
"""What takes longer is looked at less often: a look costs more than the twentieth of the time."""


class ActorStuck(Exception):
    """What was waited for did not come; the message says what that was."""


class Actor:
    """Does what the page does, over the same HTTP endpoints."""

    def __init__(self, workspace: Workspace, user_id: str) -> None:
        self.workspace, self.user_id = workspace, user_id

    def channel(self, prefix: str) -> str | None:
        """Id of the newest channel whose name begins so."""
        found = [one for one in self._get("boot")["channels"] if one["name"].startswith(prefix)]
        return str(found[-1]["id"]) if found else None

    def type_command(self, channel: str, command: str, text: str) -> None:
        self.close_forms()
        self._post("command", channel=channel, command=command, text=text)

    def messages(self, channel: str) -> list[Json]:
        """Oldest first, with those that only this person sees."""
        return list(self._get("messages", channel=channel, limit=200)["messages"])

    def press(self, channel: str, action_id: str, timeout_s: float = 30.0) -> None:
        """Press the newest button whose action_id begins so, waiting for it to appear."""
        message, block_id, button = wait_for(
            f"a button {action_id}", lambda: next(self._buttons(channel, action_id), None), timeout_s
        )
        self.close_forms()
        action = {"type": "button", "block_id": block_id, "action_id": button["action_id"], "value": button["value"]}
        self._post("action", channel=channel, message_ts=message["ts"], action=action, state={"values": {}})

    def wait_for_form(self, *blocks: str, timeout_s: float = 20.0) -> Json:
        """The modal on top, once it has these inputs."""
        return wait_for(f"a form with {', '.join(blocks)}", lambda: self._top_view(blocks), timeout_s)

    def close_forms(self) -> None:
        """Close what is open: a modal covers the channel, so nobody types or presses anything behind one.

        It also keeps `wait_for_form` from taking the form of an earlier press for that of the newest.
        """
        for view_id in reversed(list(self.workspace.state.stacks.get(self.user_id) or [])):
            self._post("view_close", view_id=view_id)

    def submit(self, view: Json, **values: str) -> None:
        """Fill the form and send it; raises `ActorStuck` with the errors that it shows."""
        typed = {block: {"value": _entry(view, block, value)} for block, value in values.items()}
        answer = self._post("view_submit", view_id=view["id"], values=typed)
        if answer.get("errors"):
            raise ActorStuck(f"the form was refused: {answer['errors']}")

    def _buttons(self, channel: str, action_id: str) -> Iterator[tuple[Json, str, Json]]:
        for message in reversed(self.messages(channel)):
            for block in message.get("blocks") or []:
                for element in block.get("elements") or []:
                    if str(element.get("action_id", "")).startswith(action_id):
                        yield message, block["block_id"], element

    def _top_view(self, blocks: tuple[str, ...]) -> Json | None:
        stack = list(self.workspace.state.stacks.get(self.user_id) or [])
        view = self.workspace.state.views.get(stack[-1]) if stack else None
        if view is None:
            return None
        present = {block.get("block_id") for block in view.payload["blocks"]}
        return {**view.payload, "id": view.id} if set(blocks) <= present else None

    def _get(self, path: str, **arguments: Any) -> Json:
        return self._answer(requests.get(self._url(path), params={"user": self.user_id, **arguments}, timeout=30))

    def _post(self, path: str, **arguments: Any) -> Json:
        return self._answer(requests.post(self._url(path), json={"user": self.user_id, **arguments}, timeout=30))

    def _url(self, path: str) -> str:
        return f"{self.workspace.base_url}/client/{path}"

    @staticmethod
    def _answer(response: requests.Response) -> Json:
        response.raise_for_status()
        answer = dict(response.json())
        if answer.get("ok") is False and not answer.get("errors"):
            raise ActorStuck(f"the workspace refused: {answer.get('error')}")
        return answer


def wait_for(what: str, look: Callable[[], T | None], timeout_s: float) -> T:
    """Look until there is something. Raises `ActorStuck` naming it."""
    begun = time.monotonic()
    while (waited_s := time.monotonic() - begun) < timeout_s:
        found = look()
        if found is not None:
            return found
        time.sleep(min(LOOK_EVERY_S + waited_s / 20, LOOK_AT_LEAST_EVERY_S))
    raise ActorStuck(f"{what} did not come within {timeout_s:.0f} s")


def _entry(view: Json, block_id: str, value: str) -> Json:
    """What the page would send for an input: text, the option with that value, or those with one of its lines."""
    element = next(block for block in view["blocks"] if block.get("block_id") == block_id)["element"]
    if element["type"] == "multi_static_select":
        chosen = [one for one in element["options"] if one["value"] in value.split("\n")]
        return {"type": element["type"], "selected_options": chosen}
    if element["type"] != "static_select":
        return {"type": element["type"], "value": value}
    option = next(one for one in element["options"] if one["value"] == value)
    return {"type": element["type"], "selected_option": option}
