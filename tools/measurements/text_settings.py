"""What makes a language model learn more in the time that it has: settings of the AWD-LSTM, LMModel7 and LMModel6 on
byte pairs, one run each, judged on a part of the training text. Nothing is claimed of it but the choice that
nbs/56_text.example.ipynb makes."""
from human_lm.text.example import example_run

_short = dict(bs=16, sl=32)            # as many updates as 8 × 64, and half as many steps one after the other
_long = dict(_short, n_epoch=5)        # three minutes of one core
settings = [
    *(('AWD-LSTM',dict(_long, drop_mult=o)) for o in (0.1,0.3,0.6)),
    *(('LMModel7',dict(_long, p=o)) for o in (0.01,0.1,0.2)), ('LMModel6',_long),
    ('AWD-LSTM',{}), ('AWD-LSTM',_short), ('AWD-LSTM',dict(_short, lr=1e-2)), ('AWD-LSTM',dict(_short, bs=8)),
    ('AWD-LSTM',dict(_short, drop_mult=0.)), ('AWD-LSTM',dict(_short, n_hidden=192))]

def _key(name, kwargs): return name, ' '.join(f'{k}={o}' for k,o in kwargs.items()) or 'as it was'

def tasks(n_seeds=None):
    return {_key(name, o): (example_run, dict(name=name, tok='bpe', development=True, **o)) for name,o in settings}

def result(done):
    "Of each model and its settings, what was measured"
    kept = 'char','seconds','n_batches','train','valid'
    return {' '.join(k): {o:v[o] if o!='train' else v[o][-1] for o in kept} for k,v in done.items()}
