"""Which of the chapter's comparisons survive equal budgets: fifteen epochs for every model, the learning rate of each chosen on held-out
training text, at equal width and with equally many parameters; read in nbs/07_worth.ipynb"""
import statistics
from functools import lru_cache,partial

from torch import nn
from fastai.callback.rnn import ModelResetter
from fastai.torch_core import set_seed

from human_lm.counting import read_rows
from human_lm.fast import *
from human_lm.first_model import LMModel2
from human_lm.lstm import LMModel6
from human_lm.multilayer import LMModel5
from human_lm.regularize import LMModel7
from human_lm.reproduce import chapter_corpus
from human_lm.stateful import LMModel3,LMModel4
from human_lm.worth import validation_rows
from side_by_side import SideBySide,sequences

class ReLURNN(LMModel5):
    "`LMModel5` with ReLU in place of tanh"
    rnn_cls = staticmethod(partial(nn.RNN, nonlinearity='relu'))

models = {  # name: class, what follows the width, data
    'LMModel2':                     (LMModel2, (), 'pairs'),
    'LMModel2, batches of LMModel3':(LMModel2, (), 'grouped pairs'),
    'LMModel3':                     (LMModel3, (), 'grouped pairs'),
    'LMModel4':                     (LMModel4, (), 'sequences'),
    'ReLU, 1 layer':                (ReLURNN,  (1,), 'sequences'),
    'ReLU, 2 layers':               (ReLURNN,  (2,), 'sequences'),
    'tanh, 1 layer':                (LMModel5, (1,), 'sequences'),
    'LMModel5':                     (LMModel5, (2,), 'sequences'),
    'LSTM, 1 layer':                (LMModel6, (1,), 'sequences'),
    'LMModel6':                     (LMModel6, (2,), 'sequences'),
    'LMModel7':                     (LMModel7, (2,0.4), 'sequences'),
}
targets = {'64 activations':None, '20,510 parameters':20_510, '70,430 parameters':70_430}
lrs,n_epoch,n_tries = (1e-3,3e-3,1e-2,3e-2),15,2  # rates to choose from, with as many seeds of their own

def n_params(name, nh):
    "Number of parameters of model `name`, `nh` wide"
    cls,more,_ = models[name]
    return sum(o.numel() for o in cls(30, nh, *more).parameters())

@lru_cache(maxsize=None)
def width(name, target):
    "The width with which model `name` comes nearest to `target` parameters; 64 if there is no target"
    return 64 if target is None else min(range(8, 400), key=lambda nh: abs(n_params(name, nh)-target))

def fit_one(name, nh, lr, seed, held=False):
    "Model `name`, `nh` wide, trained from `seed`, and its accuracy; with `held`, on a part of the training text"
    cls,more,data = models[name]
    set_seed(seed)
    model,text = cls(30, nh, *more),cls is LMModel7
    learn = (QuickTextLearner if text else QuickLearner)(sequences(data, held), model, loss_func=QuickCrossEntropyLossFlat(), opt_func=FusedAdam,
        metrics=QuickAccuracy(), cbs=None if text else [ModelResetter])
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(n_epoch, lr, wd=0.1 if text else None)
    return model, learn.recorder.values[-1][2]

def fit(name, nh, runs, held=False):
    "Train model `name` with each (rate, seed) of `runs`; models and accuracies"
    cls,more,data = models[name]
    if issubclass(cls, LMModel6): return zip(*[fit_one(name, nh, lr, seed, held) for lr,seed in runs])  # PyTorch's LSTM is quicker one by one
    lrs,seeds = zip(*runs)
    many = SideBySide(lambda: cls(30, nh, *more), seeds)
    accs = many.fit(sequences(data, held), n_epoch, lrs)
    return many.unstack(), accs

def budget(name, nh, n_seeds):
    "Choose the rate of model `name` on held-out text, then train with it on all of the training text"
    tries = [(lr,1000+i) for lr in lrs for i in range(n_tries)]
    _,accs = fit(name, nh, tries, held=True)
    grid = {f'{lr:g}': [a for a,(o,_) in zip(accs, tries) if o==lr] for lr in lrs}
    lr = max(lrs, key=lambda o: statistics.fmean(grid[f'{o:g}']))
    trained,accs = fit(name, nh, [(lr,seed) for seed in range(n_seeds)])
    nums = chapter_corpus()[1]
    # LMModel3 is validated on every third token; here are all of them, as for the others (LMModel2 keeps no state between them)
    every = [read_rows(o, nums, *validation_rows()).hits.float().mean().item() for o in trained if hasattr(o, 'reset')]
    return dict(width=nh, parameters=n_params(name, nh), grid=grid, lr=lr, accuracy=list(accs), every_token=every)

def _places():
    return {(at,name): f'{name}, {width(name, target)} wide' for at,target in targets.items() for name in models
            if target is None or models[name][2]=='sequences'}

def tasks(n_seeds=None):
    todo = {key: (budget, dict(name=name, nh=width(name, targets[at]), n_seeds=n_seeds or 10)) for (at,name),key in _places().items()}
    return dict(sorted(todo.items(), key=lambda o: issubclass(models[o[1][1]['name']][0], LMModel6), reverse=True))

def result(done):
    res = {at:{} for at in targets}
    for (at,name),key in _places().items(): res[at][name] = done[key]
    return dict(n_epoch=n_epoch, rates=list(lrs), tries=n_tries, **res)
