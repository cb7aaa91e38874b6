# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages show the policies that the templates hold. POLICY_PAGES=write in the environment writes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from policies.documents import BLOCK, ROOT, example, of_stack, on_pages, pages
from policies.shown import rewritten, text

LIMIT = 6144
"""Characters of a managed policy, without white space."""


@pytest.mark.parametrize("page", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_policy_on_a_page_is_that_of_its_source(page: Path) -> None:
    old = page.read_text(encoding="utf-8")
    new = rewritten(old)
    if os.environ.get("POLICY_PAGES") == "write":
        page.write_text(new, encoding="utf-8")
    else:
        assert old == new, "POLICY_PAGES=write brings the page up to date"
    policies = [block for block in BLOCK.findall(new) if '"Statement"' in block]
    assert len(policies) == new.count("<!-- policy: "), "a policy without a mark is a copy that grows old"


def test_each_policy_without_a_template_is_on_a_page() -> None:
    everything = "".join(page.read_text(encoding="utf-8") for page in pages())
    assert {name for name in on_pages() if f"<!-- policy: {name} " not in everything} == set()


@pytest.mark.parametrize("stack", ["controller", "member"])
def test_each_policy_of_the_account_is_on_a_page_and_short_enough_for_iam(stack: str) -> None:
    everything = "".join(page.read_text(encoding="utf-8") for page in pages())
    for policy in of_stack(stack, example(stack)):
        if policy.kind == "identity":
            assert f"/{policy.name.partition('/')[2]} " in everything, policy.name
            assert len("".join(text(policy.document).split())) <= LIMIT, policy.name
