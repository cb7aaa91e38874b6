# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends ``make test``: what each stage did, why tests failed, and one line ``N passed, N failed`` over all tests.

Usage: summary.py <directory with nox's stage-*.json and pytest's *.xml> <exit code of nox>
"""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def count(reports: Path) -> tuple[int, int, int]:
    """Return how many tests passed, failed and were skipped, by pytest's JUnit reports."""
    total = failed = skipped = 0
    for report in sorted(reports.glob("*.xml")):
        for suite in ET.parse(report).getroot().iter("testsuite"):
            total += int(suite.get("tests", 0))
            failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped += int(suite.get("skipped", 0))
    return total - failed - skipped, failed, skipped


def failures(reports: Path, longest: int = 600) -> list[str]:
    """Return a line for each failed test: its stage, its name and the beginning of pytest's reason."""
    lines = []
    for report in sorted(reports.glob("*.xml")):
        for case in ET.parse(report).getroot().iter("testcase"):
            for outcome in (*case.findall("failure"), *case.findall("error")):
                reason = " ".join(outcome.get("message", "").split())
                name = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
                lines.append(f"{report.stem}: {name}: {reason[:longest]}")
    return lines


def main(reports: Path, status: int) -> int:
    """Print the summary and return the exit code: never 0 when something failed or nothing ran."""
    files = sorted(reports.glob("stage-*.json"), key=lambda file: file.stat().st_mtime)
    reports_of_nox = [json.loads(file.read_text()) for file in files]
    passed, failed, skipped = count(reports)
    # A stage can fail without a failed test (lint, Molecule, an empty test run): it counts as one.
    broken = status != 0 or passed == 0
    failed = max(failed, int(broken))

    print("\nStages:")
    for report in reports_of_nox:
        for stage in report["sessions"]:
            reason = f" ({stage['reason']})" if stage["result"] == "skipped" else ""
            cost = f"{stage['duration']:.0f} s, {report.get('processor', 0):.0f} s of processor time"
            print(f"  {stage['signatures'][0]}: {stage['result']}{reason}, {cost}")
    # The end of the output is what most services that run tests show first.
    for line in failures(reports):
        print(f"  FAILED {line}")
    if skipped:
        print(f"{skipped} skipped")
    print(f"{passed} passed, {failed} failed")
    return status or int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
