# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: queued, run one after another or together, read and cancelled."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .injection import injected
from .launch import Launch
from .records import Record, Records

ENDED = ("successful", "failed", "error", "canceled")
AT_ONCE = 4
"""Jobs that run together: what AWX calls capacity."""


@dataclass
class Job:
    """A job and what only AWX's inside knows of it.

    Attributes:
        record: as the API shows it; ``record["id"]`` is its number.
        template: the template at the time of the launch.
        variables: all extra variables the playbook is given, passwords included.
        environment: what the credentials of the template add to it.
        output: what the playbook printed.
        process: the playbook while it runs.
    """

    record: Record
    template: Mapping[str, Any]
    variables: Mapping[str, Any] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    output: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def id(self) -> int:
        return int(self.record["id"])

    @property
    def status(self) -> str:
        return str(self.record["status"])

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the playbook and all it started; nothing happens when it does not run."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, number)


@dataclass(frozen=True)
class Outcome:
    """How a job ended; ``artifacts`` is what the playbook handed over with set_stats."""

    successful: bool = True
    artifacts: Mapping[str, Any] = field(default_factory=dict)


Command = Callable[[Job], Outcome]


def record_only(job: Job) -> Outcome:
    """The job of fast tests: nothing runs, ``job.variables`` tells what a playbook would have got."""
    return Outcome()


class Jobs:
    """The queue. Each job that runs has a thread of its own."""

    def __init__(self, records: Records, command: Command, at_once: int = AT_ONCE) -> None:
        self._records = records
        self._command = command
        self._at_once = at_once
        self._changed = threading.Condition()
        self._stopped = False
        self.all: list[Job] = []

    def submit(self, template: Record, launch: Launch, launch_type: str, user: str = "", **facts: Any) -> Job:
        """Queue a job; it does not start before :meth:`start_next` is called."""
        same = ("name", "inventory", "project", "playbook", "limit", "allow_simultaneous", "webhook_service")
        fields = {**{name: template[name] for name in same}, **launch.fields, **facts, "extra_vars": launch.shown}
        fields |= {"job_template": template["id"], "launch_type": launch_type, "status": "pending", "created": _now()}
        environment, more = injected(self._records, template["id"])
        record = self._records.create("jobs", fields)
        variables = {**_own_variables(self._records, record, template, user), **more, **launch.variables}
        job = Job(record, dict(template), variables, environment)
        with self._changed:
            self.all.append(job)
        return job

    def start_next(self) -> None:
        """Start what may run now, in the order of arrival."""
        with self._changed:
            running = [job for job in self.all if job.status == "running"]
            busy = {job.template["id"] for job in running}
            free = self._at_once - len(running)
            for job in [job for job in self.all if job.status == "pending"]:
                waits = not job.template["allow_simultaneous"] and job.template["id"] in busy
                if free > 0 and not waits and not self._stopped:
                    free -= 1
                    busy.add(job.template["id"])
                    job.record.update(status="running", started=_now())
                    threading.Thread(target=self._run, args=(job,), daemon=True).start()

    def wait(self, timeout: float = 300) -> list[Job]:
        """All jobs, when none is queued or running any more.

        Raises:
            TimeoutError: some still are.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: all(job.status in ENDED for job in self.all), timeout):
                left = {job.id: job.status for job in self.all if job.status not in ENDED}
                raise TimeoutError(f"jobs did not end in {timeout} s: {left}")
            return list(self.all)

    def get(self, number: int) -> Job:
        with self._changed:
            return next(job for job in self.all if job.id == number)

    def cancel(self, job: Job) -> None:
        """End a job, also one that waits."""
        with self._changed:
            if job.status not in ENDED:
                job.record.update(status="canceled", failed=True, finished=_now(), event_processing_finished=True)
                job.kill()
            self._changed.notify_all()

    def stop(self) -> None:
        """Cancel all jobs, and start no other."""
        with self._changed:
            self._stopped = True
        for job in list(self.all):
            self.cancel(job)

    def _run(self, job: Job) -> None:
        started = time.monotonic()
        try:
            outcome, status = self._command(job), ""
        except Exception as problem:  # a job that could not be run must not stop the queue
            outcome, status = Outcome(False), "error"
            job.record["job_explanation"] = f"{type(problem).__name__}: {problem}"
        with self._changed:
            if job.status not in ENDED:
                job.record.update(
                    status=status or ("successful" if outcome.successful else "failed"),
                    failed=not outcome.successful,
                    artifacts=dict(outcome.artifacts),
                    finished=_now(),
                    elapsed=round(time.monotonic() - started, 3),
                    event_processing_finished=True,
                )
            self._changed.notify_all()
        self.start_next()


def _own_variables(records: Records, job: Record, template: Record, user: str) -> dict[str, Any]:
    """Variables AWX adds to every job, under its name and its old one."""
    project = records.get("projects", template["project"])
    facts = {
        "job_id": job["id"],
        "job_launch_type": job["launch_type"],
        "job_template_id": template["id"],
        "job_template_name": template["name"],
        "project_revision": project["scm_revision"],
        "project_scm_branch": project["scm_branch"],
        "inventory_id": template["inventory"],
        **({"user_name": user} if user else {}),
    }
    return {f"{name}_{fact}": value for name in ("awx", "tower") for fact, value in facts.items()}


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
