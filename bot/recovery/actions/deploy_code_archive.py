"""Let an application run the code archive in S3, where no repository answers. (Document: Deployment from Backup.)

The plan pins the object's version and its checksum. Each host fetches it by the policy's command, with its own rights,
as the document has it: an address that is signed here would stand in the history of Systems Manager.
"""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import Field

from bot.recovery.action import Context, Facts, World
from bot.recovery.application_restart import PERMISSIONS as RESTART_PERMISSIONS
from bot.recovery.code_archive import READ_PERMISSIONS, code_bucket, latest_key, read_archive
from bot.recovery.code_changes import BRING_S, CodeAction, CodeChange
from bot.recovery.on_hosts import run_program
from bot.systems.hosts.opening import OpenHost

UNVERSIONED = "null"
"""What S3 calls the one version of an object that is kept without any."""


class DeployArchive(CodeChange):
    archive: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}\.tar\.gz$")] | None = Field(
        default=None, title="Archive", description="Name of a .tar.gz in the code archive; nothing for the newest."
    )


class DeployCodeArchive(CodeAction[DeployArchive]):
    name = "deploy_code_archive"
    purpose = "Deploy the code archive from S3, where Git is away"
    permissions = (*RESTART_PERMISSIONS, *READ_PERMISSIONS)
    parameters = DeployArchive

    def find_target(
        self, world: World, parameters: DeployArchive, hosts: list[OpenHost], seen: dict[str, Facts]
    ) -> Facts:
        bucket, key = code_bucket(world), latest_key(world)
        if parameters.archive:
            key = f"{world.policy.infrastructure.code.archive.prefix}{parameters.archive}"
        found = read_archive(bucket, bucket.find(key))
        stored, revision = found.stored, (found.stored.metadata or {}).get("revision")
        name = revision[:12] if revision else f"archive-{found.sha256[:12]}"
        stored_at = f"{stored.stored_at:%Y-%m-%d %H:%M} UTC" if stored.stored_at else "an unknown time"
        return {
            "name": name, "revision": revision, "label": f"{key.rpartition('/')[2]} ({name})",
            "migrations": list(found.migrations), "going": None, "coming": None,
            "pinned": {
                "key": key, "version": stored.version_id, "sha256": found.sha256, "bytes": stored.size_bytes,
            },
            "note": f"{bucket.place(key)} of {stored_at}, in the version {stored.version_id or 'that is there'}.",
        }  # fmt: skip

    def bring(self, context: Context[DeployArchive], host: OpenHost) -> Facts:
        bucket, pinned = code_bucket(context.world), context.plan.observed["pinned"]
        assert isinstance(pinned, dict)
        folder, name = host.application.install_folder, str(context.plan.observed["name"])
        facts = json.dumps({"revision": context.plan.observed["revision"], "source": "archive", "tags": []})
        command = host.command(
            "read_archive", bucket=bucket.name, key=str(pinned["key"]), version=str(pinned["version"] or UNVERSIONED),
            region=context.world.policy.infrastructure.regions.primary, file=f"{folder}/incoming/{name}.tar.gz",
        )  # fmt: skip
        run_program(
            context, host, "unpack_release", folder, name, str(pinned["sha256"]), str(pinned["bytes"]), facts, *command,
            timeout_s=BRING_S,
        )  # fmt: skip
        return {"source": "archive"}


ACTION = DeployCodeArchive()
