"""The stories that can be played without a person."""

from __future__ import annotations

from bot.sandbox.actor import ActorStuck
from bot.sandbox.corruption_story import CorruptionPlay
from bot.sandbox.demo import Sandbox
from bot.sandbox.headless import Play, Story
from bot.sandbox.release_story import ReleasePlay
from bot.sandbox.server_story import ServerPlay

STORIES: dict[str, type[Play]] = {
    "lost-bags": Play,
    "dropped-table": Play,
    "server-down": ServerPlay,
    "bad-release": ReleasePlay,
    "database-corruption": CorruptionPlay,
}
"""By scenario, or by the disaster of the document."""


def play(sandbox: Sandbox, scenario: str, *, ready_s: float) -> Story:
    """Play a story to its end, or as far as it comes; a part that gets stuck is a bad verdict."""
    story = Story(scenario, round(ready_s, 3))
    actors = STORIES[scenario](sandbox, story)
    try:
        for part in actors.parts():
            part()
    except ActorStuck as stuck:
        story.judge("came to its end", str(stuck), good=False)
    finally:
        actors.store.close()
    return story
