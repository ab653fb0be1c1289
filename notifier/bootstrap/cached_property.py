"""A thread-safe `cached_property`: functools' may compute the value twice."""

from collections.abc import Callable
from threading import RLock
from typing import Any, Generic, TypeVar, overload

Value = TypeVar("Value")
_building = RLock()


class cached_property(Generic[Value]):  # noqa: N801 - reads as the decorator it is
    """Turns a method without arguments into an attribute, built once on first use."""

    def __init__(self, make: Callable[[Any], Value]) -> None:
        self._make = make
        self._name = ""
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "cached_property[Value]": ...

    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...

    def __get__(self, instance: object | None, owner: type) -> "cached_property[Value] | Value":
        if instance is None:
            return self
        with _building:
            if self._name not in instance.__dict__:
                instance.__dict__[self._name] = self._make(instance)
            value: Value = instance.__dict__[self._name]
            return value
