"""YAML to plain values: core scalars, keys, aliases, limits, places of faults."""

from __future__ import annotations

import pytest

from prober.config.faults import ConfigError
from prober.config.yaml_nodes import MAX_DEPTH, MAX_FILE_BYTES, Loader, PureLoader, compose, decode
from prober.config.yaml_values import Tree

LOADERS = [pytest.param(Loader, id="default"), pytest.param(PureLoader, id="pure")]


def plain(text: str, loader: type = Loader) -> object:
    """Return the plain value of a text without faults."""
    tree = Tree(compose(text, "t.yaml", loader), "t.yaml", {})
    value = tree.plain()
    assert tree.faults == []
    return value


def faults(text: str, loader: type = Loader) -> list[str]:
    """Return the faults of a text as they are printed."""
    try:
        tree = Tree(compose(text, "t.yaml", loader), "t.yaml", {})
        tree.plain()
    except ConfigError as error:
        return [str(fault) for fault in error.faults]
    return [str(fault) for fault in tree.faults]


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("y", "y"), ("true", True), ("True", True), ("tRue", "tRue"),
        ("false", False), ("null", None), ("~", None), ("", None), ("012", 12), ("-7", -7), ("+7", 7), ("0o17", 15),
        ("0x1F", 31), ("0b11", "0b11"), ("1_000", "1_000"), ("1:30", "1:30"), ("2026-01-01", "2026-01-01"),
        ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("1.2.3", "1.2.3"), ("--", "--"),
        ("'12'", "12"), ('"true"', "true"), ("!!str 12", "12"), ("!!int 12", 12), ("=", "="), ("99.95%", "99.95%"),
    ],
)  # fmt: skip
def test_scalars_follow_the_core_schema(scalar: str, value: object, loader: type) -> None:
    read = plain(f"key: {scalar}", loader)
    assert read == {"key": value}
    assert isinstance(read, dict)
    assert type(read["key"]) is type(value)


@pytest.mark.parametrize("loader", LOADERS)
def test_anchors_and_merge_keys_work_and_own_keys_win(loader: type) -> None:
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [{x: 9}, *a]}\nd: *a\n"
    both = {"x": 1, "y": 2}
    assert plain(text, loader) == {"a": both, "b": {"x": 1, "y": 3}, "c": {"x": 9, "y": 2}, "d": both}


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "t.yaml:4:3: b.c: the same key twice (first on line 3)"),
        ("a: 1\n12: x\n", "t.yaml:2:1: the key '12' is not text (put it in quotes)"),
        ("[a]: x\n", "t.yaml:1:1: a key must be text"),
        (
            "a: !!python/name:os.system x\n",
            "t.yaml:1:4: a: the tag 'tag:yaml.org,2002:python/name:os.system'",
        ),
        ("a: !!set {x}\n", "t.yaml:1:4: a: the tag 'tag:yaml.org,2002:set' is not supported (remove it)"),
        ("a: .inf\n", "t.yaml:1:4: a: not a finite number (put it in quotes if it is text)"),
        (f"a: {'9' * 41}\n", "t.yaml:1:4: a: too many digits"),
        ("a: 1e999\n", "t.yaml:1:4: a: too many digits"),
        ("a:\n  b: 1\n\tc: 2\n", "t.yaml:3:"),
        ("a: 'x\n", "t.yaml:"),
        ("a: b: c\n", "t.yaml:1:5: a second ': ' on one line (put text with ': ' in quotes)"),
        ("a: *b\n", "t.yaml:1:4: an alias that no anchor defines (the anchor must come first)"),
        ("a: 1\n---\nb: 1\n", "t.yaml:2:1: a second document in the file (remove the --- line)"),
        ("", "t.yaml:1:1: the file is empty (start with probes:)"),
        ("# nothing\n", "t.yaml:1:1: the file is empty (start with probes:)"),
        ("ab: \x01\n", "t.yaml:1:5: a control character"),
        ("a: @x\n", "t.yaml:1:4: text cannot start with @ (quote it)"),
        ("a: {<<: 5}\n", "t.yaml:1:9: a: << takes a mapping or a list of mappings"),
        ("a: &a {<<: *a}\n", "t.yaml:1:4: a: a merge key that merges the mapping into itself"),
    ],
)
def test_a_fault_of_the_yaml_has_its_line_and_column(text: str, place: str, loader: type) -> None:
    found = faults(text, loader)
    assert len(found) == 1
    assert found[0].startswith(place)


@pytest.mark.parametrize("loader", LOADERS)
def test_a_tab_in_the_indentation_is_called_a_tab(loader: type) -> None:
    assert faults("a:\n\t- b\n", loader) == ["t.yaml:2:1: a tab in the indentation (use spaces)"]


def test_an_alias_bomb_is_refused_before_it_expands() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "more than 1000000 values" in faults("\n".join(lines))[0]


def test_a_merge_bomb_is_refused() -> None:
    keys = ", ".join(f"k{n}: 1" for n in range(1_000))
    text = f"a: &a {{{keys}}}\nb: {{<<: [{', '.join(['*a'] * 1_001)}]}}\n"
    assert "more than 1000000 values" in faults(text)[0]


def test_an_alias_inside_its_own_anchor_is_refused() -> None:
    assert "an alias inside its own anchor?" in faults("a: &a [*a]")[0]


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("opening", ["[", "- ", "? ", "{a: "])
def test_nesting_is_limited_however_it_is_written(opening: str, loader: type) -> None:
    assert f"nested deeper than {MAX_DEPTH} levels" in faults(opening * 5_000, loader)[0]


def test_nesting_up_to_the_limit_is_read() -> None:
    assert plain("[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)) is not None
    assert faults("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) != []


def test_files_over_ten_megabytes_are_refused() -> None:
    with pytest.raises(ConfigError, match="over 10 MB"):
        decode(b"#" * (MAX_FILE_BYTES + 1), "t.yaml")
    assert len(decode(b"#" * MAX_FILE_BYTES, "t.yaml")) == MAX_FILE_BYTES


def test_bytes_that_are_not_utf8_are_refused_with_their_place() -> None:
    with pytest.raises(ConfigError) as caught:
        decode("a: ü\nb: ".encode() + b"\xff", "t.yaml")
    assert str(caught.value) == "t.yaml:2:4: not UTF-8 text (save the file as UTF-8)"
    assert decode(b"\xef\xbb\xbfa: 1", "t.yaml") == "a: 1"
