"""python -m bot.sandbox.warehouse; PRODUCTION_DATABASE_URL and, if wanted, TRAITORTRACK_LOG_PATH.

Port and rate of bags are options, or PORT and BAGS_PER_SECOND. SESSION_FOLDER keeps logins over a restart; while
MAINTENANCE_FILE is there, it answers all but the health.
"""

from __future__ import annotations

import argparse
import logging
import logging.handlers
import os
import sys
from pathlib import Path

import uvicorn

from bot.sandbox.warehouse.application import build_application

LOG_SIZE_BYTES = 5_000_000


def main() -> None:
    """Serve on loopback until told to stop."""
    parser = argparse.ArgumentParser(prog="warehouse")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "5000")))
    parser.add_argument("--bags-per-second", type=float, default=float(os.environ.get("BAGS_PER_SECOND", "2")))
    options = parser.parse_args()
    database_url = os.environ.get("PRODUCTION_DATABASE_URL")
    if not database_url:
        sys.exit("PRODUCTION_DATABASE_URL is not set; for example postgresql://user:password@host/traitortrack")
    start_log(os.environ.get("TRAITORTRACK_LOG_PATH"))
    folder, page = os.environ.get("SESSION_FOLDER"), os.environ.get("MAINTENANCE_FILE")
    application = build_application(
        database_url, bags_per_s=options.bags_per_second, session_folder=Path(folder) if folder else None,
        maintenance_file=Path(page) if page else None,
    )  # fmt: skip
    uvicorn.run(application, host="127.0.0.1", port=options.port, log_config=None, access_log=False)


def start_log(path: str | None) -> None:
    """Log to the file, or to standard error where there is none; 5 MB are kept, and 5 MB before them."""
    to_file = path and logging.handlers.RotatingFileHandler(path, maxBytes=LOG_SIZE_BYTES, backupCount=1)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        handlers=[to_file or logging.StreamHandler()],
    )


if __name__ == "__main__":
    main()
