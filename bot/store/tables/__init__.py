"""The tables. Loaded rows are plain objects: the surfaces read them after the session is closed."""

from bot.store.tables.base import Json, Table
from bot.store.tables.comms import Delivery, Notice
from bot.store.tables.diagnostics import Sweep
from bot.store.tables.incidents import Incident, IncidentRole, Postmortem
from bot.store.tables.ledger import LedgerEntry, LedgerHead
from bot.store.tables.people import SlackUser
from bot.store.tables.playbooks import PlaybookRun, PlaybookTask
from bot.store.tables.recovery import Approval, Handover, Lock, Plan, Run, RunOutput, RunStep

__all__ = [
    "Approval",
    "Delivery",
    "Handover",
    "Incident",
    "IncidentRole",
    "Json",
    "LedgerEntry",
    "LedgerHead",
    "Lock",
    "Notice",
    "Plan",
    "PlaybookRun",
    "PlaybookTask",
    "Postmortem",
    "Run",
    "RunOutput",
    "RunStep",
    "SlackUser",
    "Sweep",
    "Table",
]
