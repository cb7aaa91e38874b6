# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happened to each item of a plan, and how a person is told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.absent_hosts import GONE, is_outdated, some
from ansible_collections.certops.acm.plugins.module_utils.deployment import SERVED, Deployment, next_record

STOPPING = ("failed", "rolled_back")
WAITING = "waiting"
WOULD_CHANGE = "would change"

_HEXADECIMAL = re.compile(r"[0-9a-f]{1,64}")
_SAID = {
    "fingerprint": _HEXADECIMAL,
    "serial": _HEXADECIMAL,
    "served_fingerprint": _HEXADECIMAL,
    "not_after": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII),
}


def make_attempt(item: Mapping[str, Any], result: Mapping[str, Any], desired: Mapping[str, Any]) -> dict[str, Any]:
    """Read the result of one host's transaction.

    Args:
        item: the item of the plan; with the state ``rolled_back`` the result says what the host went back to.
        result: what the task returned, also of a host that was not reached.
        desired: serial, fingerprint and not_after of the certificate that was to be installed.
    """
    attempt = {key: item[key] for key in ("certificate_arn", "certificate_name", "host", "account", "service")}
    attempt["desired_serial"] = desired.get("serial")
    attempt["desired_fingerprint"] = desired.get("fingerprint")
    attempt["options_digest"] = item["options_digest"]
    attempt["wave"] = item["wave"]
    attempt["changed"] = bool(result.get("changed"))
    # A role of many tasks notices by itself that the host went away, and fails with that status.
    if result.get("unreachable") or (result.get("failed") and result.get("status") == "unreachable"):
        return {**attempt, "status": "unreachable", "error": _text(result.get("msg"))}
    if result.get("failed"):
        status = result.get("status")
        return {
            **attempt,
            "status": status if status in STOPPING else "failed",
            "served_fingerprint": _said(result, "served_fingerprint"),
            "error": _text(result.get("msg")),
        }
    if result.get("status") not in SERVED:
        return {**attempt, "status": "failed", "error": "the host returned no valid result: look at its Python"}
    done = {key: (desired.get(key) if desired else _said(result, key)) for key in _SAID if key != "served_fingerprint"}
    return {
        **attempt,
        **done,
        "held_serial": item.get("held_serial"),
        "status": result["status"],
        "error": None,
    }


def _said(result: Mapping[str, Any], name: str) -> str | None:
    """Return what a host says, if it can be meant: root of a host may answer anything."""
    value = result.get(name)
    return str(value) if isinstance(value, str) and _SAID[name].fullmatch(value) else None


def _text(message: Any) -> str:
    return " ".join(str(message or "no reason was given").split())[:1000]


def stopped_rollouts(attempts: Iterable[Mapping[str, Any]]) -> set[str]:
    """ARNs of the certificates that a host could not take: their next wave does not start.

    A host that was not reached does not stop a rollout: it says nothing about the certificate, and a
    host that is down for good must not keep the others from renewing.
    """
    return {attempt["certificate_arn"] for attempt in attempts if attempt["status"] in STOPPING}


def wave_items(
    plan: Mapping[str, Any],
    wave: int,
    attempts: Sequence[Mapping[str, Any]],
    ready: Iterable[str],
    *,
    batch: Iterable[str] | None = None,
) -> list[dict[str, Any]]:
    """The items of a wave whose rollout is ``ready`` (exported) and has not been stopped by an earlier wave.

    A certificate that no host has proven yet goes to one host of the batch, the others are left to the next run: so
    a first host that is down neither lets an unproven certificate out to many nor keeps it from all. The first batch
    of the first wave is as large as was asked for. A certificate that a host goes back to was proven there before.

    Args:
        batch: names of the hosts that are about to work side by side; all of the wave when None.
    """
    wanted = set(ready) - stopped_rollouts(attempts)
    names = None if batch is None else set(batch)
    items = [
        item
        for rollout in plan["rollouts"]
        for item in rollout["installations"]
        if item["wave"] == wave and item["certificate_arn"] in wanted and (names is None or item["host"] in names)
    ]
    proven = {attempt["certificate_arn"] for attempt in attempts if attempt["status"] in SERVED}
    tried = {attempt["certificate_arn"] for attempt in attempts}
    first: dict[str, str] = {}
    for item in items:
        first.setdefault(item["certificate_arn"], item["host"])
    return [
        item
        for item in items
        if item["certificate_arn"] in proven
        or item["state"] == "rolled_back"
        or (wave == 1 and item["certificate_arn"] not in tried)
        or item["host"] == first[item["certificate_arn"]]
    ]


