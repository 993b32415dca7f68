"""NumPy's names in one place: what the operators and methods of expressions call, and what symdiff exports."""

# fmt: off
from symdiff.expr.arrays import (
    arange, argmax, argmin, argsort, broadcast_to, concatenate, expand_dims, eye, full, index, ones, pad, ravel, repeat, reshape, sort, squeeze,
    stack, take, take_along_axis, tri, tril, triu, zeros,
)
from symdiff.expr.elementwise import (
    absolute, add, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, cbrt, ceil, clip, copysign, cos, cosh, deg2rad, digamma, divide,
    elu, equal, erf, erfc, exp, exp2, expm1, floor, floor_divide, gammaln, gelu, gelu_tanh, greater, greater_equal, heaviside, hypot, isfinite,
    isnan, leaky_relu, less, less_equal, log, log1p, log2, log10, log_sigmoid, logaddexp, logaddexp2, logical_and, logical_not, logical_or,
    logical_xor, maximum, minimum, mod, multiply, negative, not_equal, polygamma, positive, power, rad2deg, reciprocal, relu, rint, sigmoid, sign,
    silu, sin, sinc, sinh, softplus, softsign, sqrt, square, subtract, tan, tanh, trunc, where,
)
from symdiff.expr.products import (
    average, cholesky, cumprod, cumsum, det, diag, diagonal, diff, dot, eigh, eigvalsh, einsum, inner, inv, kron, log_softmax, logdet,
    logsumexp, matmul, matrix_power, matrix_transpose, max, mean, min, moveaxis, norm, outer, pinv, prod, ptp, slogdet, softmax, solve, std, sum,
    svdvals, swapaxes, tensordot, trace, transpose, variance, vdot,
)
