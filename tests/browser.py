"""Chromium without a window, for tests of pages: sizes, colour schemes, keys, complaints."""

import base64
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
FLAGS = (
    "--headless=new", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-quic",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
)  # fmt: skip
WIDE, NARROW = 1280, 390

Point = tuple[float, float]


class Chromium:
    """A running Chromium with one page open. Sizes are in pixels of the page."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, path: Path, width: int = WIDE, dark: bool = False) -> None:
        """Open a file afresh, in a window of `width`, in light or dark."""
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=width == NARROW,
        )  # fmt: skip
        self.command("Emulation.setTouchEmulationEnabled", enabled=width == NARROW)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        # a page that still glides to what has the focus is not where a test points
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.command("Emulation.setEmulatedMedia", features=[scheme, still])
        self.driver.get(path.resolve().as_uri())

    def command(self, name: str, **parameters: object) -> Any:
        """Send a command of Chrome's DevTools protocol and return its answer."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def run(self, script: str, *arguments: object) -> Any:
        """Return what a script's `return` gives in the page."""
        return self.driver.execute_script(script, *arguments)

    def text(self, selector: str) -> str:
        """Return the text of the first element that `selector` finds."""
        return str(self.run("return document.querySelector(arguments[0]).textContent", selector))

    def texts(self, selector: str) -> list[str]:
        """Return the text of every element that `selector` finds."""
        script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)"
        return [str(text) for text in self.run(script, selector)]

    def click(self, selector: str) -> None:
        """Click the first element that `selector` finds, as a page's script would."""
        self.run("document.querySelector(arguments[0]).click()", selector)

    def choose(self, selector: str, value: str) -> None:
        """Give a control a value, as a person would."""
        self.run(
            "const e = document.querySelector(arguments[0]);"
            "if (e.type === 'checkbox') e.checked = arguments[1] === 'on';"
            "else e.value = arguments[1];"
            "e.dispatchEvent(new Event('input', {bubbles: true}))",
            selector, value,
        )  # fmt: skip

    def point(self, selector: str, across: float = 0.5, down: float = 0.5) -> Point:
        """Scroll to an element; return a point in it, as shares of its width and height."""
        box = self.run(
            "const e = document.querySelector(arguments[0]);"
            "e.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});"
            "const b = e.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]",
            selector,
        )
        return box[0] + across * box[2], box[1] + down * box[3]

    def mouse(
        self, kind: str, at: tuple[float, float], held: bool = False, clicks: int = 1
    ) -> None:
        """Move, press (`Pressed`) or release (`Released`) the mouse at a point of the window."""
        still = kind == "Moved" and not held
        self.command(
            "Input.dispatchMouseEvent", type=f"mouse{kind}", x=at[0], y=at[1],
            button="none" if still else "left", buttons=int(held), clickCount=clicks,
        )  # fmt: skip

    def drag(self, start: Point, end: Point) -> None:
        """Press the mouse at `start`, move it in steps to `end`, and let go."""
        self.mouse("Moved", start)
        self.mouse("Pressed", start, held=True)
        for step in range(1, 6):
            x, y = (a + (b - a) * step / 5 for a, b in zip(start, end, strict=True))
            self.mouse("Moved", (x, y), held=True)
        self.mouse("Released", end)
        self.settle()

    def key(self, key: str, shift: bool = False) -> None:
        """Press a key by its name, such as `Tab` or `ArrowUp`."""
        codes = {
            "Tab": 9, "Enter": 13, "Escape": 27, "PageUp": 33, "End": 35, "Home": 36,
            "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
        }  # fmt: skip
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.command(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key,
                windowsVirtualKeyCode=codes[key], modifiers=8 if shift else 0,
                **(text if kind == "keyDown" else {}),
            )  # fmt: skip

    def settle(self) -> None:
        """Wait until the page has drawn what was asked of it."""
        self.driver.execute_async_script(
            "const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))"
        )

    def complaints(self, warnings: bool = True) -> list[str]:
        """Return the errors, and the warnings, of the console since the page was opened."""
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if warnings or entry["level"] == "SEVERE"
        ]

    def requests(self) -> list[str]:
        """Return what the page asked for beside files and data in itself."""
        urls = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.append(message["params"]["request"]["url"])
        return [url for url in urls if not url.startswith(("file:", "data:", "about:", "blob:"))]

    def accessibility(self) -> list[str]:
        """Return what axe-core finds wrong: rule, element and reason of each."""
        # not by a <script>: the page's policy forbids any that is not its own
        self.run(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "axe.run({resultTypes: ['violations']}).then(arguments[0])"
        )
        return [
            f"{violation['id']}: {node['target']} {node['failureSummary']}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def pages(self) -> int:
        """Return how many pages of paper the page prints on."""
        pdf = base64.b64decode(self.driver.print_page())
        return len(re.findall(rb"/Type\s*/Page\b", pdf))


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Start Chromium, or skip the test where it or its driver is not installed."""
    names = ("chromium", "google-chrome", "chromium-browser")
    program = next(filter(None, map(shutil.which, names)), None)
    service = shutil.which("chromedriver")
    if program is None or service is None:
        pytest.skip("needs Chromium and its driver (Debian: chromium, chromium-driver)")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in FLAGS:
        options.add_argument(flag)
    if os.geteuid() == 0:  # Chromium's sandbox refuses to run as root
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(service))
    driver.set_script_timeout(60)
    try:
        yield Chromium(driver)
    finally:
        driver.quit()
