"""At resolve the ledger's head lies beside the backups, once, and says what the ledger says."""

from __future__ import annotations

import json

from bot.postmortem.ledger_heads import PREFIX, key_of, read_heads
from bot.sandbox.actor import wait_for
from bot.store import ledger
from bot.store.tables import Incident
from tests.crash.rig import Rig
from tests.stage_fixtures import SharedStage


def test_the_head_is_stored_beside_the_backups(rig: Rig, incident: Incident, shared_stage: SharedStage) -> None:
    services = rig.services
    services.desk.resolve(incident.id, actor="amara")
    with services.database.read() as session:
        said = ledger.read_newest(session, incident.id, "incident.resolved")
    bucket = shared_stage.bucket
    stored = wait_for("the head", lambda: next(iter(bucket.list_objects(PREFIX)), None), 20)
    assert stored.key == key_of(said.seq, said.hash)
    assert json.loads(bucket.read_all(stored)) == {"product": "TraitorTrack", "entries": said.seq, "head": said.hash}
    bucket.store(f"{PREFIX}another.json", [b'{"product": "Another", "entries": 1, "head": "x"}'], metadata={})
    assert read_heads(services.policy) == [ledger.Mark(said.hash, bucket.place(stored.key), said.seq)]
