"""Run the cloud: `python -m bot.sandbox.strict_cloud --port PORT --machines FOLDER`, on loopback, until SIGTERM."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server

from bot.sandbox.strict_cloud.application import StrictCloud
from bot.sandbox.strict_cloud.services import Services


def main() -> None:
    """Serve until a signal; every database of ours ends before we do."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--machines", type=Path, required=True)
    parser.add_argument("--bags-per-second", type=float, default=0.0)
    options = parser.parse_args()
    port = options.port
    os.environ.setdefault("MOTO_PORT", str(port))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    services = Services(options.machines, bags_per_s=options.bags_per_second)
    server = make_server("127.0.0.1", port, StrictCloud(services), threaded=True, request_handler=MotoRequestHandler)
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, lambda *_: sys.exit(0))
    try:
        server.serve_forever()
    finally:
        services.stop()


if __name__ == "__main__":
    main()
