"""The table from operation to NumPy text: one row for each operation of a program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from symdiff.expr.dims import whole_dims
from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.nodes import LETTERS
from symdiff.lowering.program import Instruction
from symdiff.lowering.text import ATOM, INFIX, MATMUL, POWER, UNARY, Context, Text, infix, key_code, literal, within

# Entries of zeros that np.full writes a quarter sooner than the C library clears them for np.zeros, past the cache, where memory is used again,
# as it is up to 32 MB; more is fresh from the system, which gives zeros
CLEARED_SLOWLY, MAPPED = 3 << 18, 1 << 22

Row = Callable[[Context, Instruction, Sequence[Text]], Text]


def _infix(op: str) -> Row:
    return lambda c, i, args: infix(op, args[0], args[1])


def _matmul(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    left = args[0].code if args[0].binds == MATMUL else within(args[0], POWER)
    return Text(f"{left} @ {within(args[1], POWER)}", MATMUL)


def _gemm(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    """BLAS's memory runs down the columns: what it is given are the transposes, and (A B)^T = B^T A^T."""
    target, left, right = args
    alpha, beta = (literal(number).code for number in i.params)
    function = "sgemm" if c.known_dtype == "np.float32" else "dgemm"
    c.helpers.add(function)
    codes, flags = [], ""
    for x, flag in ((right, "trans_a"), (left, "trans_b")):
        turned = x.code.endswith(".T")  # a transpose of rows is as BLAS wants it
        codes.append(x.code if turned else f"{within(x, ATOM)}.T")
        flags += f"{flag}=True, " if turned else ""
    return Text(f"{function}({alpha}, {', '.join(codes)}, beta={beta}, c={within(target, ATOM)}.T, {flags}overwrite_c=True).T")


def _call(function: str) -> Row:
    return lambda c, i, args: Text(f"{function}({', '.join(a.code for a in args)})")


