"""Claims about derivatives: each usual mistake is recognised on several losses, and no right claim is called wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import symdiff as sd
from symdiff.api.edits import edits
from symdiff.api.evidence import Evidence, alike, distance
from symdiff.api.sampling import ADMISSIBLE, sample, size_choices
from symdiff.expr.leaves import ASSUMPTIONS
from symdiff.expr.text import parse_names

LOSSES = {
    # name: (loss, shapes, assumptions, let)
    "ls": ("sum((X@w - y)**2)", "X:n,d w:d y:n", {}, {}),
    "ridge": ("mean((X@w - y)**2) + lam*sum(w**2)", "X:n,d w:d y:n lam", {}, {}),
    "logistic": ("mean(softplus(X@w) - y*(X@w))", "X:n,d w:d y:n", {"y": "binary"}, {}),
    "softmax": ("-sum(Y*log_softmax(X@W + b))/n", "X:n,d W:d,k b:k Y:n,k", {"Y": "onehot"}, {"P": "softmax(X@W + b)"}),
    "raw softmax": ("-sum(Y*log_softmax(X@W))", "X:n,d W:d,k Y:n,k", {}, {"P": "softmax(X@W)"}),
    "mlp": ("sum(R**2)/2", "X:n,d A:d,h c:h B:h,k Y:n,k", {}, {"H": "tanh(X@A + c)", "R": "H@B - Y"}),
    "net": ("sum((y - t)**2)/2", "W1:h,d W2:k,h x:d t:k", {}, {"z": "sigmoid(W1@x)", "y": "sigmoid(W2@z)", "e": "y - t"}),
    "square net": ("sum((y - t)**2)/2", "W1:h,d W2:h,h x:d t:h", {}, {"z": "sigmoid(W1@x)", "y": "sigmoid(W2@z)", "e": "y - t"}),
    "quadratic": ("x@A@x + b@x", "A:n,n x:n b:n", {}, {}),
    "log det": ("logdet(K) - trace(K@S)", "K:n,n S:n,n", {}, {}),
    "factors": ("sum((T - U@V.T)**2)", "T:m,n U:m,r V:n,r", {}, {}),
    "variance": ("mean((x - mean(x))**2)", "x:n", {}, {}),
    "rayleigh": ("(w@A@w)/(w@w)", "A:n,n w:n", {"A": "symmetric"}, {"q": "(w@A@w)/(w@w)"}),
    "entropy": ("-sum(p*log(p))", "p:n", {"p": "prob"}, {}),
    "poisson": ("sum(exp(X@w) - y*(X@w))", "X:n,d w:d y:n", {"y": "count"}, {}),
    "scores": ("sum(G*sin(X@W))", "G:n,k X:n,d W:d,k", {}, {}),
}


def names_of(loss):
    text, shapes, assume, let = LOSSES[loss]
    names = parse_names(let, dict(entry.partition(":")[::2] for entry in shapes.split()), assume)
    return sd.parse(text, names), names


def check(loss, wrt, claim, **options):
    expr, names = names_of(loss)
    return sd.check_formula(expr, names[wrt], claim, names=names, **options)


RIGHT = [
    ("ls", "w", "2*X.T@(X@w - y)"),
    ("ls", "w", "2*X.T@X@w - 2*y@X"),
    ("ls", "w", "2*(X@w - y)@X"),
    ("ls", "X", "outer(2*(X@w - y), w)"),
    ("ls", "y", "-2*(X@w - y)"),
    ("ridge", "w", "2/n*X.T@(X@w - y) + 2*lam*w"),
    ("ridge", "lam", "w@w"),
    ("logistic", "w", "X.T@(1/(1 + exp(-X@w)) - y)/n"),
    ("softmax", "W", "X.T@(P - Y)/n"),
    ("softmax", "b", "mean(P - Y, axis=0)"),
    ("raw softmax", "W", "X.T@(sum(Y, axis=1, keepdims=True)*P - Y)"),
    ("mlp", "A", "X.T@((R@B.T)*(1 - H**2))"),
    ("mlp", "A", "X.T@((R@B.T)*(1 - H)*(1 + H))"),
    ("mlp", "B", "H.T@R"),
    ("mlp", "c", "sum((R@B.T)*(1 - H**2), axis=0)"),
    ("net", "W2", "outer(e*y*(1 - y), z)"),
    ("net", "W1", "outer((W2.T@(e*y*(1 - y)))*z*(1 - z), x)"),
    ("quadratic", "x", "(A + A.T)@x + b"),
    ("quadratic", "A", "outer(x, x)"),
    ("log det", "K", "inv(K).T - S.T"),
    ("factors", "U", "-2*(T - U@V.T)@V"),
    ("factors", "V", "-2*(T - U@V.T).T@U"),
    ("variance", "x", "2/n*(x - mean(x))"),
    ("rayleigh", "w", "2*(A@w - q*w)/(w@w)"),
    ("entropy", "p", "-1 - log(p)"),
    ("poisson", "w", "X.T@(exp(X@w) - y)"),
    ("scores", "W", "X.T@(G*cos(X@W))"),
]

# mistake: [(loss, variable, claim, what the diagnosis says)], at least three losses each
WRONG = {
    "sign": [
        ("ls", "w", "-2*X.T@(X@w - y)", "minus the right"),
        ("ls", "w", "2*X.T@(y - X@w)", "minus the right"),
        ("softmax", "W", "X.T@(Y - P)/n", "minus the right"),
        ("entropy", "p", "1 + log(p)", "minus the right"),
    ],
    "factor": [
        ("ls", "w", "X.T@(X@w - y)", "half the right formula: a factor 2"),
        ("mlp", "B", "2*H.T@R", "twice"),
        ("softmax", "W", "X.T@(P - Y)", "n times the right formula: the 1/n of a mean"),
        ("poisson", "w", "X.T@(exp(X@w) - y)/n", "1/n times"),
        ("variance", "x", "(x - mean(x))/n", "half"),
        ("variance", "x", "2*(x - mean(x))/(n - 1)", "n"),
        ("ridge", "lam", "3*(w@w)", "3 times"),
        ("factors", "U", "2*(T - U@V.T)@V/3", "sign, and a factor"),
    ],
    "transposed": [
        ("factors", "V", "(-2*(T - U@V.T).T@U).T", "transpose of the right"),
        ("net", "W2", "outer(z, e*y*(1 - y))", "transpose of the right"),
        ("log det", "K", "inv(K) - S", "transpose of the right"),
        ("ls", "X", "2*outer(w, X@w - y)", "transpose of the right"),
        ("square net", "W1", "outer((W2@(e*y*(1 - y)))*z*(1 - z), x)", "W2 should be W2.T"),
    ],
    "not summed": [
        ("softmax", "b", "(P - Y)/n", "summed over it"),
        ("softmax", "b", "P - Y", "the 1/n of a mean is missing"),
        ("mlp", "c", "(R@B.T)*(1 - H**2)", "sum(..., axis=0)"),
        ("ridge", "lam", "w**2", "sum(..., axis=0)"),
    ],
    "summed too much": [
        ("softmax", "b", "sum(P - Y)/n", "keeps its axis"),
        ("mlp", "c", "sum((R@B.T)*(1 - H**2))", "keeps its axis"),
        ("entropy", "p", "sum(-1 - log(p))", "keeps its axis"),
    ],
    "missing term": [
        ("ridge", "w", "2/n*X.T@(X@w - y)", "2·lam w"),
        ("quadratic", "x", "A@x + b", "Aᵀ x"),
        ("quadratic", "x", "(A + A.T)@x", ": b"),
        ("log det", "K", "inv(K).T", "Sᵀ"),
    ],
    "sign of a term": [
        ("ridge", "w", "2/n*X.T@(X@w - y) - 2*lam*w", "2·lam w"),
        ("quadratic", "x", "(A + A.T)@x - b", ": b"),
        ("log det", "K", "inv(K).T + S.T", "Sᵀ"),
    ],
    "factor of a term": [
        ("ridge", "w", "2/n*X.T@(X@w - y) + lam*w", "half what it should be"),
        ("ridge", "w", "2*X.T@(X@w - y) + 2*lam*w", "n times what it should be"),
        ("quadratic", "x", "(A + A.T)@x + 2*b", "twice what it should be"),
        ("log det", "K", "2*inv(K).T - S.T", "twice what it should be"),
    ],
    "derivative missing": [
        ("mlp", "A", "X.T@(R@B.T)", "derivative of tanh(u) is missing"),
        ("net", "W2", "outer(e, z)", "derivative of sigmoid(u) is missing"),
        ("net", "W1", "outer((W2.T@e)*z*(1 - z), x)", "derivative of sigmoid(u) is missing"),
        ("scores", "W", "X.T@G", "derivative of sin(u) is missing"),
    ],
    "function for derivative": [
        ("mlp", "A", "X.T@((R@B.T)*H)", "tanh(u) stands where"),
        ("net", "W2", "outer(e*y, z)", "sigmoid(u) stands where"),
        ("scores", "W", "X.T@(G*sin(X@W))", "sin(u) stands where"),
        ("net", "W1", "outer((W2.T@(e*y))*z, x)", "sigmoid stands where"),
    ],
    "derivative at the wrong place": [
        ("mlp", "A", "X.T@((R@B.T)*(1 - tanh(H)**2))", "taken at tanh(u)"),
        ("net", "W2", "outer(e*sigmoid(y)*(1 - sigmoid(y)), z)", "taken at sigmoid(u)"),
        ("square net", "W1", "outer((W2.T@(e*y*(1 - y)))*y*(1 - y), x)", "where another sigmoid is"),
    ],
    "argument for derivative": [
        ("poisson", "w", "X.T@(X@w - y)", "argument of exp(u) stands"),
        ("logistic", "w", "X.T@(X@w - y)/n", "argument of softplus(u) stands"),
        ("scores", "W", "X.T@(G*(X@W))", "argument of sin(u) stands"),
    ],
    "elementwise for matrix product": [
        ("ls", "w", "2*X.T*(X@w - y)", "matrix product is meant"),
        ("mlp", "B", "H.T*R", "matrix product is meant"),
        ("net", "W2", "(e*y*(1 - y))*z", "matrix product is meant"),
        ("quadratic", "x", "(A + A.T)*x + b", "matrix product is meant"),
    ],
    "matrix product for elementwise": [
        ("mlp", "A", "X.T@((R@B.T)@(1 - H**2))", "elementwise one is meant"),
        ("scores", "W", "X.T@(G@cos(X@W))", "elementwise one is meant"),
        ("net", "W2", "outer(e@y*(1 - y), z)", "elementwise one is meant"),
    ],
    "order": [
        ("mlp", "B", "R@H.T", "should be H.T @ R"),
        ("factors", "U", "-2*V@(T - U@V.T)", "order of a product"),
        ("ls", "w", "2*(X@w - y)@X.T", "should be"),
    ],
    "assumption": [
        ("raw softmax", "W", "X.T@(P - Y)", "right only if Y is onehot"),
        ("quadratic", "x", "2*A@x + b", "right only if A is symmetric"),
        ("log det", "K", "inv(K) - S.T", "right only if K is symmetric"),
        ("raw softmax", "W", "X.T@(Y - P)", "and then the sign"),
    ],
    "function missing": [
        ("softmax", "W", "X.T@(X@W + b - Y)/n", "softmax(X @ W + b)"),
        ("mlp", "B", "(X@A + c).T@R", "tanh(X @ A + c)"),
        ("net", "W2", "outer(e*y*(1 - y), W1@x)", "sigmoid(W1 @ x)"),
    ],
    "function too many": [
        ("ls", "w", "2*X.T@(sigmoid(X@w) - y)", "sigmoid(X @ w) should be X @ w"),
        ("mlp", "B", "H.T@tanh(R)", "tanh(R) should be R"),
        ("quadratic", "x", "(A + A.T)@exp(x) + b", "exp(x) should be x"),
    ],
    "extra term": [
        ("ls", "w", "2*X.T@(X@w - y) + w", "a term too many: w"),
        ("variance", "x", "2/n*(x - mean(x)) + x/n", "a term too many: x / n"),
        ("poisson", "w", "X.T@(exp(X@w) - y) + w", "a term too many: w"),
    ],
    "name": [
        ("softmax", "W", "X.T@(P - P)/n", "P should be Y"),
        ("net", "W2", "outer(e*y*(1 - t), z)", "t should be y"),
        ("mlp", "B", "H.T@Y", "Y should be R"),
    ],
}
OTHER_NAMES = {
    "order": {"transposed", "matrix product for elementwise", "elementwise for matrix product"}
}  # a change that mends it as well


@pytest.mark.parametrize(("loss", "wrt", "claim"), RIGHT, ids=lambda v: str(v))
def test_right_claims_are_right(loss, wrt, claim):
    verdict = check(loss, wrt, claim)
    assert verdict.ok and bool(verdict) and not verdict.diagnosis and verdict.difference <= 1e-5, verdict.text()
    assert (verdict.text().startswith("right: ") and verdict.how == "proved") or verdict.points >= 6


@pytest.mark.parametrize(("mistake", "loss", "wrt", "claim", "said"), [(m, *row) for m, rows in WRONG.items() for row in rows], ids=str)
def test_usual_mistakes_are_recognised(mistake, loss, wrt, claim, said):
    verdict = check(loss, wrt, claim)
    assert not verdict.ok
    messages = [m for m in verdict.diagnosis if m.name in {mistake} | OTHER_NAMES.get(mistake, set())]
    assert messages and any(said in m.message for m in verdict.diagnosis), verdict.text()


def test_each_mistake_is_tried_on_three_losses():
    assert all(len({(loss, wrt) for loss, wrt, *_ in rows}) >= 3 for rows in WRONG.values())


CORPUS = Path(__file__).parents[1] / "corpus"
CASES = [c for name in ("textbook", "identities") for c in json.loads((CORPUS / f"{name}.json").read_text()) if c["closed_form"]]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["id"])
def test_no_closed_form_of_the_corpus_is_called_wrong(case):
    names = parse_names(case.get("let") or {}, {k: tuple(v) for k, v in case["vars"].items()}, case.get("domain") or {})
    kind = {"grad": "gradient"}.get(case["kind"], case["kind"])
    verdict = sd.check_formula(sd.parse(case["expr"], names), names[case["wrt"]], case["closed_form"], names=names, kind=kind)
    assert verdict.ok, verdict.text()


def test_claims_may_be_expressions():
    X, w, y = sd.var("X", ("n", "d")), sd.var("w", "d"), sd.var("y", "n")
    loss = sd.sum((X @ w - y) ** 2)
    assert sd.check_formula(loss, w, 2 * X.T @ (X @ w - y)).how == "proved"
    wrong = sd.check_formula(loss, w, 2 * X.T @ (X @ w - y) + w)
    assert [m.name for m in wrong.diagnosis] == ["extra term"]


def test_hessians_and_jacobians_are_checked_too():
    assert check("ls", "w", "2*X.T@X", kind="hessian").ok
    assert "half" in check("ls", "w", "X.T@X", kind="hessian").diagnosis[0].message
    names = {"A": sd.var("A", ("m", "n")), "x": sd.var("x", "n")}
    loss = sd.tanh(names["A"] @ names["x"])
    assert sd.check_formula(loss, names["x"], "(1 - tanh(A@x)**2)[:, None]*A", kind="jacobian").ok
    assert "transpose" in sd.check_formula(loss, names["x"], "A.T*(1 - tanh(A@x)**2)", kind="jacobian").diagnosis[1].message
    with pytest.raises(sd.UnknownName, match="did you mean 'hessian'"):
        check("ls", "w", "w", kind="hesian")


def test_a_wrong_shape_says_both_shapes():
    verdict = check("softmax", "b", "P")
    assert verdict.diagnosis[0].message == "the shape: the claim is (n, k), the derivative (k,)"
    data = json.loads(json.dumps(verdict.to_dict(), allow_nan=False))
    assert verdict.difference == float("inf") and data["difference"] is None and data["claim_shape"] == ["n", "k"]


def test_shapes_that_do_not_fit_are_a_mistake_and_not_an_error():
    verdict = check("ls", "w", "2*X@(X@w - y)")
    assert verdict.how == "shape" and verdict.claim is None and not verdict.ok
    assert "X should be X.T" in verdict.text() and verdict.to_dict()["claim"] is None


@pytest.mark.parametrize(
    ("claim", "error", "said"),
    [
        ("2*X.T@(X@w - z)", sd.ParseError, "no name 'z'"),
        ("2*X.T@(X@w - y", sd.ParseError, "never closed"),
        ("__import__('os')", sd.ParseError, "no function"),
    ],
)
def test_claims_that_are_no_formulas_are_refused(claim, error, said):
    with pytest.raises(error, match=said):
        check("ls", "w", claim)


def test_nothing_is_said_of_what_is_none_of_the_usual_mistakes():
    verdict = check("ls", "w", "sin(w) + X.T@y")
    assert not verdict.ok and verdict.diagnosis == () and "none of the usual mistakes" in verdict.text(80)
    assert max(map(len, check("softmax", "b", "P - Y").text(80).splitlines())) <= 80


def test_a_claim_that_is_not_finite_where_the_derivative_is_says_so():
    verdict = check("ls", "w", "2*X.T@(X@w - y) + log(w)")
    assert not verdict.ok and verdict.diagnosis[0].name == "not finite"


def test_a_claim_that_differs_in_the_last_digits_is_wrong():
    x = sd.var("x", "n", "positive")
    verdict = sd.check_formula(sd.sum(sd.log(x)), x, "1/(x + 1e-6)")
    assert not verdict.ok and 1e-8 < verdict.difference < 1e-4


def test_losses_that_are_defined_on_a_part_of_the_line_are_sampled_there():
    x = sd.var("x", "n")
    assert sd.check_formula(sd.sum(sd.arccosh(x)), x, "1/sqrt(x**2 - 1)").ok
    assert sd.check_formula(sd.sum(sd.arcsin(x)), x, "1/sqrt(1 - x**2)").ok
    with pytest.raises(sd.Unsupported, match="say what is known"):
        sd.check_formula(sd.sum(sd.sqrt(-1 - x**2)), x, "x")


# --- what the verdicts rest on --------------------------------------------------------------------------------------
FACTS = {
    "positive": lambda a: np.all(a > 0),
    "nonnegative": lambda a: np.all(a >= 0),
    "binary": lambda a: set(np.unique(a)) <= {0.0, 1.0},
    "sign": lambda a: set(np.unique(a)) <= {-1.0, 1.0},
    "count": lambda a: np.all(a >= 0) and np.all(a == np.round(a)),
    "prob": lambda a: np.all(a > 0) and np.allclose(a.sum(-1), 1),
    "onehot": lambda a: set(np.unique(a)) == {0.0, 1.0} and np.allclose(a.sum(-1), 1),
    "unit": lambda a: np.allclose(np.linalg.norm(a, axis=-1), 1),
    "orthogonal": lambda a: np.allclose(a.T @ a, np.eye(4)),
    "invertible": lambda a: np.linalg.cond(a) < 1e4,
    "symmetric": lambda a: np.allclose(a, a.T),
    "spd": lambda a: np.allclose(a, a.T) and np.all(np.linalg.eigvalsh(a) > 0),
    "small": lambda a: np.max(np.abs(a)) < 1,
}


@pytest.mark.parametrize("word", ASSUMPTIONS)
def test_samples_keep_what_is_assumed(word):
    assert set(ADMISSIBLE) == set(ASSUMPTIONS)
    for seed in range(5):
        assert FACTS[word](sample(sd.var("A", (4, 4), word), {}, np.random.default_rng(seed)))


def test_several_assumptions_hold_together():
    a = sample(sd.var("A", (4, 4), "positive symmetric"), {}, np.random.default_rng(0))
    assert FACTS["positive"](a) and FACTS["symmetric"](a)
    assert abs(sample(sd.var("s", (), "unit"), {}, np.random.default_rng(0))) == 1


@pytest.mark.parametrize("word", ["symmetric", "invertible", "spd", "orthogonal"])
@pytest.mark.parametrize("shape", [(), ("n",), ("m", "n")])
def test_assumptions_of_matrices_are_about_matrices(word, shape):
    if len(shape) == 2 and word == "orthogonal":  # of the columns, of which there may be fewer than rows
        assert sd.var("v", shape, word).shape == shape
    else:
        with pytest.raises(sd.ShapeError, match=f"v is assumed {word}, but its shape is .* matrix is wanted"):
            sd.var("v", shape, word)


def test_sizes_differ_within_each_choice():
    X, w = sd.var("X", ("n", "d")), sd.var("w", ("d", "k"))
    choices = size_choices([X, w])
    assert all(len(set(c.values())) == 3 for c in choices) and len({tuple(c.values()) for c in choices}) == 3
    assert choices[0]["n"] > choices[0]["d"] and choices[1]["n"] < choices[1]["d"]


def test_distances_are_relative_and_wrong_shapes_infinitely_far():
    assert distance(np.ones(3), np.ones(2)) == float("inf") and distance(np.zeros(0), np.zeros(0)) == 0.0
    assert distance(np.array([1e8, 1.0]), np.array([1e8, 2.0])) == pytest.approx(1e-8)
    assert distance(np.array([np.nan]), np.array([1.0])) == float("inf")
    assert alike([np.ones(2)] * 3, [np.ones(2)] * 2 + [np.ones(2) * (1 + 1e-7)])
    assert not alike([np.ones(2)] * 3, [np.ones(2)] * 2 + [np.ones(2) * 1.1])


def test_points_where_the_result_hangs_on_the_last_digits_do_not_count():
    A = sd.var("A", ("n", "d"))
    gram = sd.inv(A.T @ A)  # singular where n < d
    evidence = Evidence(gram, gram, [A])
    assert all(p.sizes["n"] >= p.sizes["d"] for p in evidence.points)


def test_edits_are_one_change_away_and_bounded():
    found = edits("2*X.T@(X@w - y)")
    assert {"2 * X @ (X @ w - y)", "2 * X.T @ (X @ w + y)", "2 * X.T * (X @ w - y)"} <= {e.text for e in found}
    assert len({e.text for e in found}) == len(found) and edits("+".join(["x"] * 500)) == []


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_claim_without_value_is_not_proved_by_what_it_simplifies_to():
    x = sd.var("x")
    verdict = sd.check_formula(x**2, x, "2*x + log(-x**2) - log(-x**2)")
    assert not verdict
    assert "not finite" in [m.name for m in verdict.diagnosis]
