# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory holds, and the changes to it: targets, deployments, exports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from ansible_collections.certops.acm.plugins.module_utils import dynamodb, fenced_write, item_fields, lease
from ansible_collections.certops.acm.plugins.module_utils.certificate import (
    CertificateArn,
    iso_utc,
    normalize_serial,
    parse_iso,
)
from ansible_collections.certops.acm.plugins.module_utils.deployment import SORT_KEY as DEPLOYMENT
from ansible_collections.certops.acm.plugins.module_utils.deployment import Deployment, next_record
from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError, PlanError
from ansible_collections.certops.acm.plugins.module_utils.record_problem import RecordProblem
from ansible_collections.certops.acm.plugins.module_utils.target import SIGNATURE, Target
from ansible_collections.certops.acm.plugins.module_utils.target import SORT_KEY as TARGET

if TYPE_CHECKING:
    from ansible_collections.certops.acm.plugins.module_utils.target_signature import TargetSigner

EXPORT = "export"


CheckTarget = Callable[[Mapping[str, Any], Target], None]


@dataclass(frozen=True)
class Records:
    """Items of the table, sorted by kind. Expired leases count as absent.

    Attributes:
        problems: items that cannot be read. They count as absent, and keep no other from being used.
    """

    targets: list[Target] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    leases: list[lease.Lease] = field(default_factory=list)
    exports: list[dict[str, Any]] = field(default_factory=list)
    problems: list[RecordProblem] = field(default_factory=list)

    @classmethod
    def from_items(
        cls, items: Iterable[Mapping[str, Any]], now: float, check_target: CheckTarget | None = None
    ) -> Records:
        """Sort items by kind; ``now`` is seconds since 1970. Nothing that an item holds raises an error.

        Args:
            check_target: raises PlanError for an item whose target must not be used, such as one without a signature.
        """
        records = cls()
        for item in items:
            try:
                records._add(item, now, check_target)
            except AcmError as error:
                records.problems.append(RecordProblem.of_item(item, str(error)))
        return records

    def _add(self, item: Mapping[str, Any], now: float, check_target: CheckTarget | None) -> None:
        item_fields.require(item, ("pk", "sk"))
        kind = item["sk"] if isinstance(item["sk"], str) else ""
        if kind.startswith(TARGET):
            target = Target.from_item(item)
            if check_target:
                check_target(item, target)
            self.targets.append(target)
        elif kind.startswith(DEPLOYMENT):
            self.deployments.append(Deployment.from_item(item))
        elif kind == lease.SORT_KEY:
            self._add_lease(item, now)
        elif kind == EXPORT:
            self.exports.append(_export_result(item))
        else:
            raise PlanError("it is of no kind that is known")

    def _add_lease(self, item: Mapping[str, Any], now: float) -> None:
        item_fields.check_arn("pk", item["pk"])
        held = lease.Lease.from_item(item)
        wrong = held.problem(now)
        if wrong:
            self.problems.append(RecordProblem(item["pk"], item["sk"], wrong))
        elif not held.expired(now):
            self.leases.append(held)

    def to_result(self) -> dict[str, list[dict[str, Any]]]:
        """Return the records as a module returns them."""
        return {
            "targets": [target.to_result() for target in self.targets],
            "deployments": [deployment.to_result() for deployment in self.deployments],
            "leases": [held.to_result() for held in self.leases],
            "exports": self.exports,
            "problems": [problem.to_result() for problem in self.problems],
        }


def _export_result(item: Mapping[str, Any]) -> dict[str, Any]:
    item_fields.require(item, ("serial",))
    item_fields.check_arn("pk", item["pk"])
    for name in ("serial", "fingerprint"):
        if item.get(name) is not None:
            item_fields.HEXADECIMAL.check(name, item[name])
    for name in ("not_after", "exported_at"):
        if item.get(name) is not None:
            item_fields.check_time(name, item[name])
    names = ("serial", "fingerprint", "not_after", "exported_at")
    return {"certificate_arn": item["pk"], **{name: item.get(name) for name in names}}


def read_items(client: Any, table: str, arns: Sequence[str], host: str | None) -> list[dynamodb.Item]:
    """Return the items of certificates (one Query each), of a host (one Query), or all (a Scan)."""
    if arns:
        items = [item for arn in dict.fromkeys(arns) for item in dynamodb.query_certificate(client, table, arn)]
        return [item for item in items if host is None or item.get("host") == host]
    return dynamodb.query_host(client, table, host) if host else dynamodb.scan(client, table)


def select_deployments(
    deployments: Iterable[Deployment], statuses: Sequence[str], expires_within: timedelta | None, now: datetime
) -> list[Deployment]:
    """Return the deployments of some statuses and those that expire soon; one of unknown expiry is kept."""
    chosen = [deployment for deployment in deployments if not statuses or deployment.status in statuses]
    if expires_within is None:
        return chosen
    return [one for one in chosen if one.not_after is None or parse_iso(one.not_after) <= now + expires_within]


@dataclass(frozen=True)
class Change:
    """One item before and after; ``None`` is 'not there'."""

    pk: str
    sk: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def changed(self) -> bool:
        """Tell whether anything differs."""
        return self.before != self.after


