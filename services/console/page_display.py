"""What came out of a page, for people: each field with its source, then the text with what was dropped. Pure."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from services.console.display import OutputConsole, visible
from services.console.sinks import OutputClosed, silence

Read = Mapping[str, Any]
NOTHING = "–"


class PageConsole(OutputConsole):
    """Standard output for pages, in colour on a terminal only."""

    async def tell(self, read: Read) -> None:
        """Raises OutputClosed once nobody reads on."""
        for part in page_account(read):
            # A paragraph is wrapped to the terminal; elsewhere it stays one line.
            whole = isinstance(part, Text) and not self.is_terminal
            self.print(part, soft_wrap=whole, highlight=False)

    def on_broken_pipe(self) -> None:
        silence(sys.stdout.buffer)
        raise OutputClosed("the output was closed")


def page_account(read: Read) -> Iterator[Text | Table]:
    """`read` is a page's object as `extracting` tells it, `lines` included."""
    yield _heading(read)
    if "headline" in read:
        yield Text()
        yield _fields(read)
    yield Text()
    yield from map(_line, read["lines"])
    yield Text()


def complaint(read: Read) -> str:
    """One line for a page that could not be read."""
    return visible(f"{read['file'] or read['url']}: {read['verdict']}: {read['detail']}")


def _heading(read: Read) -> Text:
    places = (place for place in (read["file"], read["url"]) if place)
    is_article = "headline" in read
    verdict = f"{read['verdict']}: {read['detail']}" if read["detail"] else read["verdict"]
    return Text.assemble(
        (visible("  ".join(places)), "bold"), "  ", (visible(verdict), "green" if is_article else "yellow")
    )


def _fields(read: Read) -> Table:
    table = Table(show_header=False, show_edge=False, box=None, pad_edge=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(style="dim", no_wrap=True)
    sources = read["provenance"]["fields"]
    for name, values in _values(read):
        source = sources.get(name, "") if values else ""
        for number, value in enumerate(values or (NOTHING,)):
            first = number == 0
            table.add_row(name if first else "", Text(visible(value)), visible(source) if first else "")
    return table


def _values(read: Read) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each field's name as in events, and its values; none where the page has none."""
    for name in ("headline", "lede"):
        yield name, _single(read[name])
    yield "authors", tuple(read["authors"])
    for name in ("published", "modified"):
        yield name, _single(read[name] and read[name]["at"])
    yield "section", _single(read["section"])
    yield "tags", _single(", ".join(read["tags"]))
    yield "images", tuple(map(_image, read["images"]))
    yield "related", tuple(f"{link['title']}  {link['url']}" for link in read["related"])
    yield "language", (f"{read['language']['code']} ({read['language']['confidence']:.2f})",)
    yield "form", (read["form"],)
    yield "access", _single(_access(read["access"]))
    for name in ("site_name", "canonical_url"):
        yield name, _single(read[name])
    yield "page_verdict", _single(read["provenance"]["page_verdict"])
    yield "text", (f"{len(read['paragraphs'])} paragraphs, {read['word_count']} words",)


def _single(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


def _image(image: Read) -> str:
    said = (f"{name}: {image[name]}" for name in ("caption", "credit", "alt") if image[name])
    return "  ".join((image["url"], *said))


def _access(access: Read) -> str:
    free = {True: "free", False: "not free", None: ""}[access["free"]]
    return ", ".join(each for each in (free, "an excerpt" if access["excerpt"] else "") if each)


def _line(line: Read) -> Text:
    text = visible(line["text"])
    if line["dropped"] is None:
        return Text(f"  {text}")
    return Text(f"- {text}  [{line['dropped']}; {visible(line['voice'])}]", style="dim")
