"""The configuration of a MONAI bundle, read as data.

Bundles may hold Python expressions (``$...``) and macros (``%...``). Nothing is evaluated here: values that depend on
them are refused where they are needed and left alone where they are not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vesalius.errors import ModelFolderError

_SEPARATOR = re.compile("::|#")  # new and old


class BundleConfig:
    """A configuration's values, with ``@`` references to other plain values resolved."""

    def __init__(self, content: Mapping[str, Any], name: str) -> None:
        self._content = content
        self._name = name

    def __contains__(self, key: str) -> bool:
        return key in self._content

    def get(self, address: str) -> Any:
        """The plain value at ``address`` (keys and positions joined by ``::``).

        Raises:
            ModelFolderError: there is none, or it depends on an expression.
        """
        return self._plain(self._raw(address), (address,))

    def written(self, address: str) -> Any:
        """What is written at ``address``, expressions included; None where there is nothing."""
        try:
            value = self._raw(address)
        except ModelFolderError:
            return None
        return self.written(value[1:]) if isinstance(value, str) and value.startswith("@") else value

    def plain(self, value: Any) -> Any:
        """``value`` with the references in it resolved.

        Raises:
            ModelFolderError: it depends on an expression, or on what is not there.
        """
        return self._plain(value, ())

    def _plain(self, value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            return {key: self._plain(item, path) for key, item in value.items()}
        if isinstance(value, list):
            return [self._plain(item, path) for item in value]
        if isinstance(value, str) and value[:1] in ("$", "%"):
            raise ModelFolderError(
                f"{self._name} holds the expression {value!r}, which is not evaluated; write its value instead"
            )
        if isinstance(value, str) and value.startswith("@"):
            address = value[1:]
            if address in path:
                raise ModelFolderError(f"in {self._name} the references {' → '.join((*path, address))} go in a circle")
            return self._plain(self._raw(address), (*path, address))
        return value

    def _raw(self, address: str) -> Any:
        value: Any = self._content
        for key in _SEPARATOR.split(address):
            try:
                value = value[int(key)] if isinstance(value, list) else value[key]
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise ModelFolderError(f"{self._name} has no {address!r}") from error
        return value


def steps(config: BundleConfig, key: str) -> list[tuple[str, Mapping[str, Any]]]:
    """(name, arguments as written) of each transform of the ``Compose`` at ``key``; empty where there is none."""
    compose = config.written(key)
    transforms = config.written(f"{key}::transforms") if isinstance(compose, dict) else compose
    items = [item for item in transforms if isinstance(item, dict)] if isinstance(transforms, list) else []
    return [(class_name(item), item) for item in items]


def class_name(item: Mapping[str, Any]) -> str:
    """The last part of ``_target_``."""
    return str(item.get("_target_", "")).rpartition(".")[2]
