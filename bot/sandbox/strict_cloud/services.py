"""The strict services, imported when they are asked for: most stages use only S3, and moto's EC2 takes a second."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bot.sandbox.strict_cloud.pace import Ticker

if TYPE_CHECKING:
    from bot.sandbox.strict_cloud.rds.state import World

RDS = {"rds", "monitoring"}  # as requests are signed for; CloudWatch knows the lag of replicas


class Services:
    """Puts our services in moto's place before its own are used for the first time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._world: World | None = None
        self._ticker: Ticker | None = None

    def prepare(self, service: str) -> None:
        """Make a service strict, if we have it."""
        if service in RDS:
            self.rds()
        elif service == "secretsmanager":
            from bot.sandbox.strict_cloud import secrets_manager  # noqa: PLC0415 (see above)

            secrets_manager.install()

    def rds(self) -> World:
        """Return what exists in RDS."""
        with self._lock:
            if self._world is None:
                from bot.sandbox.strict_cloud import metrics  # noqa: PLC0415 (see above)
                from bot.sandbox.strict_cloud.rds import wire  # noqa: PLC0415 (see above)

                self._world = wire.install()
                metrics.install()
                self._ticker = Ticker(self._world.advance)
            return self._world

    def stop(self) -> None:
        """Stop every database of ours."""
        if self._ticker is not None:
            self._ticker.stop()
        if self._world is not None:
            self._world.stop()
