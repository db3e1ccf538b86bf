__version__ = "0.0.1"
# nbdev keeps the line above and leaves the rest of this file to us: the public names, each imported when it is first asked for,
# so that `from human_lm import LMModel6` loads torch but none of fastai.
from importlib import import_module

_modules = 'figure data first_model stateful multilayer lstm regularize draw draw_inside published reproduce worth shell command look layers gru awd_lstm draw_masks flat fast growth processes bench generation counting cache blocks best own_text save count'.split()  # in the chapter's order

def __getattr__(name):
    "The public `name` from the module that defines it"
    if name in _modules: return import_module(f'.{name}', __name__)
    if name == '__all__': return [o for m in _modules for o in import_module(f'.{m}', __name__).__all__]
    if not name.startswith('_'):
        for m in _modules:
            mod = import_module(f'.{m}', __name__)
            if name in mod.__all__: return getattr(mod, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

def __dir__(): return sorted({*globals(), *__getattr__('__all__')})
