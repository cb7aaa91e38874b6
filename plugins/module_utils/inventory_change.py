# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One change to the inventory as a task asks for it: table, lease, target, export and deployments, in this order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.certops.acm.plugins.module_utils import (
    fenced_write,
    inventory,
    inventory_table,
    leasing,
)
from ansible_collections.certops.acm.plugins.module_utils.certificate import CertificateArn
from ansible_collections.certops.acm.plugins.module_utils.deployment import Deployment
from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError
from ansible_collections.certops.acm.plugins.module_utils.inventory import Change
from ansible_collections.certops.acm.plugins.module_utils.lease import HeldLease, LeaseRequest
from ansible_collections.certops.acm.plugins.module_utils.target import SORT_KEY as TARGET
from ansible_collections.certops.acm.plugins.module_utils.target import Target

if TYPE_CHECKING:
    from ansible_collections.certops.acm.plugins.module_utils.target_signature import TargetSigner


@dataclass(frozen=True)
class Request:
    """What a task gives; None is 'not given'.

    Attributes:
        known: what is recorded of the hosts of ``deployments``; None has it read first.
        held: leases under which records are written; None writes without any, but for ``lease``.
        table_options: make or complete the table; None leaves it alone.
    """

    target: Target | None = None
    deployments: Sequence[Mapping[str, Any]] = ()
    known: Sequence[Deployment] | None = None
    lease: LeaseRequest | None = None
    held: Sequence[HeldLease] | None = None
    export: Mapping[str, Any] | None = None
    table_options: inventory_table.TableOptions | None = None
    delete_table: bool = False

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Request:
        """Read the options of a module."""
        known = params["known_deployments"]
        return cls(
            target=Target.from_result(params["target"]) if params["target"] else None,
            deployments=params["deployments"] or (),
            known=None if known is None else [Deployment.from_result(record) for record in known],
            lease=LeaseRequest(**params["lease"]) if params["lease"] else None,
            held=None if params["held_leases"] is None else list(map(HeldLease.from_result, params["held_leases"])),
            export=params["export"],
            table_options=(
                inventory_table.TableOptions(params["kms_key_id"], params["deletion_protection"])
                if params["create_table"]
                else None
            ),
            delete_table=params["delete_table"],
        )

    def validate(self) -> None:
        """Check every part before the first call.

        Raises:
            PlanError, CertificateError: a part is wrong, or there is none.
        """
        parts = (self.target, self.deployments, self.lease, self.export, self.table_options, self.delete_table)
        if not any(parts):
            raise PlanError("nothing to do: give target, deployments, lease, export or create_table")
        if self.target:
            self.target.validate()
        for part in (*self.deployments, *([self.export] if self.export else ())):
            CertificateArn.parse(part.get("certificate_arn") or "")
        if self.lease:
            self.lease.validate()

    def check_leases(self) -> None:
        """Check that records which are written under leases have one each.

        Raises:
            PlanError: some have none.
        """
        if self.held is None and self.lease is None:
            return
        leased = {one.certificate_arn for one in (*(self.held or ()), *([self.lease] if self.lease else ()))}
        records = [*self.deployments, *([self.export] if self.export else ())]
        written = {one["certificate_arn"] for one in records} | (
            {self.target.certificate_arn} if self.target else set()
        )
        if written - leased:
            raise PlanError(
                f"the task writes records under leases, but gives none for {', '.join(sorted(written - leased))}: "
                "take it, and give it in held_leases"
            )


@dataclass
class Result:
    """What was done, or would be in check mode."""

    table_actions: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    target: dict[str, Any] | None = None
    deployments: list[dict[str, Any]] = field(default_factory=list)
    export: dict[str, Any] | None = None
    lease: dict[str, Any] | None = None
    lease_changed: bool = False
    msg: str | None = None

    def to_result(self) -> dict[str, Any]:
        """Return it as a module returns it, with a diff of the records that differ."""
        differing = [change for change in self.changes if change.changed]
        result: dict[str, Any] = {
            "changed": bool(differing or self.table_actions or self.lease_changed),
            "target": self.target,
            "deployments": self.deployments,
            "export": self.export,
            "lease": self.lease,
            "table_actions": self.table_actions,
            "diff": {
                "before": {_title(change): _shown(change.before) for change in differing if change.before},
                "after": {_title(change): _shown(change.after) for change in differing if change.after},
            },
        }
        if self.msg:
            result["msg"] = self.msg
        return result


