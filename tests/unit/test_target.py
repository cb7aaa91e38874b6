# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Targets: their keys, what is refused, and the way into the table and back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.certops.acm.plugins.module_utils.dynamodb import decode, encode
from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError
from ansible_collections.certops.acm.plugins.module_utils.target import Target

ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10"
TARGET = Target(ARN, "www.example.com", "111122223333", "Role", "web", "nginx", {"listeners": [{"port": 443}]})


def test_key_tells_targets_of_a_certificate_apart() -> None:
    assert TARGET.key == "111122223333#Role=web#nginx#www.example.com"
    TARGET.validate()


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("certificate_arn", "nonsense", "is not the ARN of an ACM certificate"),
        ("certificate_name", "", "certificate_name '' cannot name"),
        ("certificate_name", "../etc", "letters, digits"),
        ("certificate_name", ".hidden", "begin with a letter or digit"),
        ("certificate_name", "a/b", "cannot name"),
        ("certificate_name", "a" * 65, "1 to 64"),
        ("certificate_name", "name\n", "cannot name"),
        ("account", "1111", "give its 12 digits"),
        ("account", "11112222333x", "is not an AWS account"),
        ("account", "011122223333\n", "is not an AWS account"),
        ("tag_key", "", "tag_key is empty"),
        ("tag_value", "", "tag Role has no value: give tag_value, a target never means every host"),
        ("service", "", "is not the name of a service"),
        ("service", "Nginx", "such as nginx"),
        ("service", "nginx#x", "is not the name of a service"),
    ],
)
def test_each_wrong_field_is_refused_with_what_it_has_to_be(field: str, value: str, says: str) -> None:
    with pytest.raises(AcmError, match=says):
        Target.from_result({**TARGET.to_result(), field: value}).validate()


@pytest.mark.parametrize("name", ["a", "0", "www.example.com", "A_b-c.d", "a" * 64])
def test_names_that_are_right(name: str) -> None:
    replace(TARGET, certificate_name=name).validate()


def test_item_and_result_make_the_same_target_again() -> None:
    target = replace(TARGET, options={"number": 3, "ratio": 1.5, "on": True, "nothing": None, "list": ["a", {"b": 1}]})
    stored = decode(encode(target.to_item()))
    assert stored["pk"] == ARN
    assert stored["sk"] == f"target#{target.key}"
    assert Target.from_item(stored) == target
    assert Target.from_result({**target.to_result(), "added_later": 1}) == target


def test_options_digest_sees_values_and_not_their_order() -> None:
    one = replace(TARGET, options={"a": 1, "b": {"c": 2, "d": 3}})
    same = replace(TARGET, options={"b": {"d": 3, "c": 2}, "a": 1})
    other = replace(TARGET, options={"a": 1, "b": {"c": 2, "d": 4}})
    assert one.options_digest == same.options_digest != other.options_digest
    assert Target.from_item(decode(encode(one.to_item()))).options_digest == one.options_digest
