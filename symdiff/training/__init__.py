"""Networks as formulas, and their training by generated steps."""

from symdiff.training.backprop import Backward, backpropagate
from symdiff.training.formulas import EntryForm, Formulas, Values, inlined_formulas, matrix_formulas
from symdiff.training.loop import Training, random_start, train
from symdiff.training.net import Definition, Leaf, Net, expand
from symdiff.training.nets import NETS, find_net, mazur, xor
from symdiff.training.step import Step, training_step

__all__ = [
    "NETS",
    "Backward",
    "Definition",
    "EntryForm",
    "Formulas",
    "Leaf",
    "Net",
    "Step",
    "Training",
    "Values",
    "backpropagate",
    "expand",
    "find_net",
    "inlined_formulas",
    "matrix_formulas",
    "mazur",
    "random_start",
    "train",
    "training_step",
    "xor",
]