def put_target(
    client: Any,
    table: str,
    target: Target,
    *,
    check_mode: bool = False,
    held: fenced_write.Leases | None = None,
    signer: TargetSigner | None = None,
) -> Change:
    """Remember a target, under the lease of its certificate when ``held`` holds leases.

    With a signer it is signed, unless the table holds it with a right signature: each signature of it is another one.
    """
    target.validate()
    item = target.to_item()
    if signer is None:
        return _put(client, table, item, check_mode=check_mode, held=held)
    key = {"pk": item["pk"], "sk": item["sk"]}
    before = dynamodb.get_item(client, table, key)
    if before is not None and signer.is_signed(before, target):
        return Change(**key, before=before, after=before)
    if check_mode:
        return Change(**key, before=before, after={**_as_stored(item), SIGNATURE: "made when it is recorded"})
    return _put(client, table, {**item, SIGNATURE: signer.sign(target)}, check_mode=False, held=held)


def put_export(
    client: Any,
    table: str,
    export: Mapping[str, Any],
    *,
    check_mode: bool = False,
    held: fenced_write.Leases | None = None,
) -> Change:
    """Record which serial was exported last; recording the same serial and fingerprint again changes nothing."""
    item: dict[str, Any] = {"pk": str(CertificateArn.parse(export["certificate_arn"])), "sk": EXPORT}
    item["serial"] = normalize_serial(export["serial"])
    item["exported_at"] = export.get("exported_at") or utc_now()
    item |= {name: export[name] for name in ("fingerprint", "not_after") if export.get(name)}
    change = _put(client, table, item, check_mode=check_mode, held=held)
    if change.before is not None and _without_time(change.before) == _without_time(item):
        return Change(change.pk, change.sk, change.before, change.before)
    return change


def _without_time(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "exported_at"}


def _put(
    client: Any, table: str, item: Mapping[str, Any], *, check_mode: bool, held: fenced_write.Leases | None
) -> Change:
    """Write an item: one PutItem that returns what it replaced; a transaction does not, so it costs a GetItem more."""
    key = {"pk": item["pk"], "sk": item["sk"]}
    if check_mode or held is not None:
        before = dynamodb.get_item(client, table, key)
    else:
        before = dynamodb.put_item(client, table, item)
    if held is not None and not check_mode:
        fenced_write.write(client, table, [item], held)
    return Change(**key, before=before, after=_as_stored(item))


def _as_stored(item: Mapping[str, Any]) -> dict[str, Any]:
    return dynamodb.decode(dynamodb.encode(item))


def delete(client: Any, table: str, key: Mapping[str, str], *, check_mode: bool = False) -> Change:
    """Remove an item; one that is not there is no change."""
    before = dynamodb.get_item(client, table, key) if check_mode else dynamodb.delete_item(client, table, key)
    return Change(key["pk"], key["sk"], before, None)


def plan_deployments(
    attempts: Iterable[Mapping[str, Any]], known: Iterable[Deployment], *, now: str
) -> list[tuple[Deployment | None, Deployment]]:
    """Merge attempts with what is known; return each record before and after. Equal ones need not be written.

    Attempts for one host, service and certificate are merged in their order. An attempt without a time that
    says nothing new leaves the record alone.
    """
    before = {(record.certificate_arn, record.key): record for record in known}
    after: dict[tuple[str, str], Deployment | None] = {}
    for attempt in attempts:
        probe = next_record(None, attempt)
        key = (probe.certificate_arn, probe.key)
        latest = after.get(key, before.get(key))
        record = next_record(latest, {**attempt, "at": attempt.get("at") or now})
        after[key] = latest if latest and not attempt.get("at") and record.says_the_same(latest) else record
    return [(before.get(key), record) for key, record in after.items() if record]


def write_deployments(
    client: Any, table: str, records: Iterable[Deployment], held: fenced_write.Leases | None = None
) -> None:
    """Write records, 25 a call; under leases 50 to 99 a call, as many as certificates leave room for."""
    items = [record.to_item() for record in records]
    if held is not None:
        fenced_write.write(client, table, items, held)
        return
    dynamodb.write_all(client, table, [{"PutRequest": {"Item": dynamodb.encode(item)}} for item in items])


def delete_deployments(
    client: Any, table: str, records: Sequence[Mapping[str, Any]], known: Iterable[Deployment], *, check_mode: bool
) -> list[Deployment]:
    """Forget deployments, named by certificate_arn, host, service and certificate_name; return those that were."""
    wanted = {(record["certificate_arn"], _deployment_key(record)) for record in records}
    gone = [record for record in known if (record.certificate_arn, record.key) in wanted]
    if gone and not check_mode:
        keys = [{"pk": record.certificate_arn, "sk": DEPLOYMENT + record.key} for record in gone]
        dynamodb.write_all(client, table, [{"DeleteRequest": {"Key": dynamodb.encode(key)}} for key in keys])
    return gone


def _deployment_key(record: Mapping[str, Any]) -> str:
    missing = [name for name in ("certificate_arn", "host", "service", "certificate_name") if not record.get(name)]
    if missing:
        raise PlanError(f"a deployment cannot be found without {', '.join(missing)}")
    return f"{record['host']}#{record['service']}#{record['certificate_name']}"


def known_deployments(client: Any, table: str, arns: Iterable[str]) -> list[Deployment]:
    """Return what is recorded for certificates: one Query each."""
    items = [item for arn in dict.fromkeys(arns) for item in dynamodb.query_certificate(client, table, arn)]
    return Records.from_items(items, now=0).deployments


def utc_now() -> str:
    """Return the time as this collection writes it."""
    return str(iso_utc(datetime.now(timezone.utc)))
