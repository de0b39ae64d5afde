"""What the vendors send, shortened from their documentation."""

from __future__ import annotations

import copy
from typing import Any

Json = dict[str, Any]

ALERTMANAGER: Json = {
    "version": "4",
    "groupKey": '{}:{alertname="HighErrorRate"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "holdfast",
    "groupLabels": {"alertname": "HighErrorRate"},
    "commonLabels": {"alertname": "HighErrorRate", "severity": "critical"},
    "commonAnnotations": {},
    "externalURL": "http://alertmanager:9093",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "HighErrorRate", "severity": "critical", "instance": "web-1"},
            "annotations": {"summary": "Many errors on web-1", "description": "12 % of requests fail"},
            "startsAt": "2026-03-01T11:58:00.123Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus:9090/graph?g0.expr=x",
            "fingerprint": "c0ffee0000000001",
        },
        {
            "status": "resolved",
            "labels": {"alertname": "HighErrorRate", "severity": "critical", "instance": "web-2"},
            "annotations": {},
            "startsAt": "2026-03-01T11:40:00Z",
            "endsAt": "2026-03-01T11:59:00Z",
            "generatorURL": "",
            "fingerprint": "c0ffee0000000002",
        },
    ],
}

DATADOG: Json = {
    "title": "[Triggered] Replication lag is high",
    "text": "Lag over 30 s on db-2",
    "transition": "Triggered",
    "aggregation_key": "9bd4ac313a4d1e8fae2482df7b77628",
    "alert_id": "1234",
    "scope": "host:db-2",
    "host": "db-2",
    "priority": "P1",
    "tags": "env:production, component:database, urgent",
    "date": "1772366340000",
    "link": "https://app.datadoghq.com/event/event?id=123456",
}

PAGERDUTY: Json = {
    "event": {
        "id": "5ac64822-4adc-4fda-ade0-410becf0de4f",
        "event_type": "incident.triggered",
        "resource_type": "incident",
        "occurred_at": "2026-03-01T11:59:00.000Z",
        "agent": None,
        "client": None,
        "data": {
            "id": "PGR0VU2",
            "type": "incident",
            "self": "https://api.pagerduty.com/incidents/PGR0VU2",
            "html_url": "https://acme.pagerduty.com/incidents/PGR0VU2",
            "number": 2,
            "status": "triggered",
            "title": "A little bump in the road",
            "service": {"id": "PF9KMXH", "summary": "API Service", "type": "service_reference"},
            "escalation_policy": {"id": "PUS0KTE", "summary": "Default", "type": "escalation_policy_reference"},
            "priority": {"id": "PSO75BM", "summary": "P1", "type": "priority_reference"},
            "urgency": "high",
        },
    }
}

CLOUDWATCH_ALARM: Json = {
    "AlarmName": "traitortrack cpu",
    "AlarmDescription": "The database works hard",
    "AWSAccountId": "123456789012",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed: 1 datapoint [97.0] was greater than the threshold (90.0).",
    "StateChangeTime": "2026-03-01T11:59:00.000+0000",
    "Region": "US East (N. Virginia)",
    "AlarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:traitortrack cpu",
    "OldStateValue": "OK",
    "Trigger": {
        "MetricName": "CPUUtilization",
        "Namespace": "AWS/RDS",
        "Dimensions": [{"value": "traitortrack", "name": "DBInstanceIdentifier"}],
    },
}


def changed(payload: Json, *path: str | int, value: Any) -> Json:
    """A copy with another value at one place."""
    found = copy.deepcopy(payload)
    place: Any = found
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return found
