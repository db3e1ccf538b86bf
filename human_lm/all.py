"Every public name of the package, as in fastai: `from human_lm.all import *`"
from .data import *
from .first_model import *
from .stateful import *
from .multilayer import *
from .lstm import *
from .regularize import *
from .published import *
from .reproduce import *
from .shell import *
from .own_text import *
from .save import *
