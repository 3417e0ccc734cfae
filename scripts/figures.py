"""Draw the figures of a finished study.

In: study.json, summary/runs.csv, best.json and, where the stages are on, screen/ranking.csv,
screen/chosen.json, runs/*/history.csv. Out: figures/*.png and figures/*.svg beside study.json.
"""

import argparse
from pathlib import Path

from scripts.study.errors import command
from scripts.views import gallery, results


def main() -> None:
    """Draw every figure of the study named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--study", required=True, type=Path, help="results/<study>/study.json, the resolved study"
    )
    arguments = parser.parse_args()
    folder = arguments.study.parent / "figures"
    drawn = gallery.draw_all(results.load(arguments.study), folder)
    print(f"figures: {len(drawn)} as PNG and SVG in {folder}")


if __name__ == "__main__":
    command(main)
