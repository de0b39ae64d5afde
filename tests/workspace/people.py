"""Who is in the test workspace, and a person's browser without a browser."""

from __future__ import annotations

from typing import Any

import requests

from bot.sandbox.workspace import Member, Usergroup, Workspace

ADA = Member("U0ADA000001", "ada", "Ada Byron", "ada@example.org", "Coordinator", "Europe/London")
BEN = Member("U0BEN000001", "ben", "Ben Ito", "ben@example.org", "Database Admin", "Asia/Tokyo")
CLEO = Member("U0CLEO00001", "cleo", "Cleo Diaz", "cleo@example.org", "Bystander", "America/New_York")
PEOPLE = [ADA, BEN, CLEO]
KEEPERS = Usergroup("S0KEEPERS01", "keepers", "Keepers", [BEN.id])


class Person:
    """Acts as one member through the page's own API."""

    def __init__(self, workspace: Workspace, member: Member) -> None:
        self.workspace = workspace
        self.member = member
        self.id = member.id
        self._session = requests.Session()

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """GET /client/path."""
        url = f"{self.workspace.base_url}/client/{path}"
        answer: dict[str, Any] = self._session.get(url, params={"user": self.id, **query}, timeout=20).json()
        return answer

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """POST /client/path."""
        url = f"{self.workspace.base_url}/client/{path}"
        answer: dict[str, Any] = self._session.post(url, json={"user": self.id, **body}, timeout=20).json()
        return answer

    def say(self, channel: str, text: str, **more: Any) -> str:
        """Write a message; its ts."""
        answer = self.post("message", channel=channel, text=text, **more)
        assert answer["ok"], answer
        ts: str = answer["message"]["ts"]
        return ts

    def sees(self, channel: str, **query: Any) -> list[dict[str, Any]]:
        """The messages in a channel, oldest first."""
        found: list[dict[str, Any]] = self.get("messages", channel=channel, **query)["messages"]
        return found

    def texts(self, channel: str) -> list[str]:
        """The texts in a channel."""
        return [message["text"] for message in self.sees(channel)]

    def open_view(self) -> dict[str, Any]:
        """The modal on top."""
        view_id = self.workspace.state.stacks[self.id][-1]
        return self.workspace.state.views[view_id].payload

    def submit(self, view: dict[str, Any], **texts: str) -> dict[str, Any]:
        """Submit a modal whose inputs are plain texts, by block_id."""
        elements = {b["block_id"]: b["element"] for b in view["blocks"] if b["type"] == "input"}
        values = {
            block_id: {elements[block_id]["action_id"]: {"type": elements[block_id]["type"], "value": text}}
            for block_id, text in texts.items()
        }
        return self.post("view_submit", view_id=view["id"], values=values)
