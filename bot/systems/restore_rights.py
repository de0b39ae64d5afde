"""Whether a role may make again what a database holds: seen when a backup is taken, and before a restore.

A restore gives everything back to its owner, for which a role that is no superuser must be a member of it, and creates
extensions, which PostgreSQL lets everybody do only with those that it trusts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bot.systems.postgres import Connection

# Catalogs whose rows have an owner and are dumped, with its column and what of them is looked at. What belongs to an
# extension, or is a part of something else, comes back with it; what PostgreSQL itself made has a number below 16384.
CATALOGS = {
    "pg_class": ("relowner", "relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND relpersistence <> 't'"),
    "pg_type": ("typowner", "typrelid = 0 AND typelem = 0"),
    "pg_namespace": ("nspowner", "nspname !~ '^pg_'"),
    "pg_proc": ("proowner", "true"),
    "pg_default_acl": ("defaclrole", "true"),
    "pg_event_trigger": ("evtowner", "true"),
    "pg_publication": ("pubowner", "true"),
    "pg_foreign_server": ("srvowner", "true"),
    "pg_foreign_data_wrapper": ("fdwowner", "true"),
    "pg_largeobject_metadata": ("lomowner", "true"),
    "pg_operator": ("oprowner", "true"),
    "pg_opclass": ("opcowner", "true"),
    "pg_opfamily": ("opfowner", "true"),
    "pg_collation": ("collowner", "true"),
    "pg_conversion": ("conowner", "true"),
    "pg_language": ("lanowner", "true"),
    "pg_statistic_ext": ("stxowner", "true"),
    "pg_ts_config": ("cfgowner", "true"),
    "pg_ts_dict": ("dictowner", "true"),
}
LIST_OWNERS = " UNION ".join(
    f"SELECT pg_get_userbyid({owner}) FROM {catalog} AS c WHERE c.oid >= 16384 AND ({condition}) AND NOT EXISTS ("  # noqa: S608 (made of constants)
    f"SELECT FROM pg_depend WHERE classid = '{catalog}'::regclass AND objid = c.oid AND deptype IN ('e', 'i'))"
    for catalog, (owner, condition) in CATALOGS.items()
)
# Roles that vendors give what PostgreSQL keeps for superusers.
VENDORS = ["rds_superuser", "cloudsqlsuperuser", "alloydbsuperuser", "azure_pg_admin"]
LOOK_AT_ROLE = """
    SELECT current_user, rolsuper,
           EXISTS (SELECT FROM pg_roles WHERE rolname = ANY(%(vendors)s) AND pg_has_role(current_user, oid, 'member')),
           ARRAY(SELECT rolname::text FROM pg_roles
                 WHERE rolname = ANY(%(owners)s) AND NOT pg_has_role(current_user, oid, 'member') ORDER BY 1),
           ARRAY(SELECT name::text FROM pg_available_extension_versions WHERE name = ANY(%(extensions)s)
                 GROUP BY name HAVING NOT bool_or(trusted OR NOT superuser) ORDER BY 1)
    FROM pg_roles WHERE rolname = current_user
"""
# Their connection strings, which are secrets, may be read by superusers alone, so that no dump of others has them.
LIST_SUBSCRIPTIONS = """
    SELECT subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
    WHERE d.datname = current_database() ORDER BY 1
"""


def list_owners(connection: Connection) -> tuple[str, ...]:
    """Roles that a restore gives something of the connected database to."""
    return tuple(sorted(str(owner) for (owner,) in connection.execute(LIST_OWNERS).fetchall()))


def list_subscriptions(connection: Connection) -> tuple[str, ...]:
    """Names of the connected database's subscriptions."""
    return tuple(str(name) for (name,) in connection.execute(LIST_SUBSCRIPTIONS).fetchall())


def list_lacking_rights(connection: Connection, owners: Collection[str], extensions: Collection[str]) -> Iterator[str]:
    """In words, what keeps the connected role from restoring what has these owners and extensions."""
    asked = {"vendors": VENDORS, "owners": list(owners), "extensions": list(extensions)}
    row = connection.execute(LOOK_AT_ROLE, asked).fetchone()
    assert row is not None  # the connected role is there
    role, is_superuser, is_vendors, strangers, untrusted = row
    if is_superuser:
        return
    if strangers:
        yield (
            f"what belongs to {', '.join(strangers)} can only be given back to them by a member, which {role} is not "
            f"(an administrator may GRANT {', '.join(strangers)} TO {role}, or give it another owner)"
        )
    if untrusted and not is_vendors:
        yield (
            f"only a superuser may create {', '.join(untrusted)}, which {role} is not (an administrator may make it "
            f"one for as long as a restore takes: ALTER ROLE {role} SUPERUSER)"
        )
