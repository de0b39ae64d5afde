"""What a state of an RDS instance asks of people: the next step, in words; the bot has no action for most of them.

(RDS User Guide: Viewing DB instance status; Troubleshooting. Starting an instance that was stopped temporarily; DB
instance running out of storage; Fixing incompatible parameters; AWS KMS key management.)
"""

from __future__ import annotations

ELSEWHERE = (
    "What its backups hold comes back beside it by `/dr plan rds_restore_to_time` or `/dr plan rds_restore_snapshot`; "
    "`/dr plan switch_database` then leads the application there."
)
KEY = "In KMS, enable its key again, cancel its deletion, or give RDS its grants back (see `aws kms describe-key`)"
FIND = "Find who stopped it (CloudTrail, StopDBInstance)."
START = "`aws rds start-db-instance --db-instance-identifier {name}`"
NEXT: dict[str, str] = {
    "stopped": f"{START} starts it, in some minutes. {FIND}",
    "stopping": f"Once it is stopped {START} starts it. {FIND}",
    "storage-full": "Give it more: `aws rds modify-db-instance --db-instance-identifier {name} --allocated-storage "
    "{more} --apply-immediately`; nothing can be written before. Then find what filled it: `/dr diagnose database`.",
    "incompatible-parameters": "Put the parameters back that were changed last, or all of them (`aws rds "
    "reset-db-parameter-group`), then `aws rds reboot-db-instance --db-instance-identifier {name}`.",
    "inaccessible-encryption-credentials": f"{KEY}. It does not come back by itself even then. {ELSEWHERE}",
    "inaccessible-encryption-credentials-recoverable": f"{KEY}; then {START}. After seven days it cannot be recovered "
    "any more.",
    "incompatible-network": "Free addresses in its subnets, or bring back the subnet, DNS setting or security group "
    f"that is gone. {ELSEWHERE}",
    "incompatible-option-group": "Take the option out that was added last, or give it the option group of before.",
    "insufficient-capacity": f"AWS has to find a machine, or another class or zone is taken. {ELSEWHERE}",
    "failed": ELSEWHERE,
    "restore-error": ELSEWHERE,
    "incompatible-restore": ELSEWHERE,
    "incompatible-create": ELSEWHERE,
    "deleting": f"It cannot be kept from going. {ELSEWHERE}",
    "delete-precheck": f"It cannot be kept from going. {ELSEWHERE}",
}
AT_WORK: dict[str, str] = {
    "maintenance": "AWS maintains it: it comes back by itself, in minutes as a rule; until then it may not answer",
    "upgrading": "its engine is upgraded: it comes back by itself, in minutes as a rule",
    "rebooting": "it restarts: a minute or two as a rule",
    "modifying": "somebody has changed a setting, which is applied now",
    "renaming": "somebody gives it another name: its address changes with it",
    "resetting-master-credentials": "somebody changes the password of its master",
    "moving-to-vpc": "somebody moves it to another network: its address may change",
    "starting": "it starts: some minutes as a rule",
    "creating": "it is being made",
    "converting-to-vpc": "somebody moves it to another network",
    "configuring-enhanced-monitoring": "its monitoring is changed: it works meanwhile",
    "configuring-iam-database-auth": "its logins by IAM are changed: it works meanwhile",
    "configuring-log-exports": "the export of its logs is changed: it works meanwhile",
    "storage-initialization": "its storage is filled from a snapshot: it works, and is slow meanwhile",
}
MORE = 1.2
"""RDS wants a tenth more at least."""


def tell_next(status: str, name: str, storage_gib: int) -> str:
    """What to do about a bad state; empty where it is not known."""
    return NEXT.get(status, "").format(name=name, more=max(storage_gib + 10, round(storage_gib * MORE)))


def tell_work(status: str) -> str:
    """What RDS does meanwhile, and whether it ends by itself."""
    return AT_WORK.get(status, "RDS is at work on it")
