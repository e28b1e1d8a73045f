"""Stretches of columns as compiled code hands them from rule to rule: where they begin and how long they are.

An array of numba's is seven values (owner, parent, counts, strides, ...), and a call hands on every one of them: with
more than a hundred columns, uniforms and scratch arrays in each of seventy calls, most of the compiler's work was to
carry them about. A strip is the two that a rule needs, a grid (a table by tier and something) the three. Who makes them
holds on to the arrays: they keep nothing alive. Interpreted, a strip is a view of the array.

Indices are not looked at: from 0 on, below the size.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import (
    intrinsic,
    lower_builtin,
    make_attribute_wrapper,
    models,
    overload,
    register_model,
)

from sim.kernel.numerics import PART


def strip(array: np.ndarray, first: int, last: int) -> Any:
    """Entries first..last of an array (n,) without gaps."""
    return array[first:last]


def strip_of_row(table: np.ndarray, row: int, size: int) -> Any:
    """The first `size` entries of a row of a table (rows, n) without gaps."""
    return table[row, :size]


class Strip(types.Type):
    """The type of a strip of numbers of one kind."""

    def __init__(self, dtype: types.Type):
        super().__init__(name=f"Strip({dtype})")
        self.dtype = dtype

    def of(self, context: Any, builder: Any, data: Any, shape: Any) -> Any:
        """One that begins at this address, of so many entries."""
        made = cgutils.create_struct_proxy(self)(context, builder)
        made.data, (made.size,) = data, shape
        return made._getvalue()


@register_model(Strip)
class _Model(models.StructModel):
    def __init__(self, manager: Any, kind: Strip):
        super().__init__(manager, kind, [("data", types.CPointer(kind.dtype)), ("size", types.intp)])


make_attribute_wrapper(Strip, "size", "size")


class Grid(types.Type):
    """The type of a table of numbers of one kind, by two numbers."""

    def __init__(self, dtype: types.Type):
        super().__init__(name=f"Grid({dtype})")
        self.dtype = dtype

    def of(self, context: Any, builder: Any, data: Any, shape: Any) -> Any:
        """One that begins at this address, with so many rows and columns."""
        made = cgutils.create_struct_proxy(self)(context, builder)
        made.data, (made.rows, made.columns) = data, shape
        return made._getvalue()


@register_model(Grid)
class _GridModel(models.StructModel):
    def __init__(self, manager: Any, kind: Grid):
        sizes = [("rows", types.intp), ("columns", types.intp)]
        super().__init__(manager, kind, [("data", types.CPointer(kind.dtype)), *sizes])


@intrinsic
def _begin(typing: Any, array: Any, offset: Any, size: Any) -> Any:
    """A strip of `size` entries from the one at `offset`, in the order in which they stand in memory."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        own = context.make_array(signature.args[0])(context, builder, args[0])
        return signature.return_type.of(context, builder, builder.gep(own.data, [args[1]]), [args[2]])

    return Strip(array.dtype)(array, types.intp, types.intp), make


@overload(strip, jit_options=PART)
def _strip(array, first, last):
    _without_gaps(array, 1)
    return lambda array, first, last: _begin(array, first, last - first)  # type: ignore[call-arg]


@intrinsic
def _row(typing: Any, grid: Any, row: Any, size: Any) -> Any:
    """The first `size` entries of a row of a grid."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        own = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=args[0])
        begin = builder.gep(own.data, [builder.mul(args[1], own.columns)])
        return signature.return_type.of(context, builder, begin, [args[2]])

    return Strip(grid.dtype)(grid, types.intp, types.intp), make


@overload(strip_of_row, jit_options=PART)
def _strip_of_row(table, row, size):
    if isinstance(table, Grid):
        return lambda table, row, size: _row(table, row, size)  # type: ignore[call-arg]
    _without_gaps(table, 2)
    return lambda table, row, size: _begin(table, row * table.shape[1], size)  # type: ignore[call-arg]


def _without_gaps(array: Any, dimensions: int) -> None:
    if not isinstance(array, types.Array) or array.layout != "C" or array.ndim != dimensions:
        raise TypingError(f"{array} is no array of {dimensions} dimensions without gaps")


@infer_global(operator.getitem)
class _Get(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if isinstance(args[0], Strip) and isinstance(args[1], types.Integer):
            return signature(args[0].dtype, args[0], types.intp)
        if isinstance(args[0], Grid) and isinstance(args[1], types.UniTuple) and args[1].count == 2:
            return signature(args[0].dtype, args[0], types.UniTuple(types.intp, 2))
        return None


@infer_global(operator.setitem)
class _Set(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if isinstance(args[0], Strip) and isinstance(args[1], types.Integer):
            return signature(types.none, args[0], types.intp, args[0].dtype)
        return None


def _place(context: Any, builder: Any, kind: Strip, value: Any, index: Any) -> Any:
    own = cgutils.create_struct_proxy(kind)(context, builder, value=value)
    return builder.gep(own.data, [index])


@lower_builtin(operator.getitem, Strip, types.intp)
def _get(context, builder, signature, args):
    return context.unpack_value(builder, signature.return_type, _place(context, builder, signature.args[0], *args))


@lower_builtin(operator.setitem, Strip, types.intp, types.Any)
def _set(context, builder, signature, args):
    place = _place(context, builder, signature.args[0], *args[:2])
    context.pack_value(builder, signature.args[2], args[2], place)
    return context.get_dummy_value()


@lower_builtin(operator.getitem, Grid, types.UniTuple)
def _get_of_two(context, builder, signature, args):
    own = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=args[0])
    row, column = cgutils.unpack_tuple(builder, args[1])
    place = builder.gep(own.data, [builder.add(builder.mul(row, own.columns), column)])
    return context.unpack_value(builder, signature.return_type, place)
