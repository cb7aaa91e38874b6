# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-rulebook with one of the shipped rulebooks, against a queue of the stand-in."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from lab import Lab

from awx import Awx

SECONDS = 120.0


class Queue:
    """The queue that EventBridge would write to, with its dead-letter queue."""

    def __init__(self, lab: Lab, *, max_receive_count: int = 3) -> None:
        self._sqs = lab.aws.client("sqs")
        # Of its own: what another test left in its queue is none of ours.
        name = f"events-{uuid.uuid4()}"
        self.dead_url = self._sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self.dead_url, AttributeNames=["QueueArn"])["Attributes"]
        redrive = {"deadLetterTargetArn": attributes["QueueArn"], "maxReceiveCount": max_receive_count}
        self.url = self._sqs.create_queue(
            QueueName=name, Attributes={"RedrivePolicy": json.dumps(redrive)}
        )["QueueUrl"]  # fmt: skip

    def send(self, body: Any) -> None:
        self._sqs.send_message(QueueUrl=self.url, MessageBody=body if isinstance(body, str) else json.dumps(body))

    def messages(self) -> int:
        """Messages in the queue, those in flight included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def dead(self) -> int:
        names = ["ApproximateNumberOfMessages"]
        found = self._sqs.get_queue_attributes(QueueUrl=self.dead_url, AttributeNames=names)["Attributes"]
        return int(found[names[0]])


class Rulebook:
    """Runs inside a ``with`` block; what it prints is in ``output``."""

    def __init__(
        self, lab: Lab, queue: Queue, directory: Path, *, visibility_timeout: int = 3600, awx: Awx | None = None
    ) -> None:
        """With ``awx`` the rulebook is the one whose work is a job of it."""
        self._log = directory / "rulebook.log"
        variables = directory / "variables.json"
        variables.write_text(
            json.dumps(
                {
                    "queue_url": queue.url,
                    "queue_region": lab.aws.env["AWS_REGION"],
                    "queue_visibility_timeout": visibility_timeout,
                }
            )
        )
        inventory = directory / "inventory"  # ansible-rulebook takes one, so several files are a directory
        inventory.mkdir(exist_ok=True)
        for path in lab.inventories:
            shutil.copy(path, inventory)
        program = Path(sys.executable).with_name("ansible-rulebook")
        name = "certops.acm.renew_awx" if awx else "certops.acm.renew"
        self._command = [str(program), "--rulebook", name, "--vars", str(variables), "--inventory", str(inventory)]
        if awx:
            self._command += ["--controller-url", f"{awx.url}/", "--controller-token", awx.token]
        bin_directory = str(Path(sys.executable).parent)
        path = bin_directory + os.pathsep + os.environ["PATH"]
        self._mark = f"RULEBOOK_OF_TEST={uuid.uuid4()}"
        name, _equals, value = self._mark.partition("=")
        self._environment = {**lab.full_environment, "PATH": path, "TMPDIR": str(directory), name: value}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Rulebook:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """End it and the playbooks it started, at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            for pid in self._marked():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _marked(self) -> list[int]:
        """Its playbooks have a session of their own; they are known by what they inherited."""
        found = []
        for directory in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self._mark.encode() in (directory / "environ").read_bytes():
                    found.append(int(directory.name))
        return found

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def until(self, reached: Callable[[], bool], what: str) -> float:
        """Wait for something; return the seconds it took.

        :raises AssertionError: it did not come, or the rulebook ended.
        """
        started = time.monotonic()
        while not reached():
            assert self._process is None or self._process.poll() is None, self.output
            assert time.monotonic() - started < SECONDS, f"{what} did not come:\n{self.output}"
            time.sleep(0.2)
        return time.monotonic() - started