def _helper(name: str) -> Row:
    def row(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
        c.helpers.add(name)
        return Text(f"{name}({', '.join(a.code for a in args)})")

    return row


def _form(form: str, binds: int = ATOM, least: int = 0) -> Row:
    """A text with {} for each operand."""
    return lambda c, i, args: Text(form.format(*(within(a, least) for a in args)), binds)


# --- leaves and casts ---------------------------------------------------------------------------------------------
def _const(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    return literal(i.params[0])


def _constant(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    name = c.constants[i.params[0]]
    return Text(f"np.asarray({name}, {c.dtype()})") if i.kind == "real" and not c.known_dtype else Text(name)


def _cast(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    number = c.kinds[i.args[0]] == "number"
    if i.kind == "real":
        return Text(f"{c.scalar_type()}({args[0].code})" if number else f"{within(args[0], ATOM)}.astype({c.dtype()})")
    return Text(f"np.intp({args[0].code})" if number else f"{within(args[0], ATOM)}.astype(np.intp)")


def _full(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    shape = c.shape(i.params[0])
    dtype = c.dtype() if i.kind == "real" else "np.int64" if i.kind == "int" else "bool"
    maker = {"0": "zeros", "0.0": "zeros", "1": "ones", "1.0": "ones"}.get(args[0].code)
    return Text(f"np.{maker}({shape}, {dtype})" if maker else f"np.full({shape}, {args[0].code}, {dtype})")


def _copy(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    return Text(f"{within(args[0], ATOM)}.copy()" if i.shape else f"np.asarray({args[0].code})[()]")


# --- views --------------------------------------------------------------------------------------------------------
def _transpose(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    (order,) = i.params
    rank = len(order)
    x = within(args[0], ATOM)
    if order == tuple(range(rank))[::-1]:
        return Text(f"{x}.T")
    if order == (*range(rank - 2), rank - 1, rank - 2):
        return Text(f"{x}.swapaxes(-1, -2)")
    return Text(f"{x}.transpose{order}")


def _expand(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    (axes,) = i.params
    last = max(axes)
    entries = ["None" if a in axes else ":" for a in range(last + 1)]
    return Text(f"{within(args[0], ATOM)}[{', '.join(entries)}]")


def _squeeze(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    (axes,) = i.params
    entries = ["0" if a in axes else ":" for a in range(max(axes) + 1)]
    return Text(f"{within(args[0], ATOM)}[{', '.join(entries)}]")


def _reshape(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    (shape,) = i.params
    x = within(args[0], ATOM)
    return Text(f"{x}.ravel()" if len(shape) == 1 else f"{x}.reshape{c.shape(shape)}" if shape else f"{x}.reshape(())")


def _broadcast(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    return Text(f"np.broadcast_to({args[0].code}, {c.shape(i.params[0])})")


def _slice(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    return Text(f"{within(args[0], ATOM)}[{key_code(c, i.params[0], c.shapes[i.args[0]])}]")


def _diagonal(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    axes = "" if i.params == (0, 1) and len(i.shape) == 1 else f", axis1={i.params[0]}, axis2={i.params[1]}"
    return Text(f"np.diagonal({args[0].code}{axes})")


# --- reductions and products --------------------------------------------------------------------------------------
def _axis(axes: tuple[int, ...], rank: int) -> str:
    if len(axes) == rank:
        return ""
    return f", axis={axes[0] if len(axes) == 1 else axes}"


def _reduction(function: str, helper: str = "") -> Row:
    def row(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
        if helper:
            c.helpers.add(helper)
        return Text(f"{function}({args[0].code}{_axis(i.params[0], len(c.shapes[i.args[0]]))})")

    return row


def _scan(function: str) -> Row:
    def row(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
        axis, reverse = i.params
        if not reverse:
            return Text(f"{function}({args[0].code}, axis={axis})")
        return Text(f"np.flip({function}(np.flip({args[0].code}, {axis}), axis={axis}), {axis})")

    return row


def _tensordot(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    of_a, of_b = (list(axes) for axes in i.params)
    return Text(f"np.tensordot({args[0].code}, {args[1].code}, axes=({of_a}, {of_b}))")


def einsum_spec(labels: Sequence[Sequence[int]], out: Sequence[int]) -> str:
    letter = {label: LETTERS[k] for k, label in enumerate(dict.fromkeys(label for ls in labels for label in ls))}
    return f"{','.join(''.join(letter[x] for x in ls) for ls in labels)}->{''.join(letter[x] for x in out)}"


def _einsum(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    return Text(f'np.einsum("{einsum_spec(*i.params)}", {", ".join(a.code for a in args)})')


def _axis_call(form: str) -> Row:
    return lambda c, i, args: Text(form.format(args[0].code, i.params[0]))


# --- structure ----------------------------------------------------------------------------------------------------
def _tuple_code(args: Sequence[Text]) -> str:
    return f"({', '.join(a.code for a in args)}{',' if len(args) == 1 else ''})"


def _concat(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    return Text(f"np.concatenate({_tuple_code(args)}{f', axis={i.params[0]}' if i.params[0] else ''})")


def _stack(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    if len(i.shape) == 1:
        return Text(f"np.array({_tuple_code(args)})")
    return Text(f"np.stack({_tuple_code(args)}{f', axis={i.params[0]}' if i.params[0] else ''})")


def _index_code(axis: int, args: Sequence[Text]) -> str:
    return ", ".join([":"] * axis + [a.code for a in args])


def _gather(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    return Text(f"{within(args[0], ATOM)}[{_index_code(i.params[0], args[1:])}]")


def _gather_t(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    axis, shape = i.params
    c.helpers.add("add_at")
    index = args[1].code if axis == 0 and len(args) == 2 else f"np.s_[{_index_code(axis, args[1:])}]"
    return Text(f"add_at({c.shape(shape)}, {index}, {args[0].code}, {c.dtype()})")


# --- the table ----------------------------------------------------------------------------------------------------
OPERATORS: dict[str, Row] = {op: _infix(op) for op in INFIX}

_OWN: dict[str, Row] = {
    "relu": _form("np.maximum({}, 0.0)"),
    **{
        name: _helper(name)
        for name in ("sigmoid", "sigmoids", "softplus", "log_sigmoid", "silu", "leaky_relu", "elu", "gelu", "gelu_tanh", "softsign")
    },
    **{name: _helper(name) for name in ("erf", "erfc", "gammaln", "digamma", "polygamma")},
}

BLAS = frozenset(("dgemm", "sgemm"))  # of scipy.linalg.blas

TEXT: dict[str, Row] = {
    "const": _const,
    "constant": _constant,
    "size": lambda c, i, args: c.dim(i.params[0]),
    "iota": lambda c, i, args: Text(f"np.arange({c.dim(i.params[0]).code})"),
    "eye": lambda c, i, args: Text(f"np.eye({c.dim(i.params[0]).code}, dtype={c.dtype()})"),
    "negative": lambda c, i, args: Text(f"-{within(args[0], UNARY)}", UNARY),
    "sqrt": _call("np.sqrt"),
    "cast": _cast,
    "full": _full,
    "copy": _copy,
    **{f.name: _call(f"np.{f.numpy}") for f in FUNCTIONS.values() if f.numpy},
    **OPERATORS,
    "matmul": _matmul,
    "dot": _matmul,
    **_OWN,
    "transpose": _transpose,
    "expand": _expand,
    "squeeze": _squeeze,
    "reshape": _reshape,
    "broadcast": _broadcast,
    "slice": _slice,
    "diagonal": _diagonal,
    "sum": _reduction("np.sum"),
    "trace": _call("np.trace"),
    "vdot": _call("np.vdot"),
    "outer": _call("np.outer"),
    "gemm": _gemm,
    "tensordot": _tensordot,
    "einsum": _einsum,
    "diag": _call("np.diag"),
    "max": _reduction("np.max"),
    "min": _reduction("np.min"),
    "prod": _reduction("np.prod"),
    "logsumexp": _reduction("logsumexp", "logsumexp"),
    "cumsum": _scan("np.cumsum"),
    "cumprod": _scan("np.cumprod"),
    "argsort": _axis_call('np.argsort({}, axis={}, kind="stable")'),
    "argmax": _axis_call("np.argmax({}, axis={})"),
    "argmin": _axis_call("np.argmin({}, axis={})"),
    "concat": _concat,
    "stack": _stack,
    "gather": _gather,
    "gather_t": _gather_t,
    "inv": _call("np.linalg.inv"),
    "det": _call("np.linalg.det"),
    "logdet": _form("np.linalg.slogdet({})[1]"),
    "cholesky": _call("np.linalg.cholesky"),
    "eigvalsh": _call("np.linalg.eigvalsh"),
    "svdvals": _form("np.linalg.svd({}, compute_uv=False)"),
    "pinv": _call("np.linalg.pinv"),
    "solve": _call("np.linalg.solve"),
    "eigh": _call("np.linalg.eigh"),
    "svd": _form("np.linalg.svd({}, full_matrices=False)"),
}


# --- operations that take several lines ---------------------------------------------------------------------------
Lines = Callable[[Context, Instruction, Sequence[Text], str], list[str]]


def diagonal_spec(i: Instruction) -> str:
    """What gives np.einsum the diagonal of an embedding."""
    labels = i.params[1]
    return einsum_spec([labels], sorted(set(labels)))


def _embed_lines(c: Context, i: Instruction, args: Sequence[Text], name: str) -> list[str]:
    shape, _ = i.params
    size = prod(whole_dims(shape))
    zeros = f"np.zeros({c.shape(shape)}, {c.dtype()})"
    if c.known_dtype and CLEARED_SLOWLY < size <= MAPPED:
        zeros = f"np.full({c.shape(shape)}, 0.0, {c.dtype()})"
    return [f"{name} = {zeros}", f'np.einsum("{diagonal_spec(i)}", {name})[...] = {args[0].code}  # its diagonal']


def _scatter_lines(c: Context, i: Instruction, args: Sequence[Text], name: str) -> list[str]:
    keys, into = i.params
    lines = [f"{name} = np.zeros({c.shape(into)}, {c.dtype()})"]
    for k, (key, part) in enumerate(zip(keys, args, strict=True)):
        lines.append(f"{name}[{key_code(c, key, into)}] {'+=' if k else '='} {part.code}")
    return lines


LINES: dict[str, Lines] = {"embed": _embed_lines, "scatter": _scatter_lines}
