# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fresh AWX holds."""

from __future__ import annotations

from .records import Records

_SECRET = {"type": "string", "secret": True}
_TYPES = {
    "Machine": ("ssh", "ssh", {"username": {}, "password": _SECRET, "ssh_key_data": _SECRET}),
    "Amazon Web Services": (
        "cloud",
        "aws",
        {"username": {}, "password": _SECRET, "security_token": _SECRET, "assume_role": {}},
    ),
    "Source Control": ("scm", "scm", {"username": {}, "password": _SECRET, "ssh_key_data": _SECRET}),
}


def seed(records: Records) -> None:
    """Add the objects every AWX starts with."""
    records.create("organizations", {"name": "Default"})
    records.create("instance_groups", {"name": "default"})
    records.create("execution_environments", {"name": "AWX EE (latest)", "image": "quay.io/ansible/awx-ee:latest"})
    for name, (kind, namespace, inputs) in _TYPES.items():
        fields = [{"id": field, "label": field, "type": "string", **more} for field, more in inputs.items()]
        given = {"name": name, "kind": kind, "namespace": namespace, "managed": True, "inputs": {"fields": fields}}
        records.create("credential_types", given)
