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


def page_of(values: Any) -> Page:
    """The type of the page of a named tuple of this type."""
    if not isinstance(values, types.NamedTuple | types.NamedUniTuple):
        raise TypingError(f"{values} is no named tuple")
    fields = zip(values.fields, values.types, strict=True)
    return Page({name: _kind(name, value) for name, value in fields})


register_model(Page)(models.OpaqueModel)


@infer_getattr
class _Read(AttributeTemplate):
    key = Page

    def generic_resolve(self, typ: Any, attr: str) -> Any:  # type: ignore[override]
        return typ.kinds.get(attr)


@lower_getattr_generic(Page)
def _read(context, builder, kind, page, name):
    """Read where a rule begins, if the page was handed to it: what a branch reads keeps a loop from packing."""
    given = _given(builder, page)
    if given is None:
        return builder.load(kind.place(context, builder, page, name))
    with builder.goto_entry_block():
        return builder.load(kind.place(context, builder, given, name))


def _given(builder: Any, page: Any) -> Any:
    """The argument that a variable of a function holds, None if it is no argument: numba names both alike."""
    variable = page.operands[0].name if isinstance(page, ir.LoadInstr) else ""
    return next((one for one in builder.function.args if variable and one.name == f"arg.{variable}"), None)


def _kind(name: str, value: Any) -> types.Type:
    """As what a value of a tuple stands on a page."""
    if isinstance(value, types.Number | types.Boolean):
        return value
    if isinstance(value, types.Array) and value.layout == "C" and value.ndim in (1, 2):
        return Strip(value.dtype) if value.ndim == 1 else Grid(value.dtype)
    raise TypingError(f"{name}, {value}, is no number and no table of one or two dimensions without gaps")


@type_callable(page)
def _typed(context):
    return page_of


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
