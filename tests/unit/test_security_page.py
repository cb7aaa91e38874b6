# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each cell of the threat model names a proof, and each proof tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs/security.md").read_text(encoding="utf-8")
PROOF = re.compile(r"\*([a-z]+(?:-[a-z]+)*)\*")


def rows(first: str) -> list[list[str]]:
    """The rows of the table whose first column is headed so, without its head."""
    lines = PAGE[PAGE.index(f"| {first} |") :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


WHO = rows("Who")
PROOFS = {PROOF.fullmatch(name)[1]: tests.split(", ") for name, _tried, tests in rows("Proof")}  # type: ignore[index]
NAMED = [(row[0], PROOF.findall(re.sub(r"\*\*", "", cell))) for row in WHO for cell in row[1:]]


def test_everybody_is_there_and_every_cell_names_a_proof() -> None:
    assert len(WHO) == 15
    assert {len(row) for row in WHO} == {6}
    assert [who for who, proofs in NAMED if not proofs and who != "runs the controller"] == []
    assert {proof for _who, proofs in NAMED for proof in proofs} == PROOFS.keys()


@pytest.mark.parametrize("proof", sorted(PROOFS))
def test_a_proof_is_a_test(proof: str) -> None:
    for reference in PROOFS[proof]:
        path, _colons, name = reference.partition("::")
        text = (REPOSITORY / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(" if name else r"^def test_\w+\(", text, re.MULTILINE), reference
