# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in answers as AWX was seen to answer: every case of contract.json, over HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from awx import Awx, User
from awx.client import call

CONTRACT = json.loads((Path(__file__).parent / "contract.json").read_text(encoding="utf-8"))
CASES = {case["case"]: case for case in CONTRACT["cases"]}
ARN, EVENT = CONTRACT["arn"], CONTRACT["event"]

SURVEY = {
    "name": "",
    "description": "",
    "spec": [
        {"variable": "certificate_arn", "question_name": "ARN", "type": "text", "required": True, "min": 20},
        {
            "variable": "target_hosts",
            "question_name": "Hosts",
            "type": "multiplechoice",
            "required": False,
            "choices": ["all", "web1", "web2"],
            "default": "all",
        },
        {"variable": "days", "question_name": "Days", "type": "integer", "required": False, "max": 400},
    ],
}
PASSWORD = {
    "name": "",
    "description": "",
    "spec": [{"variable": "export_passphrase", "question_name": "Passphrase", "type": "password", "required": True}],
}
ASKS = {"ask_variables_on_launch": True, "allow_simultaneous": True}
TEMPLATES: dict[str, dict[str, Any]] = {
    "open": ASKS,
    "closed": {"allow_simultaneous": True, "webhook_service": "gitlab"},
    "survey": {
        "allow_simultaneous": True,
        "survey_enabled": True,
        "survey_spec": SURVEY,
        "webhook_service": "gitlab",
    },
    "survey_open": {**ASKS, "survey_enabled": True, "survey_spec": SURVEY},
    "single": {"ask_variables_on_launch": True},
    "github": {"webhook_service": "github"},
    "webhook": {"webhook_service": "gitlab"},
    "password": {"survey_enabled": True, "survey_spec": PASSWORD},
    "failing": {},
    "unfetched": ASKS,
    "refetched": ASKS,
}


@pytest.fixture
def awx() -> Iterator[Awx]:
    with Awx() as made:
        made.template("unused")
        for name, fields in TEMPLATES.items():
            template = made.template(name, **fields)
            # AWX reads the organization from the project.
            template["organization"] = 1
        for name in ("unfetched", "refetched"):
            project = made.records.create("projects", {"name": name, "organization": 1, "scm_type": "git"})
            project["scm_revision"] = "" if name == "unfetched" else "5d0f1a2b"
            made.records.where("job_templates", name=name)[0]["project"] = project["id"]
        yield made


def fill(value: Any) -> Any:
    """Put in what stands in angle brackets."""
    if value == "<arn>":
        return ARN
    if value == "<event>":
        return EVENT
    if value == "<256 KiB>":
        return "x" * 262144
    if isinstance(value, list):
        return [fill(entry) for entry in value]
    if isinstance(value, dict):
        if "<event>" in value:
            return {**EVENT, **value["<event>"]}
        if "<text>" in value:
            return json.dumps(fill(value["<text>"]))
        return {name: fill(entry) for name, entry in value.items()}
    return value


def authorization(awx: Awx, who: str) -> str | None:
    """The header Authorization of somebody."""
    eventbridge = awx.users.add(User("eventbridge", "a-password-of-eventbridge"))
    stranger = awx.users.add(User("stranger", "a-password-of-stranger", launches=False))
    if who == "revoked token":
        token = awx.users.token(eventbridge)
        awx.users.revoke(token.id)
        return f"Bearer {token.value}"
    pair = {
        "password": (eventbridge.name, eventbridge.password),
        "wrong password": (eventbridge.name, "wrong"),
        "client": awx.users.client,
    }
    if who in pair:
        return "Basic " + base64.b64encode(":".join(pair[who]).encode()).decode()
    if who == "nobody":
        return None
    if who == "bare token":
        return awx.token
    tokens = {
        "token": lambda: awx.token,
        "unknown token": lambda: "an-unknown-token",
        "stranger": lambda: awx.users.token(stranger).value,
        "reading token": lambda: awx.users.token(eventbridge, "read").value,
        "new token": lambda: new_token(awx, eventbridge),
        "OAuth token": lambda: oauth_token(awx, eventbridge),
    }
    return f"Bearer {tokens[who]()}"


def new_token(awx: Awx, user: User) -> str:
    basic = "Basic " + base64.b64encode(f"{user.name}:{user.password}".encode()).decode()
    return str(call(f"{awx.url}/api/v2/tokens/", {"scope": "write"}, {"Authorization": basic}).body["token"])


def oauth_token(awx: Awx, user: User) -> str:
    client, secret = awx.users.client
    form = f"grant_type=password&username={user.name}&password={user.password}&scope=write"
    form += f"&client_id={client}&client_secret={secret}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return str(call(f"{awx.url}/api/o/token/", form.encode(), headers).body["access_token"])


def send(awx: Awx, case: dict[str, Any]) -> Any:
    """Send a case's request."""
    found = awx.records.where("job_templates", name=case["template"])
    number, key = (found[0]["id"], found[0]["webhook_key"]) if found else (9999, "")
    secrets = {"client_id": awx.users.client[0], "client_secret": awx.users.client[1]}
    secrets |= {"password": "a-password-of-eventbridge", "token": awx.token, "webhook_key": key}
    body: Any = None
    if "text" in case:
        body = re.sub("<([a-z_]+)>", lambda match: secrets[match[1]], case["text"]).encode()
    elif case["body"] is not None:
        body = json.dumps(fill(case["body"])).encode()
    secrets["signature"] = "sha1=" + hmac.new(key.encode(), body or b"", hashlib.sha1).hexdigest()
    headers = {"Content-Type": "application/json", "Authorization": authorization(awx, case["as"])}
    for name, value in case.get("headers", {}).items():
        headers[name] = secrets.get(value.strip("<>"), value) if value else None
    url = awx.url + case["path"].replace("<id>", str(number))
    return call(url, body, headers, method=case["method"])


@pytest.mark.parametrize("name", CASES)
def test_contract(awx: Awx, name: str) -> None:
    case = CASES[name]
    if "after" in case:
        send(awx, CASES[case["after"]])

    answer = send(awx, case)

    assert answer.status == case["status"], answer.body
    expected = fill(case["answer"])
    if expected == "<html>":
        assert "<!DOCTYPE html>" in answer.body
        return
    if "variables" in expected:
        assert json.loads(answer.body["extra_vars"]) == expected.pop("variables")
        assert answer.body["url"] == f"/api/v2/jobs/{answer.body['job']}/"
    assert {key: answer.body[key] for key in expected} == expected


def test_every_case_has_a_name_of_its_own() -> None:
    assert len(CASES) == len(CONTRACT["cases"]) == 78
