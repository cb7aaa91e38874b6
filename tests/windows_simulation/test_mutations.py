# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scenarios notice when the role is spoiled: one that notices nothing proves nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from windows_simulation.fleet import HERE, Played, SimulatedHost, play
from windows_simulation.judge import complaints
from windows_simulation.mutations import MUTATIONS, Mutation, spoil
from windows_simulation.test_scenarios import BUILDS

# On each host one spoiled copy plays its scenario; so many of them in one run.
AT_ONCE = 12
Runs = dict[int, Played]


def name_of(number: int) -> str:
    return f"mutant-{number:02}"


@pytest.fixture(scope="module")
def runs() -> Runs:
    return {}


def played(runs: Runs, number: int, factory: pytest.TempPathFactory) -> Played:
    part = number // AT_ONCE
    if part not in runs:
        directory = factory.mktemp("mutations")
        hosts = []
        for index in range(part * AT_ONCE, min(len(MUTATIONS), (part + 1) * AT_ONCE)):
            scenario = MUTATIONS[index].scenario
            role = spoil(MUTATIONS[index], index, directory / "collections")
            hosts.append(SimulatedHost(name_of(index), scenario, BUILDS.get(scenario, 20348), role))
        path = f"{directory / 'collections'}{os.pathsep}{os.environ['ANSIBLE_COLLECTIONS_PATH']}"
        runs[part] = play(directory, hosts, env={"ANSIBLE_COLLECTIONS_PATH": path})
    return runs[part]


@pytest.mark.parametrize(("number", "mutation"), list(enumerate(MUTATIONS)), ids=[one.name for one in MUTATIONS])
def test_mutation_is_noticed(
    runs: Runs, number: int, mutation: Mutation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = played(runs, number, tmp_path_factory)
    assert run.calls(name_of(number)), "the scenario did not even begin"
    assert complaints(run, name_of(number), mutation.scenario)


def test_the_page_lists_all_mutations() -> None:
    page = Path(HERE.parents[1] / "docs" / "iis.md").read_text(encoding="utf-8")
    assert [one.name for one in MUTATIONS if f"| {one.name} | `{one.scenario}` |" not in page] == []
