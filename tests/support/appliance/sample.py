"""Answers of the published call: its whole field set, contradictory as the published sample is."""

from __future__ import annotations

import copy
from typing import Any

DOMAIN_ID = "e052a641-7018-408e-aebd-8122a3db1f5f"
STEPS = [
    "PREREQ_CHECKS", "TAKE_DOMAIN_OWNERSHIP", "PREPARE_REHYDRATION", "PREPARE_ISOS", "PREPARE_TEMP_VMS",
    "POWERON_VMS_AND_RETRIEVE_IP", "RECOVER_VMS_DATA", "CLEANUP_TEMP_VMS", "FINALIZE_VMS", "COMPLETE",
]  # fmt: skip

PUBLISHED: dict[str, Any] = {
    "id": "erp-0001",
    "name": "erp-prod",
    "totalDataKB": 41_943_040,
    "remainingDataKB": 33_554_432,
    "recoveredDataKB": 13_002_342,
    "connectionStatus": "OK",
    "progress": 10,
    "rollbackTimestamp": 163_745_200,
    "protectedVms": [
        {
            "id": "vm-101",
            "uuid": "421b9a3c-5d6e-4f70-8a91-b2c3d4e5f607",
            "name": "erp-db01",
            "status": "RECOVERABLE",
        },
        {"id": "vm-102", "uuid": "not-a-uuid", "name": "erp-app01", "status": "RECOVERABLE"},
    ],
    "overview": {"steps": STEPS, "currentStep": "RECOVER_VMS_DATA"},
    "criticalAlerts": [
        {
            "code": 20102,
            "category": "WARNING",
            "name": "DOMAIN_ALERT_OBJECT_STORE_CONNECTION_LOST",
            "causeMessageCode": "OBJECT_STORE_TIMEOUT",
            "causeMessageDetails": "no answer from the object store for 30 s",
            "resumable": True,
        }
    ],
    "previousRecoveries": [{"index": 1, "rollbackPointTimestamp": 163_741_600}],
}
"""Sizes that do not add up, a progress that they do not give, ids that are no UUIDs, odd timestamps."""


def answer(**changes: Any) -> dict[str, Any]:
    """The published answer with other values of some fields; `step`: its current step."""
    body = copy.deepcopy(PUBLISHED)
    if "step" in changes:
        body["overview"]["currentStep"] = changes.pop("step")
    return body | changes


def sound(step: str = "RECOVER_VMS_DATA", **changes: Any) -> dict[str, Any]:
    """An answer in which nothing is odd."""
    sizes = {"totalDataKB": 40_000_000, "remainingDataKB": 27_600_000, "recoveredDataKB": 12_400_000}
    return answer(step=step, **({**sizes, "progress": 31} | changes))


def idle(**changes: Any) -> dict[str, Any]:
    """No PITR operation has been run."""
    body = {"id": DOMAIN_ID, "name": "erp-prod", "connectionStatus": "OK", "protectedVms": []}
    return body | changes
