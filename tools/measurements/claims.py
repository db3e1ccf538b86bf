"""Which of the chapter's comparisons survive equal budgets: fifteen epochs for every model, the learning rate of each
chosen on held-out training text, at equal width and with equally many parameters. Read in nbs/45_runs.seeds.ipynb."""
import statistics
from dataclasses import replace
from functools import lru_cache,partial

from torch import nn

from human_lm.counting.measures import read_rows
from human_lm.lstm import LMModel6
from human_lm.multilayer import LMModel5
from human_lm.runs.recipes import chapter_corpus,recipe,validation_rows
from side_by_side import SideBySide

class ReLURNN(LMModel5):
    "`LMModel5` with ReLU in place of tanh"
    rnn_cls = staticmethod(partial(nn.RNN, nonlinearity='relu'))

n_epoch,lrs,n_tries = 15,(1e-3,3e-3,1e-2,3e-2),2  # of all; rates to choose from, with as many seeds of their own
def _of(name, **kwargs): return replace(recipe(name), n_epoch=n_epoch, after=(), **kwargs)
models = {
    'LMModel2':_of('LMModel2'), 'LMModel2, batches of LMModel3':_of('LMModel2', data='grouped pairs'),
    'LMModel3':_of('LMModel3'), 'LMModel4':_of('LMModel4'),
    **{f'{act}, {n} layer{"s"*(n>1)}': _of('LMModel5', model_cls=cls, sizes=dict(n_hidden=64, n_layers=n))
       for act,cls in (('ReLU',ReLURNN), ('tanh',LMModel5)) for n in (1,2) if (act,n)!=('tanh',2)},
    'LMModel5':_of('LMModel5'), 'LSTM, 1 layer':_of('LMModel6', sizes=dict(n_hidden=64, n_layers=1)),
    'LMModel6':_of('LMModel6'), 'LMModel7':_of('LMModel7'),
}
targets = {'64 activations':None, '20,510 parameters':20_510, '70,430 parameters':70_430}

def at_width(name, nh):
    "The recipe of `name`, `nh` wide"
    return replace(models[name], sizes={**models[name].sizes, 'n_hidden':nh})

def n_params(name, nh):
    "Number of parameters of model `name`, `nh` wide"
    return sum(o.numel() for o in at_width(name, nh).model().parameters())

@lru_cache(maxsize=None)
def width(name, target):
    "The width with which model `name` comes nearest to `target` parameters; 64 if there is no target"
    return 64 if target is None else min(range(8, 400), key=lambda nh: abs(n_params(name, nh)-target))

def is_lstm(r): return issubclass(r.model_cls, LMModel6)

def fit_one(r, lr, seed, part):
    "A run of recipe `r` with rate `lr`: model and accuracy"
    learn = r.learner(seed, fast=True, part=part)
    with learn.no_bar(), learn.no_logging(): replace(r, lr=lr).fit(learn)
    return learn.model, learn.recorder.values[-1][2]

def fit(r, runs, part='chapter'):
    "Train by recipe `r` with each (rate, seed) of `runs`; models and accuracies"
    if is_lstm(r): return zip(*[fit_one(r, lr, seed, part) for lr,seed in runs])  # PyTorch's is quicker one by one
    lrs,seeds = zip(*runs)
    many = SideBySide(r, seeds)
    accs = many.fit(r.dls(fast=True, part=part), lrs)
    return many.unstack(), accs

def budget(name, nh, n_seeds):
    "Choose the rate of model `name` on held-out text, then train with it on all of the training text"
    r,tries = at_width(name, nh),[(lr,1000+i) for lr in lrs for i in range(n_tries)]
    _,accs = fit(r, tries, 'held out')
    grid = {f'{lr:g}': [a for a,(o,_) in zip(accs, tries) if o==lr] for lr in lrs}
    lr = max(lrs, key=lambda o: statistics.fmean(grid[f'{o:g}']))
    trained,accs = fit(r, [(lr,seed) for seed in range(n_seeds)])
    nums = chapter_corpus()[1]
    # LMModel3 is validated on every third token; here are all, as for the others (LMModel2 has no state between them)
    every = [read_rows(o, nums, *validation_rows()).hits.float().mean().item() for o in trained if hasattr(o, 'reset')]
    return dict(width=nh, parameters=n_params(name, nh), grid=grid, lr=lr, accuracy=list(accs), every_token=every)

def _places():
    return {(at,name): f'{name}, {width(name, target)} wide' for at,target in targets.items() for name in models
            if target is None or models[name].data=='sequences'}

def tasks(n_seeds=None):
    todo = {key: (budget, dict(name=name, nh=width(name, targets[at]), n_seeds=n_seeds or 10))
            for (at,name),key in _places().items()}
    return dict(sorted(todo.items(), key=lambda o: is_lstm(models[o[1][1]['name']]), reverse=True))

def result(done):
    res = {at:{} for at in targets}
    for (at,name),key in _places().items(): res[at][name] = done[key]
    return dict(n_epoch=n_epoch, rates=list(lrs), tries=n_tries, **res)
