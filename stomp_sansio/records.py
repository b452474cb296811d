"""Records: classes that say what they hold and are otherwise all alike, made without `dataclasses`, whose
import alone takes longer than ours.

What lives here gives a class what `dataclass(frozen=True, slots=True)` would have given it. It must not know
what any record means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, TypeVar, cast, dataclass_transform, overload

__all__ = ["field", "hot_record", "names_of", "record", "replace"]

_RecordT = TypeVar("_RecordT")
_Methods = dict[str, Callable[..., Any]]


class _Sign:
    """Stands where no value of an application can stand."""

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def __repr__(self) -> str:
        return self.shown


_NOTHING = _Sign("<nothing>")
# What a signature shows, in the words of `dataclasses`.
_FACTORY = _Sign("<factory>")


class _Field:
    """What there is to say of a field beyond its name and its type."""

    __slots__ = ("default", "default_factory", "hidden")

    def __init__(self, default: object, default_factory: Callable[[], object] | None, hidden: bool) -> None:
        self.default = default
        self.default_factory = default_factory
        self.hidden = hidden


def field(
    *, default: Any = _NOTHING, default_factory: Callable[[], Any] | None = None, hidden: bool = False
) -> Any:
    """Say more of a field than its default: what makes one, and whether `repr` leaves it out."""
    return _Field(default, default_factory, hidden)


@overload
def record(cls: type[_RecordT], /) -> type[_RecordT]: ...
@overload
def record(*, kw_only: bool) -> Callable[[type[_RecordT]], type[_RecordT]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type | None = None, /, *, kw_only: bool = False) -> object:
    """Make a class a record: its annotations are the fields of instances that cannot be changed.

    They are equal, and hash alike, when their fields are; they can be copied, pickled and matched, and the
    functions of `dataclasses` take them. With `kw_only`, fields are given by name alone. What the class
    defines itself stays, and `__post_init__` is called at the end. The fields of a base class are not looked
    for.
    """
    if cls is None:
        return partial(_made, kw_only=kw_only, frozen=True)
    return _made(cls, kw_only=kw_only, frozen=True)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def hot_record(cls: type[_RecordT], /) -> type[_RecordT]:
    """Make a record for what comes with every message: checkers see it as frozen, and the interpreter builds
    it two to three times as fast, since nothing but checkers keeps it from being changed.
    """
    return cast("type[_RecordT]", _made(cls, kw_only=False, frozen=False))


def names_of(instance: object) -> tuple[str, ...]:
    """Return the names of a record's fields, in order."""
    return cast("tuple[str, ...]", cast("Any", instance).__record_names__)


def replace(instance: _RecordT, **changes: Any) -> _RecordT:
    """Return a record that differs from this one in some fields."""
    return type(instance)(**{name: getattr(instance, name) for name in names_of(instance)} | changes)


def _made(cls: type, *, kw_only: bool, frozen: bool) -> type:
    annotations: dict[str, Any] = cls.__annotations__
    namespace = dict(cls.__dict__)
    for slot in ("__dict__", "__weakref__"):
        namespace.pop(slot, None)
    # A default that stayed in the class would be in the way of the slot of its name.
    fields = {name: _as_field(namespace.pop(name, _NOTHING)) for name in annotations}
    names = tuple(fields)
    namespace["__slots__"] = namespace["__record_names__"] = names
    namespace["__match_args__"] = () if kw_only else names
    twin = cache(lambda: _twin(cls, fields, annotations, kw_only=kw_only, frozen=frozen))
    for name in ("__dataclass_fields__", "__dataclass_params__"):
        namespace[name] = _OfTwin(name, twin)
    namespace["__signature__"] = _Signature(twin)

    def first(self: object, *arguments: object, **keywords: object) -> None:
        # Few of the many records are ever made in one program: each is written out for its first instance.
        initializer = _initializer(made, fields, kw_only=kw_only, frozen=frozen)
        initializer.__annotations__ = annotations | {"return": None}
        type.__setattr__(made, "__init__", initializer)
        initializer(self, *arguments, **keywords)

    namespace["__init__"] = first
    for name, method in (_methods(fields) | (_FREEZING if frozen else {})).items():
        namespace.setdefault(name, method)
    # Slots can only be given to a class that is being made.
    made = type(cls)(cls.__name__, cls.__bases__, namespace)
    return made


def _as_field(value: object) -> _Field:
    return value if isinstance(value, _Field) else _Field(value, None, hidden=False)


