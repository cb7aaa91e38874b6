# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judges what was found on the path from ACM to the hosts: what is well, and what to do about what is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.certificate import Certificate
from ansible_collections.certops.acm.plugins.module_utils.renewal_alarm import renewal_alarm

DOORS = {"awx_webhook": "gitlab", "awx_launch": "launch"}
SET_UP = "certops.acm.setup_eventbridge"
HEADERS = {"awx_webhook": "X-Gitlab-Token", "awx_launch": "Authorization"}

Found = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        text: what was seen when it is well, and else what to do.
    """

    name: str
    ok: bool
    text: str

    @property
    def line(self) -> str:
        return f"{'ok' if self.ok else 'MEND':<6}{self.name}: {self.text}"


def examine(found: Found) -> list[Check]:
    """Judge everything that was looked at.

    Args:
        found: ``door``, and what was looked at: ``awx`` (answers by name), ``path`` (acm_event_path),
            ``inventory`` (acm_inventory_info), ``certificates`` (results of acm_cert_info), ``trial`` (``event_id``,
            ``jobs`` of AWX, messages ``left`` in the queue and, when it could not be sent, ``msg``). What is not
            there was not looked at.
    """
    door, checks = found["door"], []
    if "awx" in found:
        checks += awx_checks(door, found["awx"])
    checks += path_checks(door, found["path"], _template(found.get("awx", {})).get("id"))
    checks.append(inventory_check(found["inventory"]))
    checks += certificate_checks(found["certificates"])
    if found.get("trial"):
        checks.append(trial_check(door, found["trial"]))
    return checks


def awx_checks(door: str, answers: Found) -> list[Check]:
    """AWX answers, and its template takes an event."""
    me = answers["me"]
    if me["status"] != 200:
        return [Check("AWX", False, _no_answer(me))]
    checks = [Check("AWX", True, "answers, and the token is valid")]
    template = _template(answers)
    if not template:
        return [*checks, Check("template", False, "there is no such template: run certops.acm.setup_awx")]
    checks.append(_launchable(template, answers["launch"]))
    checks.append(_variables_arrive(door, template, answers))
    schedules = _results(answers.get("schedules", {}))
    text = "the schedule repairs what events missed"
    if not schedules:
        text = "no schedule starts the template, a lost event stays lost: run certops.acm.setup_awx"
    return [*checks, Check("schedule", bool(schedules), text)]


def _launchable(template: Found, launch: Found) -> Check:
    name = "launch"
    if launch["status"] != 200:
        return Check(name, False, f"{_refused(launch)}: give the user of the token the role Execute on the template")
    missing = launch["json"]["variables_needed_to_start"]
    if missing:
        return Check(name, False, f"AWX asks for {', '.join(missing)}: no event answers a survey, switch it off")
    project = template["summary_fields"].get("project", {})
    if project.get("status") == "failed":
        return Check(name, False, f"the project {project['name']} could not be fetched: mend it, or its credential")
    return Check(name, True, f"{template['name']} can be launched")


def _variables_arrive(door: str, template: Found, answers: Found) -> Check:
    name = "variables"
    if door == "awx_webhook":
        if template["webhook_service"] != "gitlab":
            return Check(name, False, "the webhook of the template is not of type GitLab: run certops.acm.setup_awx")
        key = answers["webhook_key"]
        if key["status"] != 200:
            text = f"whether the webhook key is set cannot be seen, {_refused(key)}: use an administrator's token"
            return Check(name, False, text)
        if not key["json"]["webhook_key"]:
            return Check(name, False, "the webhook key is not set: rotate it in the template")
        return Check(name, True, "the event arrives as awx_webhook_payload")
    if template["ask_variables_on_launch"]:
        return Check(name, True, "the event arrives as acm_event")
    text = "ask_variables_on_launch is off, AWX would answer 201 and drop the event: switch on 'Prompt on launch'"
    return Check(name, False, f"{text} of the variables, or take the door awx_webhook")


def path_checks(door: str, path: Found, template: int | None) -> list[Check]:
    """The rule is enabled, and what it leads to works."""
    if "targets" not in path:
        return [Check("rule", False, str(path.get("msg")))]
    rule = path["rule"]
    if rule is None:
        return [Check("rule", False, f"there is no such rule here: run {SET_UP}, or set certops_event_rule")]
    if rule["state"] != "ENABLED":
        return [Check("rule", False, f"{rule['name']} is {rule['state'].lower()}: enable it")]
    checks = [Check("rule", True, f"{rule['name']} is enabled")]
    wanted = "queue" if door == "sqs" else "api_destination"
    targets = [target for target in path["targets"] if wanted in target]
    if not targets:
        return [*checks, Check("target", False, f"the rule does not lead to the door {door}: run {SET_UP}")]
    for target in targets:
        checks += _queue_checks(target) if door == "sqs" else _destination_checks(door, target, template)
        checks.append(_dead_letters(target["dead_letter_queue"]))
    return checks


def _destination_checks(door: str, target: Found, template: int | None) -> Iterable[Check]:
    destination, connection = target["api_destination"], target["connection"]
    endpoint, end = destination["endpoint"], f"/job_templates/{template}/{DOORS[door]}/"
    if destination["state"] != "ACTIVE":
        yield Check("API destination", False, f"{destination['name']} is {destination['state']}: mend its connection")
    elif template is not None and not endpoint.endswith(end):
        yield Check("API destination", False, f"it calls {endpoint}, not the template's door, which ends in {end}")
    else:
        yield Check("API destination", True, f"calls {endpoint}")
    wrapped = target["input_template"] is not None
    if wrapped != (door == "awx_launch"):
        text = "the event is wrapped, the webhook takes it bare" if wrapped else "the bare event has no extra_vars"
        yield Check("input", False, f"{text}: run {SET_UP} again")
    if connection["state"] != "AUTHORIZED":
        text = f"{connection['name']} is {connection['state']} ({connection['reason'] or 'no reason given'})"
        yield Check("connection", False, f"{text}: set its secret again")
    elif connection["header"] != HEADERS[door]:
        text = f"it sends the header {connection['header']}, the door wants {HEADERS[door]}"
        yield Check("connection", False, f"{text}: run {SET_UP} again")
    else:
        yield Check("connection", True, "authorised")


def _queue_checks(target: Found) -> Iterable[Check]:
    name, messages = target["queue"]["name"], target["queue"]["messages"]
    text = f"{name} is empty" if not messages else f"{messages} events wait in {name}: look whether the rulebook runs"
    yield Check("queue", not messages, text)


def _dead_letters(queue: Found | None) -> Check:
    if queue is None:
        return Check("dead letters", False, f"there is no dead-letter queue: run {SET_UP} again")
    if queue["messages"]:
        text = f"{queue['messages']} events in {queue['name']} were not delivered: run certops.acm.renew, then purge it"
        return Check("dead letters", False, text)
    return Check("dead letters", True, "none")


def inventory_check(inventory: Found) -> Check:
    """The inventory can be read."""
    if "targets" not in inventory:
        return Check("inventory", False, str(inventory.get("msg")))
    problems = inventory.get("problems") or []
    if problems:
        return Check("inventory", False, f"{problems[0]['msg']} ({len(problems)} in all, see certops.acm.report)")
    targets, deployments = len(inventory["targets"]), len(inventory["deployments"])
    return Check("inventory", True, f"{targets} targets, {deployments} deployments")


def certificate_checks(results: Sequence[Found]) -> list[Check]:
    """ACM holds the certificates of the targets, and will renew them."""
    checks, well = [], 0
    for result in results:
        if "certificates" not in result:
            checks.append(Check("certificate", False, str(result.get("msg"))))
            continue
        checks += [Check(arn, False, "ACM holds it no more: remove its target") for arn in result.get("missing", ())]
        for certificate in result["certificates"]:
            wrong = _wrong_with(certificate)
            well += not wrong
            if wrong:
                checks.append(Check(f"{certificate['domain_name']} ({certificate['certificate_arn']})", False, wrong))
    return [*checks, Check("certificates", True, f"ACM is going to renew {well}")]


def _wrong_with(certificate: Found) -> str:
    if certificate["status"] != "ISSUED":
        return f"it is {certificate['status']}: request a new one, and deploy it"
    # Whether it was exported is asked below: here nobody knows what the inventory records.
    if alarm := renewal_alarm(Certificate.from_result(certificate), exported=False):
        return alarm
    if certificate["renewal_eligibility"] == "INELIGIBLE":
        return "ACM is not going to renew it, as nobody exported it since it was issued: run certops.acm.renew"
    return ""


def trial_check(door: str, trial: Found) -> Check:
    """The test event came through."""
    name, event = "test event", trial["event_id"]
    if not event:
        return Check(name, False, f"it could not be sent: {trial.get('msg')}")
    if door == "sqs":
        if int(trial["left"]):
            text = f"{event} waits in the queue: start the rulebook, or look in its log why its run fails"
            return Check(name, False, f"{text} (docs/sqs.md)")
        return Check(name, True, f"{event} was taken from the queue, and its run ended well")
    jobs = [job["id"] for job in trial["jobs"] if event in job["extra_vars"]]
    if jobs:
        return Check(name, True, f"{event} arrived as job {jobs[0]}")
    text = f"{event} did not arrive: see the metrics of the rule, and the dead-letter queue"
    return Check(name, False, f"{text} (docs/awx.md)")


def _template(answers: Found) -> Found:
    found = _results(answers.get("templates", {}))
    return found[0] if len(found) == 1 else {}


def _results(answer: Found) -> list[Found]:
    return list(answer["json"]["results"]) if answer.get("status") == 200 else []


def _no_answer(answer: Found) -> str:
    if answer["status"] == 401:
        return "the token is not valid: make a new one, and set CONTROLLER_OAUTH_TOKEN"
    if answer["status"] > 0:
        return f"{_refused(answer)}: see AWX's log"
    return f"{answer.get('msg')}: check CONTROLLER_HOST, and whether AWX runs"


def _refused(answer: Found) -> str:
    return f"AWX answered {answer['status']}"
