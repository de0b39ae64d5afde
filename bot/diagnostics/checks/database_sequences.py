"""Do new rows get new numbers? Sequences behind their column, moved back, or nearly used up."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import DatabasePointCheck, Point
from bot.outcome import Failed, Refused
from bot.store.documents import Measure
from bot.systems.dumps.manifest import Manifest
from bot.systems.postgres import Connection

# Only columns with an index that begins with them: their greatest value is had at once.
LIST_SEQUENCES = """
    SELECT format('%I.%I', sn.nspname, s.relname), tn.nspname, t.relname, a.attname,
           coalesce(CASE WHEN has_sequence_privilege(s.oid, 'SELECT, USAGE') THEN pg_sequence_last_value(s.oid) END, 0),
           least(q.seqmax, CASE y.typname WHEN 'int2' THEN 32767 WHEN 'int4' THEN 2147483647 ELSE q.seqmax END),
           q.seqincrement > 0 AND y.typname IN ('int2', 'int4', 'int8')
             AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.oid AND i.indkey[0] = a.attnum AND i.indisvalid)
             AND has_table_privilege(t.oid, 'SELECT'),
           q.seqcycle
    FROM pg_class s JOIN pg_namespace sn ON sn.oid = s.relnamespace JOIN pg_sequence q ON q.seqrelid = s.oid
    LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype IN ('a', 'i')
                         AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
    LEFT JOIN pg_class t ON t.oid = d.refobjid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
    LEFT JOIN pg_type y ON y.oid = a.atttypid
    WHERE s.relkind = 'S' AND s.relpersistence <> 't' AND sn.nspname !~ '^pg_'
"""
NEARLY, LAST = 0.75, 0.95
TOGETHER = 50


class DatabaseSequences(DatabasePointCheck):
    name = "database_sequences"
    title = "Sequences"
    permissions = ("s3:ListBucket", "s3:GetObject")
    timeout_s = 20.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        with surroundings.connect(self.timeout_s / 2) as connection:
            rows = connection.execute(LIST_SEQUENCES).fetchall()
            greatest = _read_greatest(connection, [row for row in rows if row[6]])
            rows = connection.execute(LIST_SEQUENCES).fetchall()  # after their columns: both go up meanwhile
        baseline = _find_baseline(surroundings)
        before = baseline.fingerprint.sequences if baseline else {}
        fullest = 0.0
        for name, _schema, table, column, value, limit, _, cycles in rows:
            fullest = max(fullest, value / limit)
            most = greatest.get(name)
            if most is not None and value < most:
                words = f"{name} is at {value:,}, but {table}.{column} goes up to {most:,} already: new rows get a "
                words += f"number that is taken, and are refused. setval('{name}', {most}) puts it right."
                yield Point("critical", words, signs=("numbers taken",), normal="It is ahead of its column.")
            elif name in before and value < before[name].last_value:
                words = f"{name} is at {value:,}, and was at {before[name].last_value:,} in the backup: it was moved "
                words += "back, so numbers that were given come again."
                yield Point("critical", words, signs=("numbers taken",), normal="It only goes up.")
            if value >= NEARLY * limit and not cycles:
                over = value >= LAST * limit
                words = f"{name} is at {value:,} of {limit:,}: {'no' if value >= limit else 'hardly any'} numbers left."
                yield Point("critical" if over else "warning", words, signs=("numbers used up",))
        measure = Measure(name="share of the fullest used", value=round(100 * fullest, 1), unit="%")
        yield Point("ok", f"{len(rows)} sequences; the fullest has used {100 * fullest:.1f} %.", measures=(measure,))


def _read_greatest(connection: Connection, rows: list[tuple[str, ...]]) -> dict[str, int]:
    each = sql.SQL("SELECT {}, max({})::bigint FROM {}")
    found: dict[str, int] = {}
    for begin in range(0, len(rows), TOGETHER):
        some = rows[begin : begin + TOGETHER]
        query = sql.SQL(" UNION ALL ").join(
            each.format(sql.Literal(row[0]), sql.Identifier(row[3]), sql.Identifier(row[1], row[2])) for row in some
        )
        found |= {name: value for name, value in connection.execute(query).fetchall() if value is not None}
    return found


def _find_baseline(surroundings: Surroundings) -> Manifest | None:
    """Without backups sequences are still held against their columns; those who ask for backups say what is wrong."""
    try:
        return surroundings.baseline()
    except (Refused, Failed):
        return None


CHECK = DatabaseSequences()
