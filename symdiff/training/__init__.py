"""Networks as formulas, and their training by generated steps."""

from symdiff.training.backprop import Backward, backpropagate
from symdiff.training.formulas import EntryForm, Formulas, Values, inlined_formulas, matrix_formulas
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
    "Definition",
    "EntryForm",
    "Formulas",
    "JointOptimizer",
    "Leaf",
    "Minimum",
    "Net",
    "Optimizer",
    "Penalty",
    "RateSchedule",
    "Step",
    "Training",
    "Values",
    "backpropagate",
    "expand",
    "find_net",
    "find_update",
    "gauss_newton_matrix",
    "hessian_matrix",
    "inlined_formulas",
    "lbfgs",
    "matrix_formulas",
    "mazur",
    "optimizer",
    "order_of",
    "random_start",
    "read_clip",
    "read_method",
    "read_optimizer",
    "read_penalty",
    "read_rate",
    "train",
    "training_step",
    "updated",
    "xor",
]
