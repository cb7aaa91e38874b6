# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible hands over as Python's own types, and host variables that nobody evaluates."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from ansible_collections.certops.acm.plugins.filter.host_attempts import host_attempts
from ansible_collections.certops.acm.plugins.plugin_utils.raw_variables import (
    NotPlainError,
    plain,
    raw_variable,
    read_hosts,
    untrusted,
)

TEMPLATE = "{{ lookup('pipe', 'id') }}"
ACCOUNT = "111122223333"


class Text(str):
    """A text of a kind of its own, as Ansible's are."""


class HostVars(dict[str, dict[str, Any]]):
    """Evaluates what is asked for, but for ``raw_get``."""

    def __getitem__(self, name: str) -> dict[str, Any]:
        raise AssertionError(f"the variables of {name} were evaluated")

    def raw_get(self, name: str) -> dict[str, Any]:
        return dict(super().__getitem__(name))


def test_marks_are_left_behind() -> None:
    copied = plain({Text("a"): [Text(TEMPLATE), 1, 2.5, None, True, (Text("x"),)]})
    assert copied == {"a": [TEMPLATE, 1, 2.5, None, True, ["x"]]}
    assert {type(one) for one in [*copied, copied["a"][0]]} == {str}


def test_what_awx_marked_is_text() -> None:
    assert plain({"Role": {"__ansible_unsafe": "web"}}) == {"Role": "web"}
    moment = datetime.datetime(2026, 11, 28, 8, 0, tzinfo=datetime.timezone.utc)
    assert plain([moment, moment.date()]) == ["2026-11-28T08:00:00+00:00", "2026-11-28"]


@pytest.mark.parametrize("value", [b"x", object(), {"a": {1, 2}}, [object]])
def test_what_is_not_plain(value: Any) -> None:
    with pytest.raises(NotPlainError):
        plain(value)


def test_hosts_are_read_as_they_were_written() -> None:
    hostvars = HostVars(
        web1={"ec2_ec2_tags": {"Role": "web", "Note": TEMPLATE}, "ec2_tags": {"Role": "db"}, "ec2_owner_id": ACCOUNT},
        rack1={"ec2_tags": {"Role": 7}, "certops_account": int(ACCOUNT), "ec2_owner_id": "999999999999"},
        rack2={"ec2_tags": TEMPLATE, "certops_account": TEMPLATE},
        rack3={"ec2_tags": {"Role": object()}, "certops_account": "1234"},
    )
    web1, rack1, rack2, rack3 = read_hosts(hostvars)
    assert (web1.tags, web1.account, web1.complaint) == ({"Role": "web", "Note": TEMPLATE}, ACCOUNT, None)
    assert (rack1.tags, rack1.account) == ({"Role": 7}, ACCOUNT)
    assert (rack2.tags, rack2.account) == ({}, None)
    assert "rack2: ec2_tags and certops_account holds a template, which is not evaluated" in str(rack2.complaint)
    assert (rack3.tags, rack3.account) == ({}, None)
    assert raw_variable(hostvars, "rack2", "ec2_tags") == TEMPLATE
    assert raw_variable(hostvars, "rack2", "unset") is None


def test_what_a_filter_returns_can_hold_anything() -> None:
    returned = untrusted({"rollouts": [{"host": Text(TEMPLATE)}]})
    assert returned == {"rollouts": [{"host": TEMPLATE}]}


@pytest.mark.parametrize(
    "forged", ["text", 7, ["text"], [None], [{"host": "web1", "status": "failed"}], {"host": "web1"}]
)
def test_a_host_speaks_of_itself_only_and_keeps_nobody_from_speaking(forged: Any) -> None:
    own = {"host": "web1", "status": "verified"}
    hostvars = HostVars(web1={"certops_host_attempts": [own]}, evil={"certops_host_attempts": forged}, idle={})
    assert host_attempts(hostvars, hosts=["web1", "evil", "idle"]) == [own]
