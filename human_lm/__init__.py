__version__ = "0.0.1"
# nbdev keeps the line above and leaves the rest of this file to us: the front door.
# A name is imported when it is first asked for, so that `from human_lm import LMModel6` loads torch and the chapter's
# models, but none of fastai.
import sys,warnings
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec

# fastai 2.8 scripts one of its layers, which torch from 2.10 on warns of; nothing here uses that layer
warnings.filterwarnings('ignore', message='.*torch.jit.script.*')

_home = {name:module for module,names in {
    'data':             'human_numbers read_lines number_tokens Vocab next_token_seqs lm_seqs split_seqs',
    'first_model':      'LMModel1 LMModel2',
    'stateful':         'LMModel3 LMModel4 KeepsState group_chunks',
    'multilayer':       'LMModel5',
    'lstm':             'LMModel6 LSTMCell GatewiseLSTMCell',
    'regularize':       'LMModel7 Dropout activation_reg temporal_activation_reg',
    'runs.recipes':     'chapter_learner',
    'text.tokens':      'TextVocab',
    'text.own':         'read_tokens text_dls text_learner',
    'text.generate':    'generate',
    'text.save':        'save_lm load_lm',
}.items() for name in names.split()}
__all__ = list(_home)

def __getattr__(name):
    "The public `name` from the module that defines it; or a room or module of the package"
    if name in _home: return getattr(import_module(f'.{_home[name]}', __name__), name)
    if not name.startswith('_') and find_spec(f'{__name__}.{name}'): return import_module(f'.{name}', __name__)
    near = get_close_matches(name, _home, 1)
    more = f"did you mean {near[0]!r}?" if near else f"`{__name__}.all` has every public name"
    said = f"{__name__} has no {name!r}; {more}"
    # `from human_lm import …` drops the words of an AttributeError
    raise (ImportError if sys._getframe(1).f_globals.get('__name__')=='importlib._bootstrap' else AttributeError)(said)

def __dir__(): return sorted({*globals(), *__all__})