def summarize(
    plan: Mapping[str, Any],
    attempts: Sequence[Mapping[str, Any]],
    known: Iterable[Mapping[str, Any]],
    problems: Sequence[str] = (),
    *,
    check_mode: bool = False,
) -> dict[str, Any]:
    """One row for each host and certificate of the plan, one line for people, and what went wrong.

    Args:
        known: the deployments that were recorded before the run.
        check_mode: nothing was done: a host that would have changed is not called verified.

    Returns:
        ``rows`` (dictionaries), ``lines`` (text), ``failures`` (text; empty when all went well), ``changed`` (number
        of hosts whose certificate changed) and ``statuses`` (number of rows by status).
    """
    before = {_key(record): record for record in known}
    done = {_key(attempt): attempt for attempt in attempts}
    rows = [
        _row(item, done.get(_key(item)), before.get(_key(item)), check_mode=check_mode)
        for rollout in plan["rollouts"]
        for item in rollout["installations"]
    ]
    return {
        "rows": rows,
        "lines": _changes(rows),
        # A lease that cannot be read is found by who reads the table and by who wants the lease.
        "failures": [*dict.fromkeys(problems), *_failures(rows)],
        "changed": sum(bool(attempt["changed"]) for attempt in attempts),
        "statuses": dict(Counter(row["status"] for row in rows)),
    }


def _key(record: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(record[name]) for name in ("certificate_arn", "host", "service", "certificate_name"))


def _row(
    item: Mapping[str, Any],
    attempt: Mapping[str, Any] | None,
    before: Mapping[str, Any] | None,
    *,
    check_mode: bool,
) -> dict[str, Any]:
    row = {key: item[key] for key in ("host", "service", "certificate_name", "certificate_arn")}
    known = Deployment.from_result(before) if before else None
    row["old_fingerprint"] = known.fingerprint if known else None
    if attempt is None:
        expiry = known.not_after if known else None
        return {**row, "status": WAITING, "new_fingerprint": None, "not_after": expiry, "error": None}
    would_change = check_mode and attempt["changed"] and attempt["status"] in SERVED
    return {
        **row,
        "status": WOULD_CHANGE if would_change else attempt["status"],
        "new_fingerprint": attempt.get("fingerprint"),
        # Of what the host serves now, whatever became of the attempt.
        "not_after": known.not_after if known and would_change else next_record(known, attempt).not_after,
        "error": attempt.get("error"),
    }


def _failures(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    failed = [
        f"{row['host']} ({row['certificate_name']}): {row['status']}: {row['error']}"
        for row in rows
        if row["status"] not in (*SERVED, WAITING, WOULD_CHANGE)
    ]
    waiting = list(dict.fromkeys(row["host"] for row in rows if row["status"] == WAITING))
    if waiting:
        failed.append(f"not touched, and left to the next run: {', '.join(waiting)}")
    return failed


def _changes(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    headings = ("HOST", "SERVICE", "CERTIFICATE", "STATUS", "OLD", "NEW", "EXPIRES")
    return _table(
        headings,
        (
            (
                *(row[key] for key in ("host", "service", "certificate_name", "status")),
                *(_start(row[key], 16) for key in ("old_fingerprint", "new_fingerprint")),
                _start(row["not_after"], 10),
            )
            for row in rows
        ),
    )


def lay_out(
    deployments: Iterable[Mapping[str, Any]], certificates: Iterable[Mapping[str, Any]] | None = None
) -> list[str]:
    """Recorded deployments as a table for people, sorted by certificate and host.

    Args:
        certificates: what ACM holds. A host that serves another serial is marked as outdated: its status only says
            how the last attempt ended, which may have been before ACM renewed.
    """
    serials = _serials(certificates or ())
    headings = ("CERTIFICATE", "HOST", "SERVICE", "STATUS", "FINGERPRINT", "EXPIRES", "CHECKED", "ERROR")
    keys = ("certificate_name", "host", "service", "status")
    return _table(
        headings,
        (
            (
                *(record[key] for key in keys[:-1]),
                record["status"] + _mark(record, serials),
                _start(record["fingerprint"], 16),
                _start(record["not_after"], 10),
                record["at"] or "-",
                _start(record["error"], 60),
            )
            for record in sorted(deployments, key=lambda record: [record[key] for key in keys])
        ),
    )


def _serials(certificates: Iterable[Mapping[str, Any]]) -> dict[str, str | None]:
    return {one["certificate_arn"]: one["serial"] for one in certificates}


def _mark(record: Mapping[str, Any], serials: Mapping[str, str | None]) -> str:
    if _outdated(record, serials):
        return " (outdated)"
    return " (held)" if record.get("held_serial") else ""


def _outdated(record: Mapping[str, Any], serials: Mapping[str, str | None]) -> bool:
    arn = record["certificate_arn"]
    return arn in serials and is_outdated(Deployment.from_result(record), serials[arn])


def outdated(deployments: Iterable[Mapping[str, Any]], certificates: Iterable[Mapping[str, Any]]) -> list[str]:
    """Say for each certificate which hosts do not serve what ACM holds, and what to do."""
    serials = _serials(certificates)
    hosts: dict[tuple[str, str], set[str]] = {}
    for record in deployments:
        if _outdated(record, serials):
            hosts.setdefault((record["certificate_name"], record["certificate_arn"]), set()).add(record["host"])
    return [
        f"{name} ({arn}) is outdated on {some(sorted(found))}: run certops.acm.renew with the host up and in the host "
        f"inventory, or {GONE} or whose target was removed"
        for (name, arn), found in sorted(hosts.items())
    ]


def _start(text: str | None, length: int) -> str:
    return (text or "-")[:length]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [headings, *rows]
    widths = [max(len(text) for text in column) for column in zip(*lines)]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in lines]
