import json

from tools.branch_coverage import told

# As coverage.py writes it: the total counts statements too, and hides the branches.
MEASURED = json.dumps(
    {
        "totals": {
            "percent_covered": 97.5,
            "num_statements": 9_000,
            "covered_branches": 1_340,
            "num_branches": 1_500,
        }
    }
)


def test_branches_are_told_apart_from_statements():
    line, enough = told(MEASURED, 89)
    assert line == "branches alone: 1,340 of 1,500, 89.3 %"
    assert enough


def test_too_few_branches_do_not_suffice():
    assert not told(MEASURED, 90)[1]
