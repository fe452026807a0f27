"""From a draft to the text of a `probes.yaml`: checked by our own reader, so that what is written can be run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prober.config import ConfigError, load_text
from prober.config.foreign import neat_yaml, to_yaml

from .draft import Draft, Note, Raw, Wanted

_STAND_IN = "stand-in-for-a-secret"  # long enough for every secret that has a least length


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import gives: the new file's text, how many probes it has, and what to know about it."""

    text: str
    probes: int
    notes: tuple[Note, ...]
    wanted: tuple[Wanted, ...]


def finish(draft: Draft, origin: str) -> Imported:
    """Check every probe by itself, leave out with a note what our reader refuses, and write the rest."""
    kept = [probe for probe in draft.probes if _is_usable(probe, draft)]
    text = f"# Made by prober import from {origin}.\n" + _written(kept)
    return Imported(
        text=text,
        probes=len(kept),
        notes=tuple(sorted(set(draft.notes))),
        wanted=tuple(sorted(_used(draft.wanted, text), key=lambda wanted: wanted.line)),
    )


def _written(probes: list[Raw]) -> str:
    """Return the probes with a blank line between them."""
    texts = [neat_yaml({"probes": [probe]}).removeprefix("probes:\n") for probe in probes]
    return "probes:\n" + "\n".join(texts) if texts else "probes: []\n"


class _StandIns(Mapping[str, str]):
    """An environment in which every variable is set: what a user's hold is not known here."""

    def __getitem__(self, name: str) -> str:
        return _STAND_IN

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _is_usable(probe: Raw, draft: Draft) -> bool:
    try:
        load_text(to_yaml({"probes": [probe]}), "import", _StandIns())
    except ConfigError as error:
        for fault in error.faults:
            hint = f" ({fault.hint})" if fault.hint else ""
            where = fault.path.removeprefix("probes.0.")
            draft.note(
                draft.lines[probe["name"]], f"{probe['name']} is left out: {where}: {fault.message}{hint}"
            )
        return False
    return True


def _used(wanted: list[Wanted], text: str) -> list[Wanted]:
    return [each for each in wanted if f"${{{each.variable}}}" in text]
