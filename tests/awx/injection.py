# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the credentials of a template put into the environment and the variables of its jobs."""

from __future__ import annotations

from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from .records import Records

AWS = {"username": "AWS_ACCESS_KEY_ID", "password": "AWS_SECRET_ACCESS_KEY", "security_token": "AWS_SESSION_TOKEN"}


def injected(records: Records, template: int) -> tuple[dict[str, str], dict[str, Any]]:
    """Environment and extra variables."""
    jinja = SandboxedEnvironment(undefined=StrictUndefined)
    environment: dict[str, str] = {}
    variables: dict[str, Any] = {}
    for credential in records.links("job_templates", template, "credentials"):
        kind = records.get("credential_types", credential["credential_type"])
        inputs = {name: str(value) for name, value in credential["inputs"].items()}
        if kind["namespace"] == "aws":
            environment |= {AWS[name]: value for name, value in inputs.items() if name in AWS}
        # AWX gives a field that was left empty as an empty text.
        facts = {**{field["id"]: "" for field in kind["inputs"].get("fields", ())}, **inputs}
        for target, name in ((environment, "env"), (variables, "extra_vars")):
            for key, text in kind["injectors"].get(name, {}).items():
                target[key] = jinja.from_string(text).render(facts)
    return environment, variables
