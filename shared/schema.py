"""The events' JSON Schema, generated from the models: `python -m shared.schema FOLDER` writes it."""

import json
import sys
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field
from pydantic.json_schema import GenerateJsonSchema

from shared.contract import Contract
from shared.events import DATA_SCHEMA, SCHEMA_VERSION, ArticleData

FILE = "article-event.v1.json"


class Envelope(Contract):
    """An article event as it stands on the wire: CloudEvents 1.0 in structured JSON.

    Unknown fields must be ignored: minor versions add some. A change that breaks readers is a new `type`.
    """

    specversion: Literal["1.0"]
    id: UUID = Field(description="The same id is the same event, however often it is delivered.")
    source: Literal["urn:fildactu:processor"]
    type: Literal[
        "fildactu.article.published.v1",
        "fildactu.article.updated.v1",
        "fildactu.article.copied.v1",
        "fildactu.article.withdrawn.v1",
    ]
    subject: UUID = Field(description="The article's id.")
    time: AwareDatetime = Field(description="When the event was decided, UTC.")
    datacontenttype: Literal["application/json"]
    dataschema: str = Field(description=f"Names the minor version: `{DATA_SCHEMA}`.")
    partitionkey: str = Field(description="The site's host.")
    sequence: str = Field(description="The revision, zero-padded: newer revisions of one subject sort later.")
    traceparent: str | None = Field(default=None, description="W3C trace context.")
    data: ArticleData


class _Readable(GenerateJsonSchema):
    """Draft 2020-12 with the version in its id."""

    def generate(self, *args: Any, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - the base's signature
        found = super().generate(*args, **options)
        names = {"$schema": self.schema_dialect, "$id": f"urn:fildactu:schema:article-event:{SCHEMA_VERSION}"}
        return {**names, "title": "Fil d'actu article event", **{k: v for k, v in found.items() if k != "title"}}


def event_schema() -> str:
    """The schema as the text that is checked in."""
    schema = Envelope.model_json_schema(schema_generator=_Readable, mode="serialization")
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(event_schema(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
