"""Networks as formulas, and their training by generated steps."""

from symdiff.training.backprop import Backward, backpropagate
from symdiff.training.comparing import Comparison, compare
from symdiff.training.convergence import Convergence, fit_convergence
from symdiff.training.explaining import Explanation, explain
from symdiff.training.formulas import EntryForm, Formulas, Values, inlined_formulas, matrix_formulas
from symdiff.training.layers import Observed, observe
from symdiff.training.lbfgs import Minimum, lbfgs
from symdiff.training.loop import Training, train
from symdiff.training.net import Definition, Leaf, Net, expand
from symdiff.training.nets import NETS, find_net, mazur, xor
from symdiff.training.optimizers import OPTIMIZERS, Optimizer, optimizer, read_optimizer
from symdiff.training.penalties import CLIPS, PENALTIES, Clip, Penalty, read_clip, read_penalty
from symdiff.training.rates import RATES, RateSchedule, read_rate
from symdiff.training.second_order import METHODS, SECOND_ORDER, JointOptimizer, gauss_newton_matrix, hessian_matrix, read_method
from symdiff.training.starts import random_start
from symdiff.training.step import RATE, Step, training_step
from symdiff.training.sweeping import Sweep, sweep
from symdiff.training.trajectory import Trajectory, follow
from symdiff.training.updates import UPDATES, find_update, order_of, updated

__all__ = [
    "CLIPS",
    "METHODS",
    "NETS",
    "OPTIMIZERS",
    "PENALTIES",
    "RATE",
    "RATES",
    "SECOND_ORDER",
    "UPDATES",
    "Backward",
    "Clip",
    "Comparison",
    "Convergence",
    "Definition",
    "EntryForm",
    "Explanation",
    "Formulas",
    "JointOptimizer",
    "Leaf",
    "Minimum",
    "Net",
    "Observed",
    "Optimizer",
    "Penalty",
    "RateSchedule",
    "Step",
    "Sweep",
    "Training",
    "Trajectory",
    "Values",
    "backpropagate",
    "compare",
    "expand",
    "explain",
    "find_net",
    "find_update",
    "fit_convergence",
    "follow",
    "gauss_newton_matrix",
    "hessian_matrix",
    "inlined_formulas",
    "lbfgs",
    "matrix_formulas",
    "mazur",
    "observe",
    "optimizer",
    "order_of",
    "random_start",
    "read_clip",
    "read_method",
    "read_optimizer",
    "read_penalty",
    "read_rate",
    "sweep",
    "train",
    "training_step",
    "updated",
    "xor",
]
