# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.certops.acm.plugins.module_utils.text import has_template_marks, shown


@pytest.mark.parametrize("text", ["{{ x }}", "a{%b", "{# #}", "x {{", "{{{"])
def test_what_jinja_would_read(text: str) -> None:
    assert has_template_marks(text)


@pytest.mark.parametrize("text", ["", "web1", "{ { x } }", "}} {", "{x}", "%}", "$(id)", "{\n{"])
def test_what_jinja_would_leave_alone(text: str) -> None:
    assert not has_template_marks(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("aws.acm", "aws.acm"),
        ("{{ lookup('pipe', 'id') }}", "?? lookup('pipe', 'id') ??"),
        ("one\ntwo\x1b[2J", "one?two?[2J"),
        ("wéb \ud800", "w?b ?"),
        (None, "None"),
        (["{{ x }}"], "['?? x ??']"),
        ("x" * 100, "x" * 60),
    ],
)
def test_what_a_message_shows(value: Any, expected: str) -> None:
    assert shown(value) == expected
