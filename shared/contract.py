"""The base of everything that crosses a process boundary."""

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """Frozen; unknown fields are ignored, so that a newer minor version can be read by older code."""

    model_config = ConfigDict(frozen=True, extra="ignore")