def _title(change: Change) -> str:
    return f"{change.pk} {change.sk}"


def _shown(item: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in sorted((item or {}).items()) if name not in ("pk", "sk")}


def present(
    client: Any, table: str, request: Request, *, check_mode: bool, signer: TargetSigner | None = None
) -> Result:
    """Record what the task gives. When the lease is not to be had, nothing after it is done.

    Raises:
        PlanError, CertificateError: a part of the request is wrong.
        LeaseLostError: a lease under which records were to be written is held no more.
        ServiceError: AWS refused.
    """
    request.validate()
    request.check_leases()
    result = Result()
    if request.table_options:
        result.table_actions = inventory_table.ensure_table(client, table, request.table_options, check_mode=check_mode)
    reader = _NoTable() if check_mode and "created the table" in result.table_actions else client
    held = None if request.held is None else fenced_write.by_certificate(request.held)
    if request.lease:
        outcome = leasing.hold(reader, table, request.lease, check_mode=check_mode)
        result.lease, result.msg, result.lease_changed = outcome.to_result(), outcome.msg, outcome.held is not None
        if outcome.held is None:
            return result
        held = {**(held or {}), outcome.held.certificate_arn: outcome.held}
    if request.target:
        put = inventory.put_target(reader, table, request.target, check_mode=check_mode, held=held, signer=signer)
        result.changes.append(put)
        result.target = request.target.to_result()
    if request.export:
        change = inventory.put_export(reader, table, request.export, check_mode=check_mode, held=held)
        result.changes.append(change)
        result.export = {"certificate_arn": change.pk, **_shown(change.after)}
    if request.deployments:
        _record(reader, table, request, result, held=held, check_mode=check_mode)
    return result


def _record(
    client: Any, table: str, request: Request, result: Result, *, held: fenced_write.Leases | None, check_mode: bool
) -> None:
    known = request.known
    if known is None:
        known = inventory.known_deployments(client, table, [one["certificate_arn"] for one in request.deployments])
    planned = inventory.plan_deployments(request.deployments, known, now=inventory.utc_now())
    changes = [_deployment_change(before, after) for before, after in planned]
    if not check_mode:
        differing = [after for before, after in planned if before != after]
        inventory.write_deployments(client, table, differing, held)
    result.changes.extend(changes)
    result.deployments = [after.to_result() for _before, after in planned]


def _deployment_change(before: Deployment | None, after: Deployment | None) -> Change:
    items = (before.to_item() if before else None, after.to_item() if after else None)
    found = items[1] or items[0] or {}
    return Change(found["pk"], found["sk"], *items)


def absent(client: Any, table: str, request: Request, *, check_mode: bool) -> Result:
    """Forget what the task names, give its lease back, and delete the table when asked.

    Raises:
        PlanError, CertificateError: a part of the request is wrong.
        ServiceError: AWS refused.
    """
    request.validate()
    if request.held is not None:
        raise PlanError("held_leases is for state: present: whoever forgets records needs no lease")
    result = Result()
    if request.target:
        key = {"pk": request.target.certificate_arn, "sk": TARGET + request.target.key}
        result.changes.append(inventory.delete(client, table, key, check_mode=check_mode))
    if request.export:
        key = {"pk": request.export["certificate_arn"], "sk": inventory.EXPORT}
        result.changes.append(inventory.delete(client, table, key, check_mode=check_mode))
    if request.deployments:
        known = inventory.known_deployments(client, table, [one["certificate_arn"] for one in request.deployments])
        gone = inventory.delete_deployments(client, table, request.deployments, known, check_mode=check_mode)
        result.changes.extend(_deployment_change(record, None) for record in gone)
    if request.lease:
        result.lease_changed, outcome = leasing.release(client, table, request.lease, check_mode=check_mode)
        result.lease = outcome.to_result()
    if request.delete_table and inventory_table.remove_table(client, table, check_mode=check_mode):
        result.table_actions = ["deleted the table"]
    return result


class _NoTable:
    """Stands in for the client in check mode when the table is not there yet: it holds nothing."""

    def get_item(self, **_request: Any) -> dict[str, Any]:
        return {}

    def query(self, **_request: Any) -> dict[str, Any]:
        return {}
