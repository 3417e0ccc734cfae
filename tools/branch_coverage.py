"""Print how many branches of scripts/ the tests reach, from what coverage.py measured.

    coverage json -q -o - | python -m tools.branch_coverage 90

coverage.py's own total counts statements and branches together. Exit code 1 where the share of
branches alone is below the percentage that is given.
"""

import json
import sys


def told(measured: str, wanted: float) -> tuple[str, bool]:
    """Return a line on the branches in coverage.py's JSON report, and whether they suffice."""
    totals = json.loads(measured)["totals"]
    reached, branches = totals["covered_branches"], totals["num_branches"]
    share = 100 * reached / branches
    return f"branches alone: {reached:,} of {branches:,}, {share:.1f} %", share >= wanted


if __name__ == "__main__":
    line, enough = told(sys.stdin.read(), float(sys.argv[1]))
    print(line)
    sys.exit(not enough)
