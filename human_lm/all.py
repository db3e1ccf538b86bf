"Every public name of the package, as in fastai: `from human_lm.all import *`"
from .figure import *
from .data import *
from .first_model import *
from .stateful import *
from .multilayer import *
from .lstm import *
from .regularize import *
from .draw import *
from .draw_inside import *
from .published import *
from .reproduce import *
from .worth import *
from .shell import *
from .command import *
from .look import *
from .own_text import *
from .save import *
