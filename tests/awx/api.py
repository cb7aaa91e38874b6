# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX's API: which answer a request gets."""

from __future__ import annotations

import re
from typing import Any

from . import launch, rules, survey, webhook
from .answers import Answer, Refusal, Request, forbidden, not_allowed, not_found
from .fields import LINKS
from .jobs import Job, Jobs
from .records import Record, Records
from .users import User, Users

_OBJECT = re.compile(r"/api/v2/([a-z_]+)/(?:([^/]+)/(?:([a-z_]+)/)?)?")
PAGE = "\n<!DOCTYPE html>\n<html>\n  <head><title>AWX REST API</title></head>\n  <body>{}</body>\n</html>\n"


class Api:
    """Answers requests; ``launched`` jobs are queued, the caller starts them after the answer."""

    def __init__(self, records: Records, users: Users, jobs: Jobs) -> None:
        self._records = records
        self._users = users
        self._jobs = jobs

    def answer(self, request: Request) -> Answer:
        try:
            return self._route(request)
        except Refusal as refusal:
            return refusal.answer

    def _route(self, request: Request) -> Answer:
        if request.path == "/api/o/token/":
            return self._users.oauth(request)
        if request.path == "/api/v2/ping/":
            return Answer(200, {"version": "24.6.1", "ha": False, "active_node": "standin"})
        match = _OBJECT.fullmatch(request.path)
        table, key, name = match.groups() if match else (None, None, None)
        if table == "job_templates" and name in webhook.SERVICES and request.method == "POST":
            return self._webhook(str(key), str(name), request)
        user = self._users.ask(request)
        if request.path in ("/api/", "/api/v2/"):
            return Answer(200, {"current_version": "/api/v2/", "description": "AWX REST API"})
        if table == "me":
            return Answer(200, {"count": 1, "results": [{"username": user.name, "is_superuser": user.administrator}]})
        if table == "config":
            return Answer(200, {"version": "24.6.1", "time_zone": "UTC"})
        if table == "tokens":
            return self._tokens(key, user, request)
        if table == "unified_job_templates" and key is None:
            return Answer(200, self._records.page(table, request.query))
        if table is None or not self._records.knows(table):
            raise not_found()
        if key is None:
            return self._table(table, user, request)
        record = self._records.get(table, key)
        if name is None:
            return self._object(table, record, user, request)
        return self._part(table, record, name, user, request)

    def _table(self, table: str, user: User, request: Request) -> Answer:
        if request.method == "GET":
            return Answer(200, self._records.page(table, request.query))
        _only(request, "POST")
        _must_administer(user)
        with self._records.lock:
            record = self._records.create(table, request.json())
            try:
                rules.saved(self._records, table, record, {})
            except Refusal:
                self._records.delete(table, record)
                raise
        return Answer(201, self._with_update(table, record))

    def _object(self, table: str, record: Record, user: User, request: Request) -> Answer:
        if request.method == "GET":
            return Answer(200, self._records.shown(table, record))
        _must_administer(user)
        if request.method == "DELETE":
            self._records.delete(table, record)
            return Answer(204)
        _only(request, "PATCH")
        with self._records.lock:
            before = dict(record)
            self._records.change(table, record, request.json())
            try:
                rules.saved(self._records, table, record, before)
            except Refusal:
                record.update(before)
                raise
        return Answer(200, self._records.shown(table, record))

    def _part(self, table: str, record: Record, name: str, user: User, request: Request) -> Answer:
        if table == "job_templates" and name == "launch":
            return self._launch(record, user, request)
        if table == "job_templates" and name == "survey_spec":
            return self._survey(record, user, request)
        if table == "job_templates" and name == "webhook_key" and request.method == "GET":
            _must_administer(user)
            return Answer(200, {"webhook_key": record["webhook_key"]})
        if table == "job_templates" and name == "jobs":
            return Answer(200, self._records.page("jobs", {**request.query, "job_template": str(record["id"])}))
        if table == "jobs" and name == "stdout":
            return self._output(self._jobs.get(record["id"]), request)
        if table == "jobs" and name == "cancel" and request.method == "POST":
            self._jobs.cancel(self._jobs.get(record["id"]))
            return Answer(202)
        if table == "projects" and name == "update" and request.method == "POST":
            _must_administer(user)
            return Answer(202, {"id": rules.fetch(self._records, record)["id"]})
        if name not in LINKS:
            raise not_found()
        if request.method == "GET":
            rows = [self._records.shown(LINKS[name], row) for row in self._records.links(table, record["id"], name)]
            return Answer(200, {"count": len(rows), "next": None, "previous": None, "results": rows})
        _only(request, "POST")
        _must_administer(user)
        self._records.link(table, record["id"], name, request.json())
        return Answer(204)

    def _launch(self, template: Record, user: User, request: Request) -> Answer:
        if not (user.administrator or user.launches):
            raise forbidden()
        if request.method == "GET":
            return Answer(200, launch.needs(template))
        _only(request, "POST")
        accepted = launch.accept(template, request.json())
        project = self._records.get("projects", template["project"])
        if project["scm_type"] and not project["scm_revision"]:
            raise Refusal(400, {"playbook": ["Missing a revision to run due to failed project update."]})
        job = self._jobs.submit(template, accepted, "manual", user.name)
        shown = self._records.shown("jobs", job.record)
        if "text/html" in request.headers.get("accept", ""):
            return Answer(201, PAGE.format("Job Template Launch"), "text/html; charset=utf-8")
        return Answer(201, {"job": job.id, "ignored_fields": dict(accepted.ignored), **shown})

    def _webhook(self, key: str, service: str, request: Request) -> Answer:
        found = self._records.where("job_templates", id=int(key)) if key.isdigit() else []
        if not found:
            raise forbidden()
        template = found[0]
        webhook.check(template, service, request)
        with self._records.lock:
            guid = webhook.guid(service, request)
            if self._records.where("jobs", job_template=template["id"], webhook_guid=guid):
                return Answer(202, {"message": "Webhook previously received, aborting."})
            accepted = launch.unasked(template, webhook.variables(service, request))
            self._jobs.submit(template, accepted, "webhook", webhook_guid=guid)
        return Answer(202, {"message": "Job queued."})

    def _survey(self, template: Record, user: User, request: Request) -> Answer:
        if request.method == "GET":
            return Answer(200, template["survey_spec"])
        _must_administer(user)
        spec: dict[str, Any] = {} if request.method == "DELETE" else request.json()
        if spec:
            survey.check_spec(spec)
        template["survey_spec"] = spec
        return Answer(200)

    def _tokens(self, key: str | None, user: User, request: Request) -> Answer:
        if key is not None:
            _only(request, "DELETE")
            self._users.revoke(int(key))
            return Answer(204)
        _only(request, "POST")
        token = self._users.token(user, request.json().get("scope", "write"))
        return Answer(201, {"id": token.id, "type": "o_auth2_access_token", "token": token.value, "scope": token.scope})

    def _output(self, job: Job, request: Request) -> Answer:
        if request.query.get("format", "html").startswith("txt"):
            return Answer(200, job.output, "text/plain; charset=utf-8")
        return Answer(200, {"range": {"start": 0}, "content": job.output})

    def _with_update(self, table: str, record: Record) -> dict[str, Any]:
        """A new object; a project tells of the update that it started."""
        shown = self._records.shown(table, record)
        for update in self._records.where("project_updates", project=record["id"]) if table == "projects" else ():
            shown["summary_fields"]["current_update"] = {"id": update["id"], "status": "pending"}
        return shown


def _only(request: Request, method: str) -> None:
    if request.method != method:
        raise not_allowed(request.method)


def _must_administer(user: User) -> None:
    if not user.administrator:
        raise forbidden()
