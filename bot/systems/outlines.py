"""What a database is made of, as text that can be compared: tables to privileges, roles and settings. No rows.

Read from the catalogs alone: no table is touched or locked.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql
from pydantic import BaseModel, ConfigDict

from bot.systems.postgres import Connection

OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
NOT_OF_AN_EXTENSION = """NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{catalog}'::regclass
                                                         AND e.objid = {oid} AND e.deptype = 'e')"""
NAMED = "CASE n.nspname WHEN 'public' THEN format('%%I', c.relname) ELSE format('%%I.%%I', n.nspname, c.relname) END"
UNSETTLED = (
    "application_name", "client_encoding", "config_file", "data_directory", "external_pid_file", "hba_file",
    "ident_file", "listen_addresses", "log_timezone", "port", "primary_conninfo", "search_path", "TimeZone",
    "transaction_read_only", "unix_socket_directories", "in_hot_standby", "wal_keep_size",
)  # fmt: skip
"""Settings that say where a server is, or what this session set, not how it works."""

TABLES = f"""
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {OURS} AND c.relpersistence <> 't' AND {NOT_OF_AN_EXTENSION.format(catalog="pg_class", oid="c.oid")}
"""
WITH_TABLE = f"JOIN pg_class c ON c.oid = x.{{of}} JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS}"

OUTLINE = f"""
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' ELSE 'table' END,
           {NAMED}, '',
           CASE WHEN c.relkind IN ('v', 'm') THEN md5(pg_get_viewdef(c.oid))
                WHEN c.relkind = 'S' THEN (SELECT format('%%s to %%s by %%s%%s', seqmin, seqmax, seqincrement,
                                                         CASE WHEN seqcycle THEN ', begins anew' ELSE '' END)
                                           FROM pg_sequence s WHERE s.seqrelid = c.oid)
                ELSE concat_ws(', ', 'owned by ' || pg_get_userbyid(c.relowner),
                               CASE WHEN c.relrowsecurity THEN 'row security' END,
                               CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END, c.reloptions::text) END
    {TABLES} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT 'column', {NAMED}, a.attname,
           concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                     'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), nullif(a.attidentity::text, ''))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE {OURS} AND c.relpersistence <> 't' AND c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'index', {NAMED}, i.relname,
           pg_get_indexdef(x.indexrelid) || CASE WHEN x.indisvalid THEN '' ELSE ' INVALID' END
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid {WITH_TABLE.format(of="indrelid")}
    UNION ALL
    SELECT 'constraint', {NAMED}, x.conname,
           pg_get_constraintdef(x.oid)
    FROM pg_constraint x {WITH_TABLE.format(of="conrelid")} AND x.contype <> 'n'
    UNION ALL
    SELECT 'trigger', {NAMED}, x.tgname,
           pg_get_triggerdef(x.oid) || CASE x.tgenabled WHEN 'D' THEN ' DISABLED' ELSE '' END
    FROM pg_trigger x {WITH_TABLE.format(of="tgrelid")} AND NOT x.tgisinternal
    UNION ALL
    SELECT 'rule', {NAMED}, x.rulename, pg_get_ruledef(x.oid)
    FROM pg_rewrite x {WITH_TABLE.format(of="ev_class")} AND x.rulename <> '_RETURN'
    UNION ALL
    SELECT 'row policy', {NAMED}, x.polname,
           concat_ws(' ', x.polcmd::text, pg_get_expr(x.polqual, x.polrelid), pg_get_expr(x.polwithcheck, x.polrelid))
    FROM pg_policy x {WITH_TABLE.format(of="polrelid")}
    UNION ALL
    SELECT 'function', format('%%I', p.proname), pg_get_function_identity_arguments(p.oid),
           md5(pg_get_functiondef(p.oid))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE {OURS} AND p.prokind IN ('f', 'p') AND {NOT_OF_AN_EXTENSION.format(catalog="pg_proc", oid="p.oid")}
    UNION ALL
    SELECT 'extension', extname, '', extversion FROM pg_extension
    UNION ALL
    SELECT 'privilege', {NAMED}, coalesce(r.rolname, 'everybody'),
           string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char",
                                                        c.relowner))) x
    LEFT JOIN pg_roles r ON r.oid = x.grantee
    WHERE {OURS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND c.relpersistence <> 't' GROUP BY 1, 2, 3
    UNION ALL
    SELECT 'privilege', 'schema ' || n.nspname, coalesce(r.rolname, 'everybody'),
           string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type)
    FROM pg_namespace n CROSS JOIN aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) x
    LEFT JOIN pg_roles r ON r.oid = x.grantee WHERE {OURS} GROUP BY 1, 2, 3
    UNION ALL
    SELECT 'privilege', 'the database', coalesce(r.rolname, 'everybody'),
           string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type)
    FROM pg_database d CROSS JOIN aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x
    LEFT JOIN pg_roles r ON r.oid = x.grantee WHERE d.datname = current_database() GROUP BY 1, 2, 3
    UNION ALL
    SELECT 'role', rolname, '',
           concat_ws(', ', CASE WHEN rolcanlogin THEN 'may log in' ELSE 'may not log in' END,
                     CASE WHEN rolsuper THEN 'superuser' END,
                     CASE WHEN rolconnlimit >= 0 THEN 'at most ' || rolconnlimit || ' connections' END,
                     'until ' || nullif(rolvaliduntil, 'infinity')::text,
                     (SELECT 'member of ' || string_agg(g.rolname, ', ' ORDER BY g.rolname) FROM pg_auth_members m
                      JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid))
    FROM pg_roles r WHERE rolname !~ '^pg_'
    UNION ALL
    SELECT 'setting', name, '', reset_val FROM pg_settings
    WHERE reset_val IS DISTINCT FROM boot_val AND category !~ '^Preset' AND NOT name = ANY(%(unsettled)s)
    UNION ALL
    SELECT 'override', coalesce(r.rolname, 'everybody'), split_part(x.entry, '=', 1),
           substr(x.entry, strpos(x.entry, '=') + 1)
    FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole CROSS JOIN unnest(s.setconfig) x (entry)
    WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
