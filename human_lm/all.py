"Every public name of the package, as in fastai: `from human_lm.all import *`"
from .data import *
from .first_model import *
from .stateful import *
from .multilayer import *
from .lstm import *
from .regularize import *
from .cells.layers import *
from .cells.gru import *
from .cells.awd_lstm import *
from .cells.blocks import *
from .pictures.figure import *
from .pictures.networks import *
from .pictures.inside import *
from .pictures.masks import *
from .pictures.trained import *
from .training.sequences import *
from .training.batches import *
from .training.learner import *
from .training.processes import *
from .training.numbers import *
from .runs.published import *
from .runs.recipes import *
from .runs.reproduce import *
from .runs.results import *
from .runs.workers import *
from .runs.seeds import *
from .runs.reader import *
<<<<<<< HEAD
from .runs.speed import *
=======
from .text.tokens import *
>>>>>>> text
from .text.own import *
from .text.generate import *
from .text.save import *
from .text.onnx import *
from .text.ngram import *
from .text.example import *
from .counting.measures import *
from .counting.cache import *
from .counting.best import *
from .commands.terminal import *
from .commands.reproduce import *
from .commands.count import *
from .commands.benchmark import *
from .commands.processes import *
