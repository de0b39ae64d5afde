"""One bot for all tests of a folder, over Socket Mode and over HTTP; every test begins with no incident open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot import engine as engine_room
from tests.integration.engine.conftest import refuse_to_end
from tests.integration.handlers.rig import DELIVERIES, Bot, Human, run_bot


@pytest.fixture(scope="package", autouse=True)
def _stay_alive() -> Iterator[None]:
    """An engine that stops while work is under way ends its process: here that is a failure, not the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_room, "_end_process", refuse_to_end)
        yield


@pytest.fixture(scope="package", params=DELIVERIES)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    with run_bot(request.param, tmp_path_factory.mktemp("bot")) as bot:
        yield bot


@pytest.fixture
def bot(running: Bot) -> Iterator[Bot]:
    """Nothing open, no form open, no fault switched on."""
    running.clear()
    for person in (*map(running.human, (one.key for one in running.policy.people)), running.bystander):
        person.close_forms()
    yield running
    faults = running.workspace.faults
    running.workspace.set_outage(False)
    faults.latency_s = 0.0
    faults.fail_with.clear()
    faults.lose_answer.clear()


@pytest.fixture
def mei(bot: Bot) -> Human:
    return bot.human("mei")


@pytest.fixture
def amara(bot: Bot) -> Human:
    return bot.human("amara")
