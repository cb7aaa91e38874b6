# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of AWX's objects with their defaults; what is not here, AWX drops without a word."""

from __future__ import annotations

from typing import Any

from .launch import ASKED

_NAMED: dict[str, Any] = {"name": None, "description": ""}

FIELDS: dict[str, dict[str, Any]] = {
    "organizations": {**_NAMED, "max_hosts": 0, "default_environment": None},
    "users": {"username": None, "first_name": "", "last_name": "", "email": "", "is_superuser": False},
    "labels": {"name": None, "organization": None},
    "instance_groups": {"name": None},
    "credential_types": {**_NAMED, "kind": None, "namespace": None, "managed": False, "inputs": {}, "injectors": {}},
    "credentials": {**_NAMED, "organization": None, "credential_type": None, "inputs": {}, "managed": False},
    "execution_environments": {**_NAMED, "organization": None, "image": None, "pull": "", "credential": None},
    "projects": {
        **_NAMED,
        "organization": None,
        "scm_type": "",
        "scm_url": "",
        "scm_branch": "",
        "scm_refspec": "",
        "scm_clean": False,
        "scm_delete_on_update": False,
        "scm_track_submodules": False,
        "scm_update_on_launch": False,
        "scm_update_cache_timeout": 0,
        "allow_override": False,
        "timeout": 0,
        "credential": None,
        "default_environment": None,
        "status": "never updated",
        "scm_revision": "",
    },
    "project_updates": {"name": None, "project": None, "status": "successful", "failed": False},
    "inventories": {
        **_NAMED,
        "organization": None,
        "kind": "",
        "host_filter": None,
        "variables": "",
        "prevent_instance_group_fallback": False,
    },
    "inventory_sources": {
        **_NAMED,
        "organization": None,
        "inventory": None,
        "source": "",
        "source_path": "",
        "source_vars": "",
        "source_project": None,
        "credential": None,
        "execution_environment": None,
        "overwrite": False,
        "overwrite_vars": False,
        "update_on_launch": False,
        "update_cache_timeout": 0,
        "timeout": 0,
        "verbosity": 1,
        "limit": "",
        "host_filter": "",
    },
    "job_templates": {
        **_NAMED,
        "organization": None,
        "job_type": "run",
        "inventory": None,
        "project": None,
        "playbook": "",
        "scm_branch": "",
        "forks": 0,
        "limit": "",
        "verbosity": 0,
        "extra_vars": "---",
        "job_tags": "",
        "skip_tags": "",
        "timeout": 0,
        "diff_mode": False,
        "become_enabled": False,
        "allow_simultaneous": False,
        "job_slice_count": 1,
        "execution_environment": None,
        "survey_enabled": False,
        "survey_spec": {},
        "webhook_service": "",
        "webhook_credential": None,
        "webhook_key": "",
        "ask_variables_on_launch": False,
        **dict.fromkeys(ASKED.values(), False),
    },
    "notification_templates": {
        **_NAMED,
        "organization": None,
        "notification_type": None,
        "notification_configuration": {},
        "messages": None,
    },
    "schedules": {
        **_NAMED,
        "rrule": None,
        "unified_job_template": None,
        "enabled": True,
        "extra_data": {},
        "inventory": None,
        "next_run": None,
    },
    "jobs": {
        **_NAMED,
        "job_template": None,
        "inventory": None,
        "project": None,
        "playbook": "",
        "limit": "",
        "extra_vars": "{}",
        "launch_type": "manual",
        "status": "pending",
        "failed": False,
        "allow_simultaneous": False,
        "webhook_service": "",
        "webhook_guid": "",
        "schedule": None,
        "created": None,
        "started": None,
        "finished": None,
        "elapsed": 0.0,
        "job_explanation": "",
        "artifacts": {},
        "event_processing_finished": False,
    },
}

INTERNAL = {"job_templates": {"survey_spec", "webhook_key"}}
"""Fields that have an address of their own and are not part of the object."""

REQUIRED = {
    "credentials": ("name", "credential_type"),
    "credential_types": ("name", "kind"),
    "execution_environments": ("name", "image"),
    "inventories": ("name", "organization"),
    "inventory_sources": ("name", "inventory"),
    "notification_templates": ("name", "organization", "notification_type"),
    "schedules": ("name", "rrule", "unified_job_template"),
    "users": ("username",),
}

UNIQUE = {
    "inventory_sources": ("name", "inventory"),
    "credentials": ("name", "organization", "credential_type"),
    "schedules": ("name", "unified_job_template"),
    "organizations": ("name",),
    "credential_types": ("name", "kind"),
    "users": ("username",),
}
"""Fields that together occur once; name and organization where nothing is said."""

FREE = {"jobs", "project_updates"}
"""Tables whose objects may share a name."""

REFERS = {
    "organization": "organizations",
    "credential": "credentials",
    "credential_type": "credential_types",
    "project": "projects",
    "source_project": "projects",
    "inventory": "inventories",
    "execution_environment": "execution_environments",
    "default_environment": "execution_environments",
    "job_template": "job_templates",
}

SHARED_NUMBERS = {
    **dict.fromkeys(("job_templates", "projects", "inventory_sources"), "unified_job_templates"),
    **dict.fromkeys(("jobs", "project_updates"), "unified_jobs"),
}
"""Tables that number their objects together."""

LINKS = {
    "notification_templates_started": "notification_templates",
    "notification_templates_success": "notification_templates",
    "notification_templates_error": "notification_templates",
    "galaxy_credentials": "credentials",
    "credentials": "credentials",
    "labels": "labels",
    "instance_groups": "instance_groups",
}
"""Lists that belong to an object, and what they hold."""
