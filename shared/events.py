"""ArticleEvent: what subscribers get. The contract of the project; docs/events.md explains it.

A CloudEvents 1.0 envelope in structured JSON, its attributes mirrored in `ce-*` headers. Field names follow IPTC
ninjs 3.1 and schema.org NewsArticle where these have a term.
"""

import json
import re
from typing import Literal
from uuid import UUID, uuid5

from cloudevents.core.bindings.rabbitmq import to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic import AwareDatetime, Field

from shared.contract import Contract
from shared.envelope import Message

Verb = Literal["published", "updated", "copied", "withdrawn"]
Form = Literal["article", "live_blog", "gallery", "video", "audio"]
"""What kind of page the text stands on."""
VERBS: tuple[Verb, ...] = ("published", "updated", "copied", "withdrawn")
SOURCE = "urn:fildactu:processor"
SCHEMA_VERSION = "1.1"
DATA_SCHEMA = f"urn:fildactu:schema:article:{SCHEMA_VERSION}"
CONTENT_TYPE = "application/cloudevents+json"
MAX_ROUTING_KEY_BYTES = 255


class Site(Contract):
    """Where the article stands: `host` as in its address, `name` as the site calls itself."""

    host: str
    name: str | None = None


class Language(Contract):
    """BCP 47 primary tag, `und` when it cannot be told; `confidence` from 0 to 1."""

    code: str
    confidence: float = Field(ge=0, le=1)


class Moment(Contract):
    """A time and where it was read.

    `source` is `feed`, `json-ld`, `meta`, `microdata`, `page` (what readers see), `profile:<name>`, `trafilatura` or,
    for our own request, `fetch`.
    """

    at: AwareDatetime
    source: str


class Image(Contract):
    """A picture of the article: `caption` and `credit` as readers see them, `alt` as the page describes it."""

    url: str
    caption: str | None = None
    credit: str | None = None
    alt: str | None = None


class Related(Contract):
    """Another article that this one points its readers to, by a card or a link line inside of the text."""

    url: str
    title: str


class FirstSeen(Contract):
    """The article of the story that was seen first."""

    article_id: UUID
    url: str
    site: str


class Story(Contract):
    """Articles that carry the same text. `similarity` is 1.0 for the same words, None for an original."""

    id: UUID
    role: Literal["original", "copy"]
    similarity: float | None = None
    first_seen: FirstSeen | None = None


class Provenance(Contract):
    """How we know: the feed and entry, the observation, the extractor, and the source of each field.

    `page_verdict` says why the text is the feed's own although its page was read (`index_page`, `login`, …).
    """

    feed_url: str
    feed_name: str
    entry_id: UUID
    raw_id: UUID
    observation: int
    observed_as: Literal["fetched", "unchanged", "gone", "feed_only"]
    extractor: str | None = None
    page_verdict: str | None = None
    fields: dict[str, str] = Field(default_factory=dict)


class Access(Contract):
    """Whether the whole text is free to read; None when nothing says so. `excerpt`: the text is only its free part."""

    free: bool | None = None
    excerpt: bool = False


class ArticleData(Contract):
    """A full snapshot of one revision; `withdrawn` has no text and no paragraphs."""

    article_id: UUID
    revision: int = Field(ge=1)
    previous_revision: int | None = None
    url: str
    urls: tuple[str, ...]
    site: Site
    headline: str | None = None
    lede: str | None = None
    text: str | None = None
    paragraphs: tuple[str, ...] = ()
    word_count: int = 0
    language: Language
    authors: tuple[str, ...] = ()
    published: Moment | None = None
    modified: Moment | None = None
    fetched: Moment
    section: str | None = None
    tags: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    related: tuple[Related, ...] = ()
    form: Form = "article"
    access: Access = Access()
    rights: tuple[str, ...] = ()
    story: Story
    provenance: Provenance


class ArticleEvent(Contract):
    """One event; its id is a function of (article, verb, revision), so a repeat is recognised by its id."""

    verb: Verb
    time: AwareDatetime
    traceparent: str | None = None
    data: ArticleData

    @property
    def event_id(self) -> UUID:
        return uuid5(self.data.article_id, f"{self.verb}:{self.data.revision}")

    @property
    def type(self) -> str:
        return f"fildactu.article.{self.verb}.v1"

    @property
    def routing_key(self) -> str:
        return routing_key(self.verb, self.data.language.code, self.data.site.host)

    def message(self) -> Message:
        event = self._cloudevent()
        structured = to_structured(event, JSONFormat())
        headers: dict[str, str | int] = {**to_binary(event, JSONFormat()).headers}
        return Message(
            body=structured.body,
            message_id=str(self.event_id),
            kind=self.type,
            content_type=CONTENT_TYPE,
            correlation_id=str(self.data.provenance.raw_id),
            headers=headers,
        )

    def _cloudevent(self) -> CloudEvent:
        attributes = {
            "id": str(self.event_id),
            "source": SOURCE,
            "type": self.type,
            "subject": str(self.data.article_id),
            "time": self.time,
            "datacontenttype": "application/json",
            "dataschema": DATA_SCHEMA,
            "partitionkey": self.data.site.host,
            "sequence": f"{self.data.revision:010d}",
        }
        if self.traceparent:
            attributes["traceparent"] = self.traceparent
        return CloudEvent(attributes, self.data.model_dump(mode="json"))


def read_event(body: bytes) -> ArticleEvent:
    """An event as it stands on the wire. Raises ValueError (pydantic's among them) or KeyError for what is none."""
    said = json.loads(body)
    verb = str(said["type"]).split(".")[2]
    return ArticleEvent.model_validate({**said, "verb": verb})


def routing_key(verb: Verb, language: str, host: str) -> str:
    """`article.<verb>.v1.<language>.<reversed host>`: a subscriber binds to `article.*.v1.fr.#`.

    Labels that do not fit AMQP's 255 bytes are cut from the end, that is from the host's least telling side.
    """
    labels = [_label(part) for part in reversed(host.lower().split(".")) if part]
    words = ["article", verb, "v1", _label(language.lower()), *labels]
    while len(".".join(words)) > MAX_ROUTING_KEY_BYTES:
        words.pop()
    return ".".join(words)


def _label(word: str) -> str:
    return re.sub(r"[^a-z0-9-]", "-", word) or "und"
