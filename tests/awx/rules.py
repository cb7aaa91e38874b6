# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX checks and does when an object is made or changed, beyond storing it."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

from .answers import Refusal
from .records import Record, Records, Secret

REPOSITORY = Path(__file__).resolve().parents[2]
REVISION = "5d0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b"
SECRET_SETTINGS = ("token", "password", "headers", "account_token")
MASKED = "$encrypted$"


def saved(records: Records, table: str, record: Record, before: Record) -> None:
    """Called after an object was made (``before`` is empty) or changed; what it raises undoes the change."""
    if table == "projects" and record["scm_type"] and not before:
        fetch(records, record)
    elif table == "job_templates":
        _job_template(records, record, before)
    elif table == "credentials":
        _credential(records, record, before)
    elif table == "inventory_sources":
        _inventory_source(records, record)
    elif table == "notification_templates":
        record["notification_configuration"] = _encrypted(
            record["notification_configuration"], SECRET_SETTINGS, before.get("notification_configuration", {})
        )
    elif table == "schedules":
        _schedule(record)


def fetch(records: Records, project: Record, *, successful: bool = True) -> Record:
    """Update a project from its repository; the update."""
    status = "successful" if successful else "failed"
    project.update(status=status, scm_revision=REVISION if successful else "")
    made = {"name": project["name"], "project": project["id"], "status": status, "failed": not successful}
    return records.create("project_updates", made)


def _job_template(records: Records, template: Record, before: Record) -> None:
    for name in ("inventory", "project"):
        if not template[name] and not template.get(f"ask_{name}_on_launch"):
            raise Refusal(400, {name: [f"Job Template must provide '{name}' or allow prompting for it."]})
    project = records.get("projects", template["project"])
    # The stand-in takes every git repository for this one.
    if project["scm_type"] and not (REPOSITORY / template["playbook"]).is_file():
        raise Refusal(400, {"playbook": ["Playbook not found for project."]})
    template["organization"] = project["organization"]
    if template["webhook_service"] != before.get("webhook_service", ""):
        template["webhook_key"] = secrets.token_urlsafe(32) if template["webhook_service"] else ""


def _credential(records: Records, credential: Record, before: Record) -> None:
    kind = records.get("credential_types", credential["credential_type"])
    known = {field["id"]: field for field in kind["inputs"].get("fields", ())}
    for name in credential["inputs"]:
        if name not in known:
            reason = f"Additional properties are not allowed ('{name}' was unexpected)"
            raise Refusal(400, {"inputs": {name: [reason]}})
    secret = [name for name, field in known.items() if field.get("secret")]
    credential["inputs"] = _encrypted(credential["inputs"], secret, before.get("inputs", {}))


def _inventory_source(records: Records, source: Record) -> None:
    if source["source"] == "ec2" and source["credential"]:
        credential = records.get("credentials", source["credential"])
        if records.get("credential_types", credential["credential_type"])["namespace"] != "aws":
            reason = "Cloud-based inventory sources (such as ec2) require credentials for the matching cloud service."
            raise Refusal(400, {"credential": [reason]})


def _schedule(schedule: Record) -> None:
    rule = schedule["rrule"]
    checks = {
        "Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ": r"DTSTART[:;]\S*[0-9]+T",
        "DTSTART cannot be a naive datetime.  Specify ;TZINFO= or YYYYMMDDTHHMMSSZZ.": r"DTSTART(;TZID=\S+|:\w+Z)",
        "One or more rule required in rrule.": r"RRULE:",
        "INTERVAL required in rrule": r"RRULE:\S*INTERVAL=",
    }
    for reason, pattern in checks.items():
        if not re.search(pattern, rule):
            raise Refusal(400, {"rrule": [reason]})
    if "SECONDLY" in rule:
        raise Refusal(400, {"rrule": ["SECONDLY is not supported"]})
    schedule["next_run"] = "2026-12-01T00:00:00Z" if schedule["enabled"] else None


def _encrypted(given: dict[str, Any], secret: Any, before: dict[str, Any]) -> dict[str, Any]:
    """Secrets marked as such; one sent back as it is shown keeps its value."""
    return {
        name: (before.get(name, "") if value == MASKED else Secret(value))
        if name in secret and isinstance(value, str)
        else value
        for name, value in given.items()
    }
