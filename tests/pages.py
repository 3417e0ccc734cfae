"""What tests of report.html share: its elements, and a study's folder with pictures for it."""

from html.parser import HTMLParser
from pathlib import Path

from scripts.views import gallery


def with_pictures(path: Path) -> Path:
    """Put a small picture where each figure would be: the report only embeds them."""
    folder = path.parent / "figures"
    folder.mkdir(exist_ok=True)
    for picture in gallery.PICTURES:
        (folder / f"{picture.name}.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    return path


class Elements(HTMLParser):
    """All start tags with their attributes, and the text outside script and style."""

    VOID = frozenset({"meta", "img", "input", "br", "wbr", "link"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data
