"""kill -9 and lost answers while an incident is declared and resolved: everything is there, and there once."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from pathlib import Path

import pytest

from bot.sandbox.actor import ActorStuck
from bot.sandbox.children import module_command, module_environment
from bot.sandbox.workspace.state import Channel
from tests.crash.rig import PATIENCE_S, Rig, open_rig
from tests.stage_fixtures import SharedStage

pytestmark = pytest.mark.crash

SEED = 20_251_123
INVITED = {"U0AMARA", "U0DIEGO", "U0MEI", "U0JONAS", "U0PRIYA"}
DECLARED = ["incident.declared", "incident.room"]
RESOLVED = [*DECLARED, "incident.resolved", "postmortem.drafted", "task.done"]
"""The last: the draft documents the timeline, which is one of the follow-ups."""


def type_command(rig: Rig, channel: str, text: str) -> threading.Thread:
    """On a thread, since the workspace answers only when the bot does, or three seconds later."""

    def send() -> None:
        try:
            rig.actor("amara").type_command(channel, "/incident", text)
        except ActorStuck:
            return  # the bot was killed before it answered; what Slack shows then is in the channel

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def was_told(rig: Rig, channel: Channel, words: str) -> bool:
    return words in rig.told(channel, "amara")


def lobby(rig: Rig) -> Channel:
    channel = rig.workspace.state.channel_named(rig.policy.slack.incidents_channel)
    assert channel is not None
    return channel


def kinds(rig: Rig, incident_id: int) -> list[str]:
    return [entry.kind for entry in rig.entries(incident_id)]


def assert_declared_once(rig: Rig, number: int) -> None:
    """One channel with everybody in it, one announcement, one summary, pinned."""
    rig.wait("the room", lambda: rig.services.desk.find(number).channel_id)
    room = rig.room(number)
    rig.wait("everybody", lambda: set(room.members) >= INVITED or None)
    rig.settle()
    prefix = f"{rig.policy.slack.channel_prefix}-{number}-"
    assert [one.name for one in rig.workspace.state.channels.values() if one.name.startswith(prefix)] == [room.name]
    title = rig.services.desk.find(number).title
    assert len([one for one in lobby(rig).messages.values() if _is_about(one, number, title)]) == 1
    assert len([one for one in room.messages.values() if _is_about(one, number, title)]) == 1
    assert len(room.pins) == 1
    assert kinds(rig, number)[:2] == DECLARED


def assert_resolved_once(rig: Rig, number: int) -> None:
    rig.wait("the post-mortem", lambda: _count_files(rig, number) or None)
    rig.settle()
    assert _count_files(rig, number) == 1
    assert len(rig.said(rig.room(number), "Resolved:")) == 1
    assert kinds(rig, number) == RESOLVED
    assert_declared_once(rig, number)


def _is_about(message: dict[str, object], number: int, title: str) -> bool:
    text = str(message["text"])
    return "bot_id" in message and f"#{number}" in text and text.endswith(title) and not text.startswith("Resolved:")


def _count_files(rig: Rig, number: int) -> int:
    files = [file for one in rig.room(number).messages.values() for file in one.get("files") or []]
    return sum(str(file["name"]).startswith(f"postmortem-incident-{number}-") for file in files)


@pytest.mark.timeout(400)
def test_killed_at_random(fresh_stage: SharedStage, tmp_path: Path) -> None:
    """Whoever was told that it is declared, or resolved, finds it so afterwards."""
    chance = random.Random(SEED)
    with open_rig(fresh_stage, tmp_path, dies_often=True) as rig:
        rig.workspace.faults.latency_s = 0.05
        rig.start_and_wait()
        for turn in range(3):
            title = f"Scanners are down {turn}"
            typing = type_command(rig, lobby(rig).id, f"declare P1 {title}")
            time.sleep(chance.uniform(0.02, 0.8))
            rig.kill()
            typing.join(PATIENCE_S)
            told = was_told(rig, lobby(rig), f"Declared *#{turn + 1}*")
            rig.start_and_wait()
            if len(rig.services.desk.list_recent()) == turn:
                assert not told, "it was said to be declared, and is gone"
                type_command(rig, lobby(rig).id, f"declare P1 {title}").join(PATIENCE_S)
            assert_declared_once(rig, turn + 1)
            typing = type_command(rig, rig.room(turn + 1).id, "resolve It is over")
            time.sleep(chance.uniform(0.02, 0.8))
            rig.kill()
            typing.join(PATIENCE_S)
            told = was_told(rig, rig.room(turn + 1), "is resolved")
            rig.start_and_wait()
            if rig.services.desk.find(turn + 1).is_open:
                assert not told, "it was said to be resolved, and is open"
                type_command(rig, rig.room(turn + 1).id, "resolve It is over").join(PATIENCE_S)
            assert_resolved_once(rig, turn + 1)
        rig.assert_sound()
        verify = module_command("bot", "ledger", "verify")
        assert subprocess.run(verify, env=module_environment(rig.environment), check=False).returncode == 0


def test_lost_answers(fresh_stage: SharedStage, tmp_path: Path) -> None:
    """Slack did what it was asked to, and the answer never came: it is not asked to do it again."""
    with open_rig(fresh_stage, tmp_path) as rig:
        faults = rig.workspace.faults
        faults.latency_s = 0.1
        rig.start_and_wait()
        faults.lose_answer |= {
            "conversations.create": 1,
            "conversations.invite": 1,
            "conversations.setTopic": 1,
            "chat.postMessage": 2,
            "pins.add": 1,
        }
        type_command(rig, lobby(rig).id, "declare P1 Nothing is heard").join(PATIENCE_S)
        assert_declared_once(rig, 1)
        faults.lose_answer |= {"files.completeUploadExternal": 1, "chat.postMessage": 1, "chat.update": 2}
        type_command(rig, rig.room(1).id, "resolve It is over").join(PATIENCE_S)
        assert_resolved_once(rig, 1)
        assert not any(faults.lose_answer.values()), "an answer that was to be lost was never asked for"
        rig.assert_sound()
