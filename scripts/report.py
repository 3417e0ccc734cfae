"""Write the report of a finished study: one HTML file that opens offline.

In: what scripts.figures reads, and figures/*. Out: report.html beside study.json.
"""

import argparse
from pathlib import Path

from scripts.study.errors import command
from scripts.study.files import write_text
from scripts.views import page, results


def main() -> None:
    """Write the report of the study named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--study", required=True, type=Path, help="results/<study>/study.json, the resolved study"
    )
    arguments = parser.parse_args()
    text = page.render(results.load(arguments.study))
    path = arguments.study.parent / "report.html"
    write_text(path, text)
    print(f"report: {path}")


if __name__ == "__main__":
    command(main)
