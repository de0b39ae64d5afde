"""The stage's own warehouse as the document's instance."""

from __future__ import annotations

from typing import Any

from bot.sandbox.stage import Stage

from .asking import PRIMARY, describe
from .conftest import open_client_of


def test_the_warehouse_is_the_primary_instance(stage: Stage) -> None:
    stage.adopt_primary()
    primary = describe(open_client_of(stage.cloud, "rds"), PRIMARY)
    assert primary["Endpoint"]["Port"] == stage.cluster.port
    assert (primary["MultiAZ"], primary["BackupRetentionPeriod"], primary["PubliclyAccessible"]) == (True, 30, False)
    secrets: Any = open_client_of(stage.cloud, "secretsmanager")
    held = secrets.get_secret_value(SecretId="traitortrack/production/database-url")["SecretString"]
    assert held == stage.application_url
