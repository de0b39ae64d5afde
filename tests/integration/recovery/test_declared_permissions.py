"""What actions do in AWS is what they declare; the recorder that all tests of this folder run under does see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.comms.notices import incident_room
from bot.recovery.registry import all_actions
from bot.store.tables import Incident
from tests.aws_calls import Call, find_undeclared, list_needed, read_calls
from tests.crash.rig import Rig

BACK_UP, RESTORE = "bot.recovery.actions.back_up_database", "bot.recovery.actions.restore_database"


def find_rights(file: Path, actor: str) -> set[str]:
    return {right for call in read_calls(file) if call.actor == actor for right in list_needed(call)}


def test_calls_are_seen_with_their_action(rig: Rig, incident: Incident, aws_calls: Path) -> None:
    plan = rig.plan("back_up_database", incident)
    runs = rig.services.runs
    run = rig.wait("the run", lambda: next((one for one in runs.list_recent() if one.plan_id == plan.id), None))
    assert rig.finished(run.id).state == "done"
    restored = rig.approve(rig.plan_restore(incident, str(rig.steps(run.id)["dump"].output["key"])))
    assert restored is not None
    assert rig.finished(restored.id).state == "done"
    assert {"s3:PutObject", "s3:ListBucket", "s3:GetObject"} <= find_rights(aws_calls, BACK_UP)
    assert {"s3:ListBucket", "s3:GetObjectVersion"} <= find_rights(aws_calls, RESTORE)
    assert find_undeclared(read_calls(aws_calls)) == []


def test_checks_are_seen_too(rig: Rig, incident: Incident, aws_calls: Path) -> None:
    sweep = rig.services.sweeps.start(
        person=rig.person("mei"), scope="database", place=incident_room(incident.id), incident_id=incident.id
    )
    rig.wait("the findings", lambda: rig.services.sweeps.find(sweep.id).finished_at)
    assert find_rights(aws_calls, "bot.diagnostics.checks.database_rows") <= {"s3:ListBucket", "s3:GetObject"}
    assert "s3:ListBucket" in find_rights(aws_calls, "bot.diagnostics.checks.database_rows")


@pytest.mark.parametrize(
    ("call", "needed"),
    [
        (Call(RESTORE, "s3", "GetObject", ("Bucket", "Key")), ["s3:GetObject"]),
        (Call(RESTORE, "s3", "GetObject", ("Bucket", "Key", "VersionId")), ["s3:GetObjectVersion"]),
        (Call(RESTORE, "s3", "UploadPart", ()), ["s3:PutObject"]),
        (Call(RESTORE, "rds", "CreateDBSnapshot", ("Tags",)), ["rds:CreateDBSnapshot", "rds:AddTagsToResource"]),
    ],
)
def test_operations_in_the_words_of_iam(call: Call, needed: list[str]) -> None:
    assert list(list_needed(call)) == needed


def test_what_is_not_declared_is_named() -> None:
    undeclared = Call(RESTORE, "s3", "DeleteObject", ("VersionId",))
    assert find_undeclared([undeclared]) == [f"{RESTORE} needs s3:DeleteObjectVersion for DeleteObject"]
    assert find_undeclared([Call("", "s3", "DeleteObject", ())]) == []
    assert "s3:DeleteObject" not in all_actions()["restore_database"].permissions
