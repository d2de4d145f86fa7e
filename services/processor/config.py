"""The processor's settings (`PROCESSOR_*`)."""

import os
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from services.processor.profiles.loading import load_profiles
from shared.config import ServiceSettings
from shared.workers import WorkerLimits


def _spare_cores() -> int:
    """Every core but one: the event loop needs some of it to feed the workers."""
    return max(1, len(os.sched_getaffinity(0)) - 1)


class ProcessorSettings(ServiceSettings):
    """See docs/operations.md for each."""

    model_config = SettingsConfigDict(
        env_prefix="PROCESSOR_", frozen=True, extra="ignore", env_ignore_empty=True, env_file=None
    )

    workers: int = Field(default_factory=_spare_cores, ge=1, description="extraction processes")
    extract_seconds: float = Field(default=20.0, gt=0, description="a page that takes longer costs its worker")
    extract_memory_bytes: int = Field(default=2 * 2**30, gt=0)
    profiles_dir: Path | None = Field(default=None, description="site profiles of one's own, beside the shipped ones")
    relay_batch: int = Field(default=50, ge=1, description="events in flight to the broker")
    relay_idle_seconds: float = Field(default=1.0, gt=0)
    relay_lease_seconds: float = Field(default=30.0, gt=0, description="until another relay sends what one had taken")
    keep_bodies_days: float = Field(default=30.0, gt=0, description="bodies of confirmed events, for republishing")
    keep_inbox_days: float = Field(default=90.0, gt=0, description="ids of observations, for recognising repeats")
    keep_lines_days: float = Field(default=30.0, gt=0, description="lines of each host's last articles, by their keys")

    @field_validator("profiles_dir")
    @classmethod
    def _valid_profiles(cls, value: Path | None) -> Path | None:
        # A service with a faulty profile would read pages otherwise than it was told to.
        load_profiles(value)
        return value

    @property
    def concurrency(self) -> int:
        return 2 * self.workers

    @property
    def extraction(self) -> WorkerLimits:
        return WorkerLimits(workers=self.workers, seconds=self.extract_seconds, memory_bytes=self.extract_memory_bytes)