def _initializer(
    made: type, fields: Mapping[str, _Field], *, kw_only: bool, frozen: bool
) -> Callable[..., None]:
    """Return `__init__`, which is written out and compiled: nothing that looks fields up is as fast."""
    parameters, statements = ["self", *("*" for _ in fields if kw_only)][:2], list[str]()
    names: dict[str, Any] = {"__name__": made.__module__, "_factory": _FACTORY}
    for name, field in fields.items():
        default, value = "", name
        if field.default_factory is not None:
            names[f"_make_{name}"] = field.default_factory
            default, value = "=_factory", f"_make_{name}() if {name} is _factory else {name}"
        elif field.default is not _NOTHING:
            names[f"_default_{name}"] = field.default
            default = f"=_default_{name}"
        parameters.append(name + default)
        if frozen:
            # The slot itself: nobody else has a way in, and it is faster than `object.__setattr__`.
            names[f"_set_{name}"] = made.__dict__[name].__set__
            statements.append(f"_set_{name}(self, {value})")
        else:
            statements.append(f"self.{name} = {value}")
    if hasattr(made, "__post_init__"):
        statements.append("self.__post_init__()")
    # As `dataclasses` does it, and of names that Python has read as names already.
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(statements or ["pass"]), names)  # noqa: S102
    initializer: Callable[..., None] = names["__init__"]
    initializer.__qualname__ = f"{made.__qualname__}.__init__"
    return initializer


def _methods(fields: Mapping[str, _Field]) -> _Methods:
    names = tuple(fields)
    shown = tuple(name for name, field in fields.items() if not field.hidden)
    values, shown_values = _getter(names), _getter(shown)
    template = "({})".format(", ".join(f"{name}=%r" for name in shown))

    def equal(self: object, other: object) -> object:
        if other.__class__ is self.__class__:
            return values(self) == values(other)
        return NotImplemented

    def hashed(self: object) -> int:
        return hash(values(self))

    @recursive_repr()
    def represented(self: object) -> str:
        return self.__class__.__qualname__ + template % shown_values(self)

    def state(self: object) -> list[Any]:
        return list(values(self))

    def restore(self: object, state: list[Any]) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return {
        "__eq__": equal,
        "__hash__": hashed,
        "__repr__": represented,
        "__getstate__": state,
        "__setstate__": restore,
    }


def _getter(names: tuple[str, ...]) -> Callable[[object], tuple[Any, ...]]:
    """Return what gives the values of some fields."""
    # It is the fastest, but gives the bare value of a single name.
    return attrgetter(*names) if len(names) > 1 else lambda self: tuple(getattr(self, name) for name in names)


def _refuse_assignment(self: object, name: str, value: object) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(self: object, name: str) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


_FREEZING: _Methods = {"__setattr__": _refuse_assignment, "__delattr__": _refuse_deletion}


class _OfTwin:
    """An attribute that `dataclasses` and its friends look for in a class: there once somebody looks."""

    __slots__ = ("_name", "_twin")

    def __init__(self, name: str, twin: Callable[[], type]) -> None:
        self._name = name
        self._twin = twin

    def __get__(self, instance: object, owner: type) -> object:
        return getattr(self._twin(), self._name)


class _Signature:
    """What `inspect` looks for in a class whose `__init__` is not written out yet."""

    __slots__ = ("_owner", "_twin")

    def __init__(self, twin: Callable[[], type]) -> None:
        self._twin = twin

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner = owner

    def __get__(self, instance: object, owner: type) -> object:
        if owner is not self._owner:
            # A subclass may be made of something else.
            raise AttributeError("__signature__")
        from inspect import signature

        return signature(self._twin())


def _twin(
    cls: type, fields: Mapping[str, _Field], annotations: Mapping[str, Any], *, kw_only: bool, frozen: bool
) -> type:
    """Return the dataclass that a record could be."""
    from dataclasses import field, make_dataclass

    specified: list[tuple[str, Any, Any]] = []
    for name, about in fields.items():
        options: dict[str, Any] = {"repr": not about.hidden}
        if about.default_factory is not None:
            options["default_factory"] = about.default_factory
        elif about.default is not _NOTHING:
            options["default"] = about.default
        specified.append((name, annotations[name], field(**options)))
    return make_dataclass(cls.__name__, specified, kw_only=kw_only, frozen=frozen)