"""  # noqa: S608 (made of constants of this file)


class Item(BaseModel):
    """One thing: a table where `part` is empty, else a column, an index, … of it."""

    model_config = ConfigDict(frozen=True)
    kind: str
    of: str
    part: str
    definition: str

    @property
    def words(self) -> str:
        if self.kind == "privilege":
            return f"what {self.part} may do with {self.of}"
        if self.kind == "function":
            return f"function {self.of}({self.part})"
        if self.kind == "override":
            return f"{self.part} for {self.of}"
        return f"{self.kind} {self.of}" if not self.part else f"{self.kind} {self.part} of {self.of}"


class Outline(BaseModel):
    """All that one database was made of at one moment."""

    model_config = ConfigDict(frozen=True)
    items: tuple[Item, ...]

    def of_kind(self, *kinds: str) -> list[Item]:
        return [item for item in self.items if item.kind in kinds]


class Change(BaseModel):
    """What is not as it was: gone (`now` is None), new (`was` is None) or another."""

    model_config = ConfigDict(frozen=True)
    was: Item | None
    now: Item | None

    @property
    def item(self) -> Item:
        found = self.was or self.now
        assert found is not None  # a change has a side
        return found

    @property
    def gone(self) -> bool:
        return self.now is None

    @property
    def new(self) -> bool:
        return self.was is None


def read_outline(connection: Connection) -> Outline:
    """Ask the catalogs; some 50 ms for a few hundred tables."""
    names = tuple(Item.model_fields)
    with connection.transaction():
        connection.execute("SET LOCAL search_path = pg_catalog")
        rows = connection.execute(sql.SQL(OUTLINE), {"unsettled": list(UNSETTLED)}).fetchall()
    items = [Item.model_validate(dict(zip(names, (part or "" for part in row), strict=True))) for row in rows]
    return Outline(items=tuple(sorted(items, key=lambda one: (one.kind, one.of, one.part))))


def compare_outlines(was: Outline, now: Outline) -> list[Change]:
    """What changed; of a table that is gone or new, nothing but that is told."""
    return list(_tell_once(list(_compare(was, now))))


def _compare(was: Outline, now: Outline) -> Iterator[Change]:
    before = {(one.kind, one.of, one.part): one for one in was.items}
    after = {(one.kind, one.of, one.part): one for one in now.items}
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old is None or new is None or old.definition != new.definition:
            yield Change(was=old, now=new)


def _tell_once(changes: list[Change]) -> Iterator[Change]:
    whole = {
        change.item.of
        for change in changes
        if change.item.kind in ("table", "view", "sequence") and (change.gone or change.new)
    }
    constraints = {(change.item.of, change.item.part) for change in changes if change.item.kind == "constraint"}
    for change in changes:
        item = change.item
        inner = item.of in whole and item.kind not in ("table", "view", "sequence")
        doubled = item.kind == "index" and (item.of, item.part) in constraints
        if not inner and not doubled:
            yield change
