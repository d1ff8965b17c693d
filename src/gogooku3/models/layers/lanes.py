"""Eight float32 lanes as one value, for kernels compiled with ``numba.njit``.

The compiler vectorises plain loops only where it can prove that no arrays overlap, which it rarely can of a row
gathered from anywhere; the graph kernel is three to six times faster when it says itself what goes in parallel.
LLVM maps the lanes to whatever the processor has. Arrays have to be C-contiguous and are addressed by element from
their beginning, whatever their rank; nothing checks the bounds.

A kernel cached on disk does not notice a change here: touch its file too.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped] # has no types
from numba import extending, types

LANES = 8
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INTS = ir.VectorType(ir.IntType(32), LANES)
_CONTRACT = ("contract",)  # a product and a sum may become one fused step; nothing else is reordered

# exp(x) = 2^n exp(r), r = x - n ln 2 in two parts, exp(r) a polynomial: Cephes, expf
_LOWEST = -87.0
_LOG2_E = 1.44269504
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4
_POLYNOMIAL = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5)


def _intrinsic(typing: Callable[..., Any]) -> Callable[..., Any]:
    """Make numba's intrinsic, typed as what is called: arguments without the typing context."""
    function: Callable[..., Any] = extending.intrinsic(typing)
    return function


class LanesType(types.Type):
    """Numba's type of eight float32 values."""

    def __init__(self) -> None:
        super().__init__(name="Lanes8")


lanes: Any = LanesType()


@extending.register_model(LanesType)
class _LanesModel(extending.models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _FLOATS)  # type: ignore[no-untyped-call] # of numba


@_intrinsic
def load(_typing: Any, array: Any, at: Any) -> Any:
    """The eight values of a float32 array from element ``at`` on."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(_pointer(context, builder, signature, values), align=4)

    return lanes(array, at), emit


@_intrinsic
def store(_typing: Any, array: Any, at: Any, value: Any) -> Any:
    """Write eight values from element ``at`` on."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.store(values[2], _pointer(context, builder, signature, values), align=4)
        return context.get_dummy_value()

    return types.void(array, at, value), emit


@_intrinsic
def splat(_typing: Any, number: Any) -> Any:
    """The same float32 number in all lanes."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        single = context.cast(builder, values[0], signature.args[0], types.float32)
        first = builder.insert_element(
            ir.Constant(_FLOATS, ir.Undefined), single, ir.Constant(ir.IntType(32), 0)
        )
        return builder.shuffle_vector(first, first, _whole([0] * LANES))

    return lanes(number), emit


@_intrinsic
def larger(_typing: Any, left: Any, right: Any) -> Any:
    """``left`` where it is greater than ``right``, else ``right``."""

    def emit(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", *values), *values)

    return lanes(left, right), emit


@_intrinsic
def where_positive(_typing: Any, sign: Any, left: Any, right: Any) -> Any:
    """``left`` where ``sign`` is greater than 0, else ``right``."""

    def emit(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", values[0], _constant(0.0)), values[1], values[2])

    return lanes(sign, left, right), emit


@_intrinsic
def exponential(_typing: Any, exponent: Any) -> Any:
    """Exponential of numbers up to 0, to 1e-7; below -87 it is that of -87, NaN stays NaN."""

    def emit(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        def fused(left: Any, right: Any, plus: Any) -> Any:
            return builder.fadd(builder.fmul(left, right, flags=_CONTRACT), plus, flags=_CONTRACT)

        low = _constant(_LOWEST)
        x = builder.select(builder.fcmp_ordered(">", values[0], low), values[0], low)
        power = builder.fptosi(
            fused(x, _constant(_LOG2_E), _constant(-0.5)), _INTS
        )  # rounds, since x is not above 0
        whole = builder.sitofp(power, _FLOATS)
        rest = fused(whole, _constant(-_LN2_LOW), fused(whole, _constant(-_LN2_HIGH), x))
        series = _constant(_POLYNOMIAL[0])
        for coefficient in _POLYNOMIAL[1:]:
            series = fused(series, rest, _constant(coefficient))
        fraction = fused(builder.fmul(rest, rest), series, builder.fadd(rest, _constant(1.0)))
        scale = builder.shl(builder.add(power, _whole([127] * LANES)), _whole([23] * LANES))
        result = builder.fmul(fraction, builder.bitcast(scale, _FLOATS))
        return builder.select(builder.fcmp_ordered("ord", values[0], values[0]), result, values[0])

    return lanes(exponent), emit


def shuffled(pattern: Sequence[int]) -> Callable[[Any], Any]:
    """Return the function that puts lane ``pattern[i]`` into lane ``i``."""

    @_intrinsic
    def shuffle(_typing: Any, value: Any) -> Any:
        def emit(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
            return builder.shuffle_vector(values[0], values[0], _whole(pattern))

        return lanes(value), emit

    return shuffle


def _arithmetic(symbol: Callable[[Any, Any], Any], method: str) -> None:
    @_intrinsic
    def apply(_typing: Any, left: Any, right: Any) -> Any:
        def emit(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
            return getattr(builder, method)(*values, flags=_CONTRACT)

        return lanes(left, right), emit

    @extending.overload(symbol)
    def _of_lanes(left, right):  # type: ignore[no-untyped-def] # numba compares the signatures
        if left is lanes and right is lanes:
            return lambda left, right: apply(left, right)  # noqa: PLW0108 - numba wants these very parameters
        return None


for _symbol, _method in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _arithmetic(_symbol, _method)


def _constant(number: float) -> ir.Constant:
    return ir.Constant(_FLOATS, [ir.Constant(ir.FloatType(), number)] * LANES)


def _whole(numbers: Sequence[int]) -> ir.Constant:
    return ir.Constant(_INTS, [ir.Constant(ir.IntType(32), number) for number in numbers])


def _pointer(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    kind, at = signature.args[:2]
    array = context.make_array(kind)(context, builder, values[0])
    element = context.cast(builder, values[1], at, types.intp)
    first = builder.gep(array.data, [element], inbounds=True)
    return builder.bitcast(first, _FLOATS.as_pointer())
