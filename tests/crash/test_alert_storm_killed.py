"""kill -9 in an alert storm, with senders that try again as monitoring does: one incident, and no alert is lost."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from bot.policy.plain_yaml import dump_plain, load_plain
from bot.store.tables import Alert, AlertGroup, LedgerEntry
from tests.crash.rig import PATIENCE_S, Rig, look_closely, open_rig
from tests.stage_fixtures import SharedStage

pytestmark = pytest.mark.crash

STORM, SENDERS = 500, 8
DIES_AFTER = (120, 300)
"""Acknowledgements after which the bot is killed."""
SECRET = "an alert storm's shared secret"
AGAIN_S = 0.1


def declare_by_itself(path: Path) -> None:
    text: dict[str, Any] = load_plain(path)
    text["alerts"]["rules"] = [{"name": "all", "severity": "P1", "category": "application", "declare": True}]
    dump_plain(path, text)


def send_until_kept(url: str, number: int) -> None:
    """As Alertmanager does: whatever is not acknowledged is sent again."""
    body = {"title": f"Storm {number}", "labels": {"host": f"host-{number}"}}
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            answer = requests.post(url, json=body, headers={"Authorization": f"Bearer {SECRET}"}, timeout=20)
            if answer.status_code == 202:
                return
            assert answer.status_code == 503, answer.text
        except requests.RequestException:
            pass
        time.sleep(AGAIN_S)
    raise AssertionError(f"alert {number} was never taken")


@pytest.mark.timeout(300)
def test_a_storm_is_one_incident_although_the_bot_is_killed_in_it(fresh_stage: SharedStage, tmp_path: Path) -> None:
    with open_rig(fresh_stage, tmp_path, adapt=declare_by_itself, ALERTS_SECRET=SECRET) as rig:
        rig.start_and_wait()
        url = f"http://127.0.0.1:{rig.bot.argv[-1]}/alerts/generic"
        kept = itertools.count(1)
        acknowledged = [0]

        def send(number: int) -> None:
            send_until_kept(url, number)
            acknowledged[0] = next(kept)

        with ThreadPoolExecutor(SENDERS) as pool:
            sending = [pool.submit(send, number) for number in range(STORM)]
            for enough in DIES_AFTER:
                look_closely(lambda enough=enough: acknowledged[0] >= enough, f"acknowledgement {enough}")  # type: ignore[misc]
                rig.kill()
                rig.start()
            for one in sending:
                one.result()
        rig.wait("every alert on the timeline", lambda: count_told(rig) == STORM or None)
        assert_one_incident(rig)
        rig.assert_sound()


def count_told(rig: Rig) -> int:
    told = sa.select(sa.func.count()).select_from(Alert).where(Alert.told == "firing")
    with rig.services.database.read() as session:
        return session.scalar(told) or 0


def assert_one_incident(rig: Rig) -> None:
    (incident,) = rig.services.desk.list_open()
    with rig.services.database.read() as session:
        titles = list(session.scalars(sa.select(Alert.title)))
        groups = list(session.scalars(sa.select(AlertGroup.incident_id)))
        declared = list(session.scalars(sa.select(LedgerEntry.seq).where(LedgerEntry.kind == "incident.declared")))
    assert sorted(titles) == sorted(f"Storm {number}" for number in range(STORM)), "each once"
    assert groups == [incident.id]
    assert len(declared) == 1
    room = rig.room(incident.id)
    assert len(room.pins) == 1
