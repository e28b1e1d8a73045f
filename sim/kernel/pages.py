"""Named tuples of numbers and tables as compiled code hands them from rule to rule: one address.

A call hands on every number of a tuple by itself, and every table as the seven values of an array; `Rates` and `Now`
together are some four hundred. A page is written once a chunk, where the loop begins, and a rule reads from it what it
needs: numbers as they are, tables as strips and grids. It lives as long as the loop that wrote it, which holds on to
the tuple. Interpreted, a page is the tuple itself.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.errors import TypingError
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import lower_builtin, register_model, type_callable

from sim.kernel.strips import Grid, Strip


def page(values: Any) -> Any:
    """A named tuple of numbers and of tables (n,) or (rows, columns) without gaps."""
    return values


class Page(types.Type):
    """The type of a page: what stands on it, by name and in order."""

    def __init__(self, kinds: dict[str, types.Type]):
        super().__init__(name=f"Page({', '.join(f'{name}: {kind}' for name, kind in kinds.items())})")
        self.kinds = kinds

    def layout(self, context: Any) -> Any:
        """How it stands in memory: every value in the form in which it is computed with."""
        return ir.LiteralStructType([context.get_value_type(kind) for kind in self.kinds.values()])

    def place(self, context: Any, builder: Any, page: Any, name: str) -> Any:
        """The address of one of its values."""
        whole = builder.bitcast(page, self.layout(context).as_pointer())
        return cgutils.gep_inbounds(builder, whole, 0, list(self.kinds).index(name))


register_model(Page)(models.OpaqueModel)


@infer_getattr
class _Read(AttributeTemplate):
    key = Page

    def generic_resolve(self, typ: Any, attr: str) -> Any:  # type: ignore[override]
        return typ.kinds.get(attr)


@lower_getattr_generic(Page)
def _read(context, builder, kind, page, name):
    return builder.load(kind.place(context, builder, page, name))


def _kind(name: str, value: Any) -> types.Type:
    """As what a value of a tuple stands on a page."""
    if isinstance(value, types.Number | types.Boolean):
        return value
    if isinstance(value, types.Array) and value.layout == "C" and value.ndim in (1, 2):
        return Strip(value.dtype) if value.ndim == 1 else Grid(value.dtype)
    raise TypingError(f"{name}, {value}, is no number and no table of one or two dimensions without gaps")


@type_callable(page)
def _typed(context):
    def kind(values):
        if not isinstance(values, (types.NamedTuple, types.NamedUniTuple)):
            raise TypingError(f"{values} is no named tuple")
        return Page({name: _kind(name, value) for name, value in zip(values.fields, values.types, strict=True)})

    return kind


@lower_builtin(page, types.NamedTuple)
@lower_builtin(page, types.NamedUniTuple)
def _written(context, builder, signature, args):
    """Written where it is asked for and not in a function of its own, whose memory would end with it."""
    kind, own = signature.return_type, signature.args[0]
    made = cgutils.alloca_once(builder, kind.layout(context))
    for place, (is_, was) in enumerate(zip(kind.kinds.values(), own.types, strict=True)):
        value = builder.extract_value(args[0], place)
        if isinstance(was, types.Array):
            array = context.make_array(was)(context, builder, value)
            value = is_.of(context, builder, array.data, cgutils.unpack_tuple(builder, array.shape))
        builder.store(value, cgutils.gep_inbounds(builder, made, 0, place))
    return builder.bitcast(made, cgutils.voidptr_t)
