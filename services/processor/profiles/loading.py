"""Profiles from their files: those that come with this release, and an operator's own, which win."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.processor.profiles.schema import Profile

SHIPPED = Path(__file__).parent
_KEYS = tuple(key for key in Profile.model_fields if key != "name")
_REMEDIES = {
    "extra_forbidden": "is no key here; docs/profiles.md lists them",
    "missing": "is missing, and needed",
    "model_type": "takes keys of its own; docs/profiles.md lists them",
    "too_short": "needs one at least",
    "tuple_type": "takes one text, or a list of them",
}


class _Loader(yaml.SafeLoader):
    """Refuses what YAML forbids and the library lets pass: of a key that is there twice, one value would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT002
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value} is there twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


class InvalidProfiles(ValueError):
    """Every fault of the profiles, a line each: the file, the key, what is wrong, what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    """Profiles by the hosts they are for; a host's subdomains are meant with it."""

    by_host: Mapping[str, Profile]

    def of(self, host: str) -> Profile | None:
        """The profile of the longest known ending of `host`."""
        labels = host.split(".")
        endings = (".".join(labels[at:]) for at in range(len(labels)))
        return next((self.by_host[ending] for ending in endings if ending in self.by_host), None)

    @property
    def with_signature(self) -> tuple[Profile, ...]:
        """Those that are for other hosts too, once each."""
        return tuple({profile.name: profile for profile in self.by_host.values() if profile.signature}.values())


def load_profiles(own: Path | None = None) -> Profiles:
    """The shipped profiles and those in the folder `own`, which replace shipped ones of their hosts and names.

    Raises InvalidProfiles.
    """
    shipped, added = _folder(SHIPPED), _folder(own) if own else ()
    replaced = {profile.name for profile in added}
    stay = {host: profile for profile in shipped if profile.name not in replaced for host in profile.hosts}
    return Profiles(by_host=stay | {host: profile for profile in added for host in profile.hosts})


@cache
def shipped_profiles() -> Profiles:
    return load_profiles()


def _folder(folder: Path) -> tuple[Profile, ...]:
    if not folder.is_dir():
        raise InvalidProfiles(f"{folder}: is no folder; name the folder that holds the profiles, NAME.yaml each")
    profiles: list[Profile] = []
    faults: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            profiles.append(_profile(path))
        except InvalidProfiles as error:
            faults.append(str(error))
    faults += _claimed_twice(profiles)
    if faults:
        raise InvalidProfiles("\n".join(faults))
    return tuple(profiles)


def _profile(path: Path) -> Profile:
    try:
        said = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a safe loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidProfiles(f"{path}: cannot be read as YAML in UTF-8: {' '.join(str(error).split())}") from error
    if not isinstance(said, dict):
        raise InvalidProfiles(f"{path}: holds no keys; a profile has at least hosts, container and blocks")
    if "name" in said:
        raise InvalidProfiles(f"{path}: name: is the name of the file; take the key out")
    try:
        return Profile.model_validate({"name": path.stem} | {str(key): value for key, value in said.items()})
    except ValidationError as error:
        raise InvalidProfiles("\n".join(f"{path}: {_said_of(fault)}" for fault in error.errors())) from error


def _said_of(fault: ErrorDetails) -> str:
    place, kind = fault["loc"], fault["type"]
    key = ".".join(map(str, place))
    if place == ("name",):
        return "the file's name is the profile's: small letters a to z, digits and hyphens, 30 at most"
    if kind == "extra_forbidden" and len(place) == 1:
        return f"{key}: is no key of a profile; there are {', '.join(_KEYS)}"
    return f"{key}: {_REMEDIES.get(kind) or fault['msg'].removeprefix('Value error, ')}"


def _claimed_twice(profiles: list[Profile]) -> Iterator[str]:
    owners: dict[str, str] = {}
    for profile in profiles:
        for host in profile.hosts:
            if host in owners:
                yield f"{profile.name}.yaml: hosts: {host} is in {owners[host]}.yaml too; take it out of one of them"
            owners.setdefault(host, profile.name)
