"""What people may type, used against the bot: no shell, no SQL, no path and no template ever gets it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.outcome import Failed, Refused
from bot.policy import load_policy
from bot.recovery.action import Action, History, World
from bot.recovery.parameters import describe_parameters
from bot.recovery.plans import draft
from bot.recovery.registry import all_actions, default_database
from bot.sandbox.stage import DATABASE, Stage
from handlers.commands.listener import COMMANDS
from handlers.commands.subcommand import find_subcommands
from tests.integration.handlers.rig import Bot, run_bot
from tests.integration.secrets.hostile import MARK, list_hostile, seeing_sql, watching

VALID = {
    "database": DATABASE,
    "application": "traitortrack",
    "secret": "SESSION_SECRET",
    "instance": "traitortrack-primary",
}
"""So that an action looks at more than its first parameter."""


def list_actions() -> list[str]:
    return sorted(all_actions())


def fill(action: Action[Any], world: World, hostile: str, value: str) -> dict[str, Any]:
    """Parameters of which one is hostile, and the others as right as can be."""
    given: dict[str, Any] = {}
    for one in describe_parameters(action):
        if one.name == hostile:
            given[one.name] = [value] if one.kind == "list" else value
        elif one.required:
            given[one.name] = VALID.get(one.name) or (one.options[0][0] if one.options else "x")
    if "database" in action.parameters.model_fields:
        given.setdefault("database", default_database(world.policy))
    return given


@pytest.mark.parametrize("name", list_actions())
def test_no_parameter_of_an_action_takes_it(world: World, stage: Stage, tmp_path: Path, name: str) -> None:
    """It is refused in words that name it or the rule, before anything is asked for with it."""
    action = all_actions()[name]
    with watching() as seen:
        for parameter in describe_parameters(action):
            for value in list_hostile(tmp_path):
                why = refusal(action, world, fill(action, world, parameter.name, value))
                assert why, f"{name} would be planned with {parameter.name}={value!r}"
                assert "Traceback" not in why
    assert seen == []
    assert not (tmp_path / MARK).exists()


def refusal(action: Action[Any], world: World, given: dict[str, Any]) -> str:
    """Why no plan is made; empty where one is. Anything but a refusal in words is an error."""
    try:
        draft(action, world, given, History())
    except (Refused, Failed) as error:
        return error.words
    return ""


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    with seeing_sql(), run_bot("socket", tmp_path_factory.mktemp("bot")) as bot:
        yield bot


@pytest.mark.parametrize(("command", "package"), sorted(COMMANDS.items()))
def test_no_command_passes_it_on(bot: Bot, tmp_path: Path, command: str, package: str) -> None:
    """Every part of the command with every text: there is an answer, and the store is asked with parameters only."""
    mei = bot.human("mei")
    mei.ask("declare P2 Somebody means harm")
    room = bot.room(bot.services.desk.list_open()[0].id)
    hostile = list_hostile(tmp_path)
    with watching() as seen:
        for name in find_subcommands(package):
            for text in (hostile[0], " ".join(hostile), f"1 {hostile[4]}", f"x={hostile[1]}", f"<!channel>{MARK}"):
                answer = mei.ask(f"{name} {text}", command, room)
                assert "Reference `" not in str(answer.get("text")), (name, text, answer)
        bot.settle()
    assert seen == []
    assert not (tmp_path / MARK).exists()
    said = list_mrkdwn(bot)
    assert any("touch" in text for text in said), "what was said was looked at"
    assert [text for text in said if "<!channel>" in text] == []


def list_mrkdwn(bot: Bot) -> list[str]:
    """What Slack would read signs in: what the bot said to everybody and to one person, not what stands plain."""
    user = bot.workspace.installed.bot_user_id
    messages = [
        one
        for channel in bot.workspace.state.channels.values()
        for one in [*channel.messages.values(), *channel.ephemerals]
        if one.get("user") == user or one.get("is_ephemeral")
    ]
    found = [str(one.get("text", "")) for one in messages]
    for one in messages:
        found += [str(part["text"]) for part in list_parts(one.get("blocks")) if part.get("type") == "mrkdwn"]
    return found


def list_parts(shape: object) -> Iterator[dict[str, Any]]:
    """Every mapping in a message, however deep."""
    if isinstance(shape, dict):
        yield shape
    for one in shape.values() if isinstance(shape, dict) else shape if isinstance(shape, list) else []:
        yield from list_parts(one)


def test_nothing_in_a_policy_command_is_filled_by_people() -> None:
    """Facts of the application and of a secret, as the policy has them; a command with anything else is no policy."""
    policy = load_policy(None)
    for host in policy.hosts.values():
        for words in host.commands.model_dump().values():
            assert all(isinstance(word, str) for word in words)
    with pytest.raises(ValueError, match="is not one of"):
        type(policy.hosts["app_1"].commands)(restart=["sh", "-c", "{text}"])
