"""YAML restricted to JSON: no dates, no `no` for false, no aliases, unique keys.

A file of events is outside input. YAML's aliases can expand a kilobyte to gigabytes, and its
guesses turn the locale `no` into a boolean. Values are therefore resolved by the JSON schema of
YAML 1.2 (section 10.2).
"""

import json
import re
from collections.abc import Iterator

import yaml

from notifier.domain.errors import FieldError, InvalidInputError

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_WORDS = {"null": None, "~": None, "": None, "true": True, "false": False}
_INT_DIGITS = 18  # longer integers count nothing
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)


def yaml_items(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, JSON text) per event of a mapping, a list of mappings, or several documents.

    Raises:
        InvalidInputError: Invalid YAML, or a construct that JSON does not have.
    """
    try:
        roots = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        _refuse_aliases(roots)
        for root in roots:
            for node in root.value if isinstance(root, yaml.SequenceNode) else [root]:
                yield _line(node), json.dumps(_value(node), ensure_ascii=False)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _fault(mark.line + 1 if mark else 1, f"broken YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise _fault(1, f"broken YAML: {type(error).__name__}") from None
    except RecursionError:
        raise _fault(1, "broken YAML: nested too deeply") from None


def _fault(line: int, message: str) -> InvalidInputError:
    return InvalidInputError([FieldError(f"line {line}: body", message)])


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _refuse_aliases(roots: list[yaml.Node]) -> None:
    """Reject aliases: nodes reached twice. The graph is walked once, so a bomb stays small."""
    seen: set[int] = set()
    left = list(roots)
    while left:
        node = left.pop()
        if id(node) in seen:
            raise _fault(_line(node), "aliases are not taken; write the text out")
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            left += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            left += node.value


def _value(node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item) for item in node.value]
    return _scalar(node)


def _mapping(node: yaml.MappingNode) -> dict[str, object]:
    values: dict[str, object] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _fault(_line(key), "a key must be a plain word")
        if key.value in values:
            raise _fault(_line(key), f"the key {key.value!r} stands here twice")
        values[key.value] = _value(value)
    return values


def _scalar(node: yaml.Node) -> object:
    if node.tag not in _PLAIN_TAGS:
        raise _fault(_line(node), f"the tag {node.tag} is not taken")
    text = str(node.value)
    if isinstance(node, yaml.ScalarNode) and node.style is not None:  # quoted, or a block of text
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return float(text) if any(letter in text for letter in ".eE") or len(text) > _INT_DIGITS else int(text)
    return text
