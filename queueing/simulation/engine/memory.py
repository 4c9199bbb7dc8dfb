"""Rows of tables by address, so that compiled functions hand on one pointer, not twenty arrays.

Numba passes an array as seven words. A run has some twenty tables, and handing them from function
to function costs more than the work done. So a run has one header: a record that holds its scalars
and the addresses of its tables. `World` keeps the tables alive while compiled code uses them.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import from_dtype, types
from numba.extending import intrinsic

Row = Callable[[Any, Any], Any]

_WORD = ir.IntType(64)


def record(**fields: str) -> np.dtype[np.void]:
    """Return the type of a row, its fields aligned as in C."""
    return np.dtype(list(fields.items()), align=True)


def rows_at(dtype: np.dtype[np.void]) -> Row:
    """Return a compiled function of a table's address and a row's number that gives the row."""
    row_type = cast(types.Record, from_dtype(dtype))

    def row(_context: Any, address: Any, number: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return _row_pointer(context, builder, row_type, *arguments)

        return row_type(types.int64, types.int64), generate

    return cast(Row, intrinsic(row))


def rows_of(header: np.dtype[np.void], name: str, dtype: np.dtype[np.void]) -> Row:
    """Return a compiled function of a header and a row's number that gives the row of a table.

    The header has the table's address in its field `name`.
    """
    row_type = cast(types.Record, from_dtype(dtype))
    header_type = cast(types.Record, from_dtype(header))
    offset = header_type.offset(name)

    def row(_context: Any, world: Any, number: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            world, number = arguments
            field = builder.add(builder.ptrtoint(world, _WORD), ir.Constant(_WORD, offset))
            address = builder.load(builder.inttoptr(field, _WORD.as_pointer()))
            return _row_pointer(context, builder, row_type, address, number)

        return row_type(header_type, types.int64), generate

    return cast(Row, intrinsic(row))


def _row_pointer(
    context: Any, builder: Any, row_type: types.Record, address: Any, number: Any
) -> Any:
    place = builder.add(address, builder.mul(number, ir.Constant(_WORD, row_type.size)))
    return builder.inttoptr(place, context.get_value_type(row_type))
