"""Arithmetic for models: exact decimals, bounded in time and size, no code is run."""

import ast
from collections.abc import Callable
from decimal import Context, Decimal, DecimalException, localcontext

MAX_EXPRESSION = 500
"""Characters of an expression."""

DIGITS = 50
"""Significant digits of a result."""

_LARGEST_EXPONENT = 1_000


class CalculationError(Exception):
    """The expression cannot be calculated; the message says why."""


_BINARY: dict[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
}


def _mean(*values: Decimal) -> Decimal:
    return sum(values, Decimal(0)) / len(values)


def _round(value: Decimal, places: Decimal = Decimal(0)) -> Decimal:
    if places != places.to_integral_value() or not 0 <= places <= DIGITS:
        raise CalculationError(f"round() takes 0 to {DIGITS} places.")
    return value.quantize(Decimal(1).scaleb(-int(places)))


_FUNCTIONS: dict[str, Callable[..., Decimal]] = {
    "abs": Decimal.__abs__,
    "max": lambda *values: max(values),
    "min": lambda *values: min(values),
    "sum": lambda *values: sum(values, Decimal(0)),
    "mean": _mean,
    "round": _round,
    "sqrt": Decimal.sqrt,
}


def calculate(expression: str) -> Decimal:
    """The value of an expression of numbers, `+ - * / // % **`, brackets and a few functions.

    Raises:
        CalculationError: It holds something else, or its value is undefined or too large.
    """
    if len(expression) > MAX_EXPRESSION:
        raise CalculationError(f"The expression is longer than {MAX_EXPRESSION} characters.")
    try:
        tree = ast.parse(expression.strip().replace("^", "**"), mode="eval")
        with localcontext(Context(prec=DIGITS, Emax=_LARGEST_EXPONENT, Emin=-_LARGEST_EXPONENT)):
            return _value(tree.body, expression)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise CalculationError("This is no expression of numbers.") from None
    except TypeError:
        raise CalculationError("A function has too few or too many values.") from None
    except (DecimalException, ZeroDivisionError):
        raise CalculationError("The result is undefined or too large.") from None


def _value(node: ast.expr, source: str) -> Decimal:
    match node:
        case ast.Constant(value=bool()):
            raise CalculationError("Only numbers can be calculated with.")
        case ast.Constant(value=int() | float()):
            # The digits as they are written: 0.1 is a tenth, not the nearest binary fraction.
            written = ast.get_source_segment(source.strip().replace("^", "**"), node)
            return Decimal((written or str(node.value)).replace("_", ""))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner, source)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _value(inner, source)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            base, power = _value(left, source), _value(right, source)
            if abs(power) > _LARGEST_EXPONENT:
                raise CalculationError("The exponent is too large.")
            return base**power
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _BINARY:
            return _BINARY[type(operator)](_value(left, source), _value(right, source))
        case ast.Call(func=ast.Name(id=name), args=values, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(_value(one, source) for one in values))
        case _:
            raise CalculationError(
                f"Only numbers, + - * / // % ** and {', '.join(_FUNCTIONS)} can be used."
            )
