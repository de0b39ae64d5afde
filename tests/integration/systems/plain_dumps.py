"""Plain dumps as the document's script writes them, and ways to change one."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

from bot.sandbox.cloud import BUCKET
from bot.sandbox.stage import DATABASE
from bot.systems.client_tools import find_client_tools
from bot.systems.dumps.plain_files import PlainFile, list_files
from bot.systems.postgres import client_environment
from tests.stage_fixtures import PREFIX, SharedStage

SCRIPT_OPTIONS = ("--clean", "--if-exists", "--create", "--verbose")


def write_script(url: str, *options: str, client_major: int = 15) -> bytes:
    """What pg_dump writes with the document's options and perhaps more."""
    command: list[str | Path] = [find_client_tools(client_major).pg_dump, *SCRIPT_OPTIONS, *options]
    return subprocess.run(command, env=client_environment(url), capture_output=True, check=True).stdout


def put_file(folder: Path, content: bytes, name: str = "dump.sql.gz") -> PlainFile:
    """A file with exactly these bytes, as it is listed."""
    (folder / name).write_bytes(content)
    return next(file for file in list_files(folder) if file.name == name)


def put_script(folder: Path, script: bytes, name: str = "dump.sql.gz") -> PlainFile:
    """A script, packed as gzip does."""
    return put_file(folder, gzip.compress(script, 1), name)


def store_dump(shared: SharedStage, content: bytes, date: str = "20251125_030000") -> str:
    """Where it lies in the stage's S3, named as the document's script names it."""
    key = f"{PREFIX}{DATABASE}_{date}.sql.gz"
    shared.stage.cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
    return f"s3://{BUCKET}/{key}"
