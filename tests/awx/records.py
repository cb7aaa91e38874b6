# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX's objects in memory: create, find, list, change, delete, and the lists that belong to them."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from .answers import Refusal, not_found
from .fields import FIELDS, FREE, INTERNAL, LINKS, REFERS, REQUIRED, SHARED_NUMBERS, UNIQUE

Record = dict[str, Any]
PAGE = 25
UNLISTED = ("artifacts", "event_processing_finished")
UNIFIED = ("job_templates", "projects", "inventory_sources")
_NO_FIELDS = {"page", "page_size", "order_by", "format"}


class Records:
    """All objects of a stand-in. Methods take the table's name as it is in the URL."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._tables: dict[str, dict[int, Record]] = {name: {} for name in FIELDS}
        self._links: dict[tuple[str, int, str], list[int]] = defaultdict(list)
        self._numbers: dict[str, int] = defaultdict(int)

    def knows(self, table: str) -> bool:
        return table in self._tables

    def create(self, table: str, given: Mapping[str, Any]) -> Record:
        """Store a new object; unknown fields are dropped.

        Raises:
            Refusal: 400 for a missing field, a name that is taken, a reference to nothing.
        """
        record = {**_copy(FIELDS[table]), **self._taken(table, given)}
        missing = [name for name in REQUIRED.get(table, ("name",)) if record[name] in (None, "")]
        if missing:
            raise Refusal(400, {name: ["This field is required."] for name in missing})
        with self.lock:
            self._must_be_unique(table, record)
            sequence = SHARED_NUMBERS.get(table, table)
            self._numbers[sequence] += 1
            record["id"] = self._numbers[sequence]
            self._tables[table][record["id"]] = record
        return record

    def change(self, table: str, record: Record, given: Mapping[str, Any]) -> None:
        """Set the fields given."""
        with self.lock:
            changed = {**record, **self._taken(table, given)}
            self._must_be_unique(table, changed)
            record.update(changed)

    def delete(self, table: str, record: Record) -> None:
        with self.lock:
            del self._tables[table][record["id"]]

    def get(self, table: str, key: str | int) -> Record:
        """An object by its number, or by ``name++organization``."""
        text = str(key)
        with self.lock:
            if text.isdigit() and int(text) in self._tables[table]:
                return self._tables[table][int(text)]
            name, _plus, organization = text.partition("++")
            for record in self._tables[table].values() if not text.isdigit() else ():
                if record.get("name") == name and self._organization(record) == organization:
                    return record
        if table == "job_templates":
            raise Refusal(404, {"detail": "No JobTemplate matches the given query."})
        raise not_found()

    def where(self, table: str, **fields: Any) -> list[Record]:
        """Objects whose fields have these values."""
        with self.lock:
            rows = list(self._tables[table].values())
        return [row for row in rows if all(row[name] == value for name, value in fields.items())]

    def page(self, table: str, query: Mapping[str, str]) -> dict[str, Any]:
        """One page of the objects that a query's filters choose."""
        tables = UNIFIED if table == "unified_job_templates" else (table,)
        with self.lock:
            rows = [self.shown(name, row) for name in tables for row in self._tables[name].values()]
        fitting = [{name: row[name] for name in row if name not in UNLISTED} for row in rows if _fits(row, query)]
        return paged(f"/api/v2/{table}/", fitting, query)

    def links(self, table: str, number: int, name: str) -> list[Record]:
        """The objects of a list that belongs to an object."""
        with self.lock:
            return [self._tables[LINKS[name]][linked] for linked in self._links[table, number, name]]

    def link(self, table: str, number: int, name: str, given: Mapping[str, Any]) -> None:
        """Add to such a list, or take out of it."""
        with self.lock:
            linked = self._links[table, number, name]
            other = self.get(LINKS[name], given.get("id", ""))["id"]
            if given.get("disassociate"):
                linked.remove(other)
            elif other not in linked:
                linked.append(other)

    def shown(self, table: str, record: Record) -> dict[str, Any]:
        """An object as the API shows it."""
        url = f"/api/v2/{table}/{record['id']}/"
        related = {name: f"{url}{name}/" for name in ("survey_spec", "webhook_key", "launch", "update", "stdout")}
        summary = {}
        for name, other in REFERS.items():
            if record.get(name):
                referred = self._tables[other].get(record[name], {})
                shown = ("id", "name", "status", "kind")
                summary[name] = {key: referred[key] for key in shown if key in referred}
                related[name] = f"/api/v2/{other}/{record[name]}/"
        hidden = INTERNAL.get(table, set())
        return {
            "type": table.rstrip("s").replace("inventorie", "inventory"),
            "url": url,
            "related": related,
            "summary_fields": summary,
            **{name: _masked(value) for name, value in record.items() if name not in hidden},
        }

    def _taken(self, table: str, given: Mapping[str, Any]) -> Record:
        defaults = FIELDS[table]
        taken = {name: value for name, value in given.items() if name in defaults}
        for name, value in list(taken.items()):
            if value is None and defaults[name] is not None:
                del taken[name]
            elif name in REFERS and value and int(value) not in self._tables[REFERS[name]]:
                raise Refusal(400, {name: [f'Invalid pk "{value}" - object does not exist.']})
        return taken

    def _must_be_unique(self, table: str, record: Record) -> None:
        names = UNIQUE.get(table, ("name", "organization"))
        if table in FREE or not set(names) <= set(record):
            return
        for other in self._tables[table].values():
            if other["id"] != record.get("id") and all(other[name] == record[name] for name in names):
                raise Refusal(400, {"__all__": [f"{table} with this {' and '.join(names)} already exists."]})

    def _organization(self, record: Record) -> str:
        organization = self._tables["organizations"].get(record.get("organization") or 0)
        return str(organization["name"]) if organization else ""


class Secret(str):
    """Text that the API shows as ``$encrypted$``."""


def _masked(value: Any) -> Any:
    if isinstance(value, Secret):
        return "$encrypted$"
    return {name: _masked(entry) for name, entry in value.items()} if isinstance(value, dict) else value


def _copy(fields: Mapping[str, Any]) -> Record:
    return {name: dict(value) if isinstance(value, dict) else value for name, value in fields.items()}


def paged(url: str, rows: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """A page of rows as AWX answers lists."""
    order = query.get("order_by", "id")
    rows = sorted(rows, key=lambda row: str(row.get(order.lstrip("-")) or "").zfill(20), reverse=order.startswith("-"))
    size, number = int(query.get("page_size", PAGE)), int(query.get("page", 1))
    start = (number - 1) * size
    more = {**query, "page": str(number + 1)}
    return {
        "count": len(rows),
        "next": f"{url}?{urlencode(more)}" if start + size < len(rows) else None,
        "previous": None,
        "results": rows[start : start + size],
    }


def _fits(row: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    filters = {name: value for name, value in query.items() if name not in _NO_FIELDS}
    either: list[bool] = []
    both: list[bool] = []
    for name, value in filters.items():
        field = name.removeprefix("or__").removesuffix("__in")
        if field not in row:
            raise Refusal(400, {"detail": f"{row['type']} has no field named '{name}'"})
        asked = value.split(",") if name.endswith("__in") else [value]
        fits = any(_same(row[field], one) for one in asked)
        (either if name.startswith("or__") else both).append(fits)
    return all(both) and (any(either) or not either)


def _same(held: Any, asked: str) -> bool:
    if held is None:
        return asked in ("None", "null", "")
    return str(held).lower() == asked.lower() if isinstance(held, bool) else str(held) == asked
