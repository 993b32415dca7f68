"""Networks as formulas, and their training by generated steps."""

from symdiff.training.backprop import Backward, backpropagate
from symdiff.training.callbacks import Callback, EpochEnd
from symdiff.training.comparing import Comparison, compare
from symdiff.training.convergence import Convergence, fit_convergence
from symdiff.training.data import DATA, Dataset, Split, find_data, fitted, split
from symdiff.training.evaluation import Evaluation, Evaluator
from symdiff.training.explaining import Explanation, explain
from symdiff.training.formulas import EntryForm, Formulas, Values, inlined_formulas, matrix_formulas
from symdiff.training.history import History
from symdiff.training.layers import Observed, observe
from symdiff.training.lbfgs import Minimum, lbfgs
from symdiff.training.loop import Training, train
from symdiff.training.losses import ACTIVATIONS, LOSSES, Loss
from symdiff.training.metrics import accuracy, confusion_matrix
from symdiff.training.net import Definition, Leaf, Net, expand
from symdiff.training.nets import NETS, find_net, mazur, xor
from symdiff.training.optimizers import OPTIMIZERS, Optimizer, optimizer, read_optimizer
from symdiff.training.penalties import CLIPS, PENALTIES, Clip, Penalty, read_clip, read_penalty
from symdiff.training.perceptrons import Plan, mlp
from symdiff.training.rates import RATES, RateSchedule, read_rate
from symdiff.training.second_order import METHODS, SECOND_ORDER, JointOptimizer, gauss_newton_matrix, hessian_matrix, read_method
from symdiff.training.starts import STARTS, random_start
from symdiff.training.step import RATE, Step, training_step
from symdiff.training.sweeping import Sweep, sweep
from symdiff.training.tasks import PRESETS, Choices, Task, make_task
from symdiff.training.trajectory import Trajectory, follow
from symdiff.training.updates import UPDATES, find_update, order_of, updated

__all__ = [
    "ACTIVATIONS",
    "CLIPS",
    "DATA",
    "LOSSES",
    "METHODS",
    "NETS",
    "OPTIMIZERS",
    "PENALTIES",
    "PRESETS",
    "RATE",
    "RATES",
    "SECOND_ORDER",
    "STARTS",
    "UPDATES",
    "Backward",
    "Callback",
    "Choices",
    "Clip",
    "Comparison",
    "Convergence",
    "Dataset",
    "Definition",
    "EntryForm",
    "EpochEnd",
    "Evaluation",
    "Evaluator",
    "Explanation",
    "Formulas",
    "History",
    "JointOptimizer",
    "Leaf",
    "Loss",
    "Minimum",
    "Net",
    "Observed",
    "Optimizer",
    "Penalty",
    "Plan",
    "RateSchedule",
    "Split",
    "Step",
    "Sweep",
    "Task",
    "Training",
    "Trajectory",
    "Values",
    "accuracy",
    "backpropagate",
    "compare",
    "confusion_matrix",
    "expand",
    "explain",
    "find_data",
    "find_net",
    "find_update",
    "fit_convergence",
    "fitted",
    "follow",
    "gauss_newton_matrix",
    "hessian_matrix",
    "inlined_formulas",
    "lbfgs",
    "make_task",
    "matrix_formulas",
    "mazur",
    "mlp",
    "observe",
    "optimizer",
    "order_of",
    "random_start",
    "read_clip",
    "read_method",
    "read_optimizer",
    "read_penalty",
    "read_rate",
    "split",
    "sweep",
    "train",
    "training_step",
    "updated",
    "xor",
]
