"""Nothing of a row is in what is logged or told, whatever PostgreSQL quotes of it."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import psycopg
import pytest

from bot.systems.archives import Bucket
from bot.systems.client_tools import find_client_tools
from bot.systems.databases import observe_server
from bot.systems.dumps.backup import back_up
from bot.systems.postgres import client_environment, connect
from bot.systems.processes import Child, ProcessFailed
from bot.systems.redaction import RedactingFormatter, Redactor
from bot.systems.row_values import explain, hide_rows
from tests.integration.systems.conftest import MakePlace, Place
from tests.integration.systems.exhibits import execute

SECRET = "Ms Doe, 4711"
TABLE = f"""
    CREATE TYPE mood AS ENUM ('calm', 'angry');
    CREATE TABLE bag (label text PRIMARY KEY, weight int CHECK (weight > 0));
    CREATE TABLE tag (label text REFERENCES bag);
    CREATE TABLE crate (label text, feeling mood) PARTITION BY LIST (label);
    INSERT INTO bag VALUES ('{SECRET}', 1);
"""


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    return make_place(None, TABLE)


@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        (f"INSERT INTO bag VALUES ('{SECRET}', 1)", "bag_pkey"),
        (f"INSERT INTO bag VALUES (E'\\nDoe\\n{SECRET}', -1)", "bag_weight_check"),
        (f"INSERT INTO tag VALUES ('{SECRET}!')", "tag_label_fkey"),
        (f"INSERT INTO crate VALUES ('{SECRET}')", "no partition of relation"),
        (f"SELECT '{SECRET}'::int", "invalid input syntax for type integer"),
        (f"SELECT E'\\n{SECRET}'::int", "invalid input syntax for type integer"),
        (f"SELECT '{SECRET}'::mood", "invalid input value for enum mood"),
        (f"SELECT '{{{SECRET}'::text[]", "malformed array literal"),
        (f"SELECT '{{\"a\": {SECRET}}}'::json", "invalid input syntax for type json"),
        ("SELECT '4711471147114711'::int", "is out of range for type integer"),
        ("SELECT '4711-47-11'::date", "date/time field value out of range"),
        ("SELECT label::float8 FROM bag", "invalid input syntax for type double precision"),
    ],
)
def test_what_the_server_says_is_told_without_the_row(statement: str, kept: str, place: Place) -> None:
    with pytest.raises(psycopg.Error) as caught:
        execute(place.owner_url, statement)

    assert "4711" in str(caught.value)
    for told in (hide_rows(str(caught.value)), explain(caught.value)):
        assert "4711" not in told
        assert "Doe" not in told
        assert kept in told


def test_what_a_program_says_of_rows_that_it_could_not_load_is_told_without_them(place: Place) -> None:
    with connect(place.url) as connection:
        tools = find_client_tools(observe_server(connection).major)
    command: list[str | Path] = [tools.psql, "--set=ON_ERROR_STOP=1", "--command=COPY bag FROM STDIN"]
    for row in (f"{SECRET}\t1\n", f"{SECRET}!\tDoe\n", f"{SECRET}!\t-1\n"):
        with Child(command, environment=client_environment(place.url), stdin=True) as child:
            child.stdin.write(row.encode())
            child.stdin.close()
            with pytest.raises(ProcessFailed, match="COPY bag, line 1") as caught:
                child.finish()
        assert not {word for word in ("4711", "Doe") if word in str(caught.value)}, caught.value


def test_the_log_has_nothing_of_a_row_in_its_tracebacks(place: Place) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(RedactingFormatter(logging.Formatter(), Redactor({}, ())))
    try:
        execute(place.owner_url, f"INSERT INTO bag VALUES ('{SECRET}', 1)")
    except psycopg.Error as error:
        information = (type(error), error, error.__traceback__)
        handler.handle(logging.LogRecord("bot", logging.ERROR, __file__, 1, "it failed", (), information))

    assert "bag_pkey" in written.getvalue()
    assert "4711) already" not in written.getvalue()


@pytest.fixture
def heavy(make_place: MakePlace) -> Place:
    """A table with a number that is too large for whoever looks at its span."""
    return make_place(None, f"CREATE TABLE bag AS SELECT repeat('4711', 100)::numeric AS weight, '{SECRET}' AS label")


def test_a_look_that_does_not_work_is_logged_without_the_value(
    heavy: Place, bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    manifest = back_up(heavy.url, bucket, prefix="heavy/", run="r1")

    assert manifest.looks is None
    [record] = [one for one in caplog.records if "without a look" in one.getMessage()]
    assert "out of range" in record.getMessage()
    assert "4711" not in record.getMessage()
