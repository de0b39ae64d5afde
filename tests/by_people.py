"""A playbook whose steps are people's, all but one that is seldom needed: no system is needed to walk through it."""

from __future__ import annotations

from typing import Any


def make_by_people() -> dict[str, Any]:
    """As YAML has it; a new one each time, since a policy has no aliases."""
    return {
        "title": "By people",
        "disaster": "server_failure",
        "approval": "each",
        "steps": [
            {"title": "Launch", "manual": "Launch a server.", "phase": "Launch", "skipping": "a new server"},
            {"title": "Deploy", "manual": "Deploy the code.", "phase": "Deployment", "skipping": "a deployment"},
            {"title": "Configure", "manual": "Configure it.", "phase": "Configuration", "skipping": "a look at it"},
            {
                "title": "Restore the database, where it went with the server",
                "action": "restore_database",
                "references": {"database": "database", "backup": "newest_verified_backup"},
                "when": "database_missing",
                "phase": "Database connection",
            },
            {"title": "Test", "manual": "Test it.", "phase": "Validation", "skipping": "a look by a person"},
        ],
    }
