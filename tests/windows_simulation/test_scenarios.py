# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every scenario on simulated hosts, side by side in two runs of ansible-playbook."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from integration.playbook import run_playbook

from windows_simulation.fleet import HERE, Played, SimulatedHost, play
from windows_simulation.judge import complaints

SCENARIOS = sorted(path.stem for path in (HERE / "scenarios").glob("*.yml"))
BUILDS = {"old_windows": 14393}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Played]:
    """Play in runs of ten hosts: more cost Ansible more than it takes to start once again."""
    done: dict[int, Played] = {}

    def get(scenario: str) -> Played:
        part = SCENARIOS.index(scenario) // 10
        if part not in done:
            hosts = [SimulatedHost(name, name, BUILDS.get(name, 20348)) for name in SCENARIOS[part * 10 :][:10]]
            done[part] = play(tmp_path_factory.mktemp("scenarios"), hosts)
        return done[part]

    return get


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(played: Callable[[str], Played], scenario: str) -> None:
    assert complaints(played(scenario), scenario, scenario) == []


def test_no_traceback_is_printed(played: Callable[[str], Played]) -> None:
    for scenario in SCENARIOS:
        assert "Traceback" not in played(scenario).run.output
        assert "[WARNING]" not in played(scenario).run.output


def test_the_page_lists_all_scenarios() -> None:
    page = Path(HERE.parents[1] / "docs" / "iis.md").read_text(encoding="utf-8")
    assert [scenario for scenario in SCENARIOS if f"`{scenario}`" not in page] == []


def test_missing_collections_are_named(tmp_path: Path) -> None:
    ours = tmp_path / "collections" / "ansible_collections" / "certops"
    ours.mkdir(parents=True)
    (ours / "acm").symlink_to(HERE.parents[1])
    task = {
        "ansible.builtin.import_role": {"name": "certops.acm.iis_certificate"},
        "vars": {"certificate_arn": "arn:x"},
    }
    # Ansible looks for collections where Python looks for packages, too.
    alone = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"), "PYTHONPATH": str(tmp_path)}
    run = run_playbook([task], alone, keep_going=False)
    assert run.returncode != 0
    told = [result.msg for result in run.results if result.failed]
    assert "ansible-galaxy collection install ansible.windows microsoft.iis" in told[0]
