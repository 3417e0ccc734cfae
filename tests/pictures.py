"""Take the README's pictures of a report: `python -m tests.pictures FOLDER [REPORT]`.

REPORT is a study's report.html; without it, that of the made-up study. Needs Chromium.
"""

import base64
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from scripts import figures, report
from tests.browser import Chromium, chromium
from tests.fabricate import fabricate
from tests.fabricate_runs import study

WIDTH = 1120
COLOURS = 128


def made_up(folder: Path) -> Path:
    """Write the made-up study with its figures and report; return the report's path."""
    path = fabricate(folder, study(confirm=(2, 3)))
    for command in (figures, report):
        sys.argv = [command.__name__, "--study", str(path)]
        command.main()
    return folder / "report.html"


def take(browser: Chromium, path: Path, top: str, height: int) -> None:
    """Write a picture of the page, from the element `top` down, as a PNG of few colours."""
    browser.settle()
    start = browser.run(
        "return document.querySelector(arguments[0]).getBoundingClientRect().y + scrollY", top
    )
    shot = browser.command(
        "Page.captureScreenshot", format="png", captureBeyondViewport=True,
        clip={"x": 0, "y": start, "width": WIDTH, "height": height, "scale": 1},
    )  # fmt: skip
    picture = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1000} kB")


def main() -> None:
    """Take the pictures into the folder named on the command line."""
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        page = Path(sys.argv[2]) if len(sys.argv) > 2 else made_up(Path(folder))
        for dark in (False, True):
            look = "dark" if dark else "light"
            browser.open(page, WIDTH, dark)
            take(browser, target / f"report-summary-{look}.png", "html", 990)
            take(browser, target / f"report-plot-{look}.png", "#explore .controls", 602)


if __name__ == "__main__":
    main()
