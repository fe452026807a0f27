"""Settings from the environment: `PROBER_...` variables that win over the file.

Here: which variables there are. Not here: `PROBER_AGENT_TOKEN` and what else belongs to the agent command.
Two underscores go one level down: `PROBER_LOG__LEVEL` is `level` in `log`. Unknown variables are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath

import yaml
from pydantic import BaseModel, ConfigDict
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from .faults import ConfigError, Fault
from .yaml_nodes import PLAIN, QUOTED
from .yaml_values import Path, Tree, typed

PREFIX = "PROBER_"
_DELIMITER = "__"


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ListenSettings(_Group):
    """Overrides of `listen`."""

    public: str | None = None
    """As `listen.public`."""
    internal: str | None = None
    """As `listen.internal`."""


class StoreSettings(_Group):
    """Overrides of `store`."""

    url: str | None = None
    """As `store.url`."""


class PageSettings(_Group):
    """Overrides of `page`."""

    title: str | None = None
    """As `page.title`."""
    url: str | None = None
    """As `page.url`."""


class AgentsSettings(_Group):
    """Overrides of `agents`."""

    max_lag: str | None = None
    """As `agents.max_lag`."""
    max_in_flight: str | None = None
    """As `agents.max_in_flight`."""


class LogSettings(_Group):
    """Overrides of `log`."""

    format: str | None = None
    """As `log.format`."""
    level: str | None = None
    """As `log.level`."""


class Settings(BaseSettings):
    """Everything that a `PROBER_...` variable can set; texts as they came, checked with the file."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=_DELIMITER,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    config: str = "probes.yaml"
    """The configuration file, where the command line names none."""
    listen: ListenSettings = ListenSettings()
    store: StoreSettings = StoreSettings()
    page: PageSettings = PageSettings()
    agents: AgentsSettings = AgentsSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what is handed in: the process's own environment comes in through `read_settings`."""
        return (init_settings,)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings of an environment; ConfigError if a variable cannot be read at all."""
    source = EnvSettingsSource(Settings)
    source.env_vars = {name.lower(): value for name, value in environ.items()}
    try:
        return Settings(**source())
    except (SettingsError, ValueError):
        message = "a PROBER_ variable of a whole section must be a JSON object"
        hint = f"set single values, such as {PREFIX}LOG{_DELIMITER}LEVEL"
        raise ConfigError(
            [Fault(file="environment", line=0, column=0, path="", message=message, hint=hint)]
        ) from None


def overlay(tree: Tree, settings: Settings) -> None:
    """Put the settings into a document, as if they stood there; they are never shown."""
    for path, text in _values(settings):
        _put(tree, path, text)


def _values(settings: Settings) -> Iterator[tuple[Path, str]]:
    for section, values in settings.model_dump(exclude={"config"}).items():
        for key, text in values.items():
            if text is not None:
                yield (section, key), text


def variable_name(path: Path) -> str:
    """Return the variable that sets the value at a path."""
    return PREFIX + _DELIMITER.join(str(part).upper() for part in path)


def _put(tree: Tree, path: Path, text: str) -> None:
    name = variable_name(path)
    mark = yaml.Mark(f"environment {name}", -1, -1, -1, None, 0)
    node: yaml.Node = tree.root
    for part in path[:-1]:
        node = _child(node, str(part), yaml.MappingNode(QUOTED, [], mark, mark))
    if isinstance(node, yaml.MappingNode):
        value = yaml.ScalarNode(PLAIN, text, mark, mark)
        node.value = [pair for pair in node.value if pair[0].value != path[-1]]
        node.value.append((yaml.ScalarNode(QUOTED, str(path[-1]), mark, mark), value))
        tree.outside(value, name, typed(text))


def _child(node: yaml.Node, name: str, fresh: yaml.Node) -> yaml.Node:
    if not isinstance(node, yaml.MappingNode):
        return node
    for key, value in node.value:
        if key.value == name and isinstance(value, yaml.MappingNode):
            return value
    node.value = [pair for pair in node.value if pair[0].value != name]
    node.value.append((yaml.ScalarNode(QUOTED, name, fresh.start_mark, fresh.start_mark), fresh))
    return fresh


def config_path(environ: Mapping[str, str]) -> FilePath:
    """Return the configuration file that the environment names, else `probes.yaml`."""
    return FilePath(read_settings(environ).config)
