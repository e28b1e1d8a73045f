"""Stretches of columns as compiled code hands them from rule to rule: where they begin and how long they are.

An array of numba's is seven values (owner, parent, counts, strides, ...), and a call hands on every one of them: with
more than a hundred columns, uniforms and scratch arrays in each of seventy calls, most of the compiler's work was to
carry them about. A strip is the two that a rule needs. Who makes strips holds on to the arrays: a strip keeps nothing
alive. Interpreted, a strip is a view of the array.

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


@register_model(Strip)
class _Model(models.StructModel):
    def __init__(self, manager: Any, kind: Strip):
        super().__init__(manager, kind, [("data", types.CPointer(kind.dtype)), ("size", types.intp)])


make_attribute_wrapper(Strip, "size", "size")


@intrinsic
def _begin(typing: Any, array: Any, offset: Any, size: Any) -> Any:
    """A strip of `size` entries from the one at `offset`, in the order in which they stand in memory."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        own = context.make_array(signature.args[0])(context, builder, args[0])
        made = cgutils.create_struct_proxy(signature.return_type)(context, builder)
        made.data = builder.gep(own.data, [args[1]])
        made.size = args[2]
        return made._getvalue()

    return Strip(array.dtype)(array, types.intp, types.intp), make


@overload(strip, jit_options=PART)
def _strip(array, first, last):
    _without_gaps(array, 1)
    return lambda array, first, last: _begin(array, first, last - first)  # type: ignore[call-arg]


@overload(strip_of_row, jit_options=PART)
def _strip_of_row(table, row, size):
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
