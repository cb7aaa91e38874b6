# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts, stops and drives a stand-in. Standard library only, except :meth:`Standin.client`."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "eu-west-1"

_TESTS = Path(__file__).resolve().parents[1]
_START_TIMEOUT = 30.0
_MAKING = threading.Lock()  # a session makes one client at a time


class StandinError(Exception):
    """The stand-in did not start, or refused a control call; the text says why."""


class Standin:
    """One stand-in: ``with Standin() as aws: ...``, or ``Standin(url=...)`` for one that runs already.

    ``url`` is where AWS's API is; ``env`` what a process needs to take it for AWS.
    """

    def __init__(self, url: str = "", *, python: str = "", port: int = 0, log: str = "", outlive: bool = False) -> None:
        """``python`` is an interpreter that has moto (default: STANDIN_PYTHON or this one).

        ``outlive``: it goes on when this process ends, and whoever wants ends it by its ``pid``.
        """
        self.url = url
        self._python = python or os.environ.get("STANDIN_PYTHON") or sys.executable
        self._port = port
        self._log = log
        self._outlive = outlive
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Standin:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Standin:
        """Start it on 127.0.0.1 and wait until it answers."""
        with tempfile.TemporaryDirectory(prefix="standin-") as folder:
            ready = Path(folder) / "ready.json"
            command = [self._python, "-m", "standin", "--port", str(self._port), "--ready-file", str(ready)]
            log = open(self._log, "ab") if self._log else tempfile.TemporaryFile()  # noqa: SIM115
            if not self._outlive:
                command.append("--exit-with-parent")
            with log:
                self._process = subprocess.Popen(
                    command,
                    env=_server_env(),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=self._outlive,
                )
                self.url = self._wait_for(ready, log)
        return self

    @property
    def pid(self) -> int:
        """Process that ``start`` made; 0 if there is none."""
        return self._process.pid if self._process else 0

    def stop(self) -> None:
        """End the process that ``start`` made; nothing happens if there is none."""
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    @property
    def env(self) -> dict[str, str]:
        return self.env_for(DEFAULT_ACCOUNT)

    def env_for(self, account: str, region: str = DEFAULT_REGION) -> dict[str, str]:
        """Environment of a process that works in ``account``. Long fakes: a short one would be masked everywhere."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": f"AKIA{account}STND",
            "AWS_SECRET_ACCESS_KEY": f"standin-not-a-secret-{account}-0123456789abcdef",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def client(
        self, service: str, *, account: str = DEFAULT_ACCOUNT, region: str = DEFAULT_REGION, **options: Any
    ) -> Any:
        """A boto3 client of this stand-in; ``options`` go to boto3."""
        env = self.env_for(account, region)
        with _MAKING:
            return _session().client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
                **options,
            )

    # Control; what each call does is told in control.py

    def control(self, name: str, **arguments: Any) -> Any:
        """Any control call by name; raises :class:`StandinError` with the stand-in's reason."""
        body = json.dumps(arguments).encode()
        request = urllib.request.Request(f"{self.url}/_standin/{name}", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as problem:
            raise StandinError(json.load(problem)["error"]) from None
        except OSError as problem:
            raise StandinError(f"no stand-in answers at {self.url}: {problem}") from problem

    def reset(self) -> None:
        self.control("reset")

    def root_pem(self) -> str:
        return str(self.control("root"))

    def options(self, **values: Any) -> dict[str, Any]:
        return dict(self.control("options", **values))

    def request(self, domain: str, **details: Any) -> str:
        """An issued, exportable certificate; its ARN. See ``Control.request`` for what can be told."""
        return str(self.control("request", domain=domain, **details))

    def seed(self, count: int, **details: Any) -> list[str]:
        return list(self.control("seed", count=count, **details))

    def issue(self, arn: str, **validity: Any) -> dict[str, Any]:
        """``validity``: ``not_before``, ``not_after`` (ISO), or ``days_left``, or ``lifetime_days``."""
        return dict(self.control("issue", arn=arn, **validity))

    def renew(self, arn: str, **details: Any) -> dict[str, Any]:
        """Managed renewal: validity as for ``issue``, ``force``, ``stale_calls``, ``stale_seconds``."""
        return dict(self.control("renew", arn=arn, **details))

    def expire(self, arn: str, days_ago: float = 1) -> dict[str, Any]:
        return dict(self.control("expire", arn=arn, days_ago=days_ago))

    def update(self, arn: str, **attributes: Any) -> dict[str, Any]:
        return dict(self.control("update", arn=arn, **attributes))

    def certificate(self, arn: str, *, key: bool = False) -> dict[str, Any]:
        return dict(self.control("certificate", arn=arn, key=key))

    def counts(self) -> dict[str, int]:
        return dict(self.control("counts"))

    def calls(self) -> list[dict[str, Any]]:
        return list(self.control("calls"))

    def reset_counts(self) -> None:
        self.control("reset_counts")

    def events(self) -> list[dict[str, Any]]:
        return list(self.control("events"))

    def deny(self, action: str, **rule: Any) -> None:
        """Refuse an action (may hold ``*``); ``account``, ``region``, ``resource``, ``times`` narrow it down."""
        self.control("fault", action=action, code="deny", **rule)

    def throttle(self, action: str, times: int, **rule: Any) -> None:
        """Throttle the next ``times`` calls of an action."""
        self.control("fault", action=action, code="throttle", times=times, **rule)

    def fault(self, action: str, code: str, **rule: Any) -> None:
        """Any error; with ``lose_answer=True`` only after the call has taken effect."""
        self.control("fault", action=action, code=code, **rule)

    def latency(self, action: str, milliseconds: float) -> None:
        self.control("latency", action=action, milliseconds=milliseconds)

    def clear_faults(self) -> None:
        self.control("clear_faults")

    def tamper(self, arn: str, kind: str, times: int | None = None) -> None:
        self.control("tamper", arn=arn, kind=kind, times=times)

    def _wait_for(self, ready: Path, log: Any) -> str:
        assert self._process
        end = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < end and self._process.poll() is None:
            if ready.exists():
                return str(json.loads(ready.read_text(encoding="utf-8"))["url"])
            time.sleep(0.02)
        self.stop()
        log.seek(0)
        raise StandinError(f"the stand-in did not start with {self._python}: {_last_line(log)}")


@functools.cache
def _session() -> Any:
    """The boto3 session of this process: each reads a description of all of AWS, which takes longer than a client."""
    import boto3

    return boto3.session.Session()


def _last_line(log: Any) -> str:
    lines = log.read().decode("utf-8", "replace").strip().splitlines() if log.readable() else []
    return lines[-1] if lines else "see its log"


def _server_env() -> dict[str, str]:
    """The surroundings, without what would lead botocore or moto astray."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}
    path = os.pathsep.join(filter(None, [str(_TESTS), os.environ.get("PYTHONPATH", "")]))
    return {**kept, "PYTHONPATH": path, "AWS_EC2_METADATA_DISABLED": "true"}
