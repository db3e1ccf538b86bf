"""The fourth case beside LSTM, coupled LSTM and open LSTM: a cell without an output gate whose state is not bounded;
and the open cell with the tanh that the coupled one has. Read in nbs/11_cells.gru.ipynb, beside
nbs/measured/cells.json."""
from dataclasses import replace
from functools import partial

import torch

from human_lm.runs.recipes import recipe
from side_by_side import SideBySide

def ungated(i, f, new, o, c):
    "An LSTM without its output gate: the state is not bounded"
    c = f.sigmoid()*c + i.sigmoid()*new.tanh()
    return c.tanh(), c

def ungated_coupled(i, f, new, o, c):
    "A coupled LSTM without its output gate, but with its tanh: the state is bounded"
    c = torch.lerp(new.tanh(), c, f.sigmoid())
    return c.tanh(), c

kinds = {'no output gate, not bounded':ungated, 'no output gate, bounded, tanh':ungated_coupled}

def change(model, kind): model.cell = kinds[kind]

def run(name, kind, seeds):
    "Train model `name` with cells of `kind` from each of `seeds`"
    many = SideBySide(replace(recipe(f'{name}, LSTM'), init=partial(change, kind=kind)), seeds)
    return many.fit(many.recipe.dls(fast=True))

def tasks(n_seeds=None):
    return {f'{name}; {kind}': (run, dict(name=name, kind=kind, seeds=list(range(n_seeds or 5))))
            for kind in kinds for name in ('LMModel7','LMModel6')}

def result(done):
    res = {}
    for k,v in done.items():
        name,kind = k.split('; ')
        res.setdefault(name, {})[kind] = v
    return res
