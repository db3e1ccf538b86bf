"""The fourth case beside LSTM, coupled LSTM and open LSTM: a cell without an output gate whose state is not bounded; and the open cell with
the tanh that the coupled one has; read in nbs/11_gru.ipynb, beside nbs/measured/cells.json"""
import torch

from human_lm.lstm import LMModel6
from human_lm.regularize import LMModel7
from human_lm.reproduce import chapter_corpus,chapter_runs
from side_by_side import SideBySide,sequences

def ungated(i, f, new, o, c):
    "An LSTM without its output gate: the state is not bounded"
    c = f.sigmoid()*c + i.sigmoid()*new.tanh()
    return c.tanh(), c

def ungated_coupled(i, f, new, o, c):
    "A coupled LSTM without its output gate, but with its tanh: the state is bounded"
    c = torch.lerp(new.tanh(), c, f.sigmoid())
    return c.tanh(), c

kinds = {'no output gate, not bounded':ungated, 'no output gate, bounded, tanh':ungated_coupled}

def run(name, kind, seeds):
    "Train model `name` with cells of `kind` from each of `seeds`"
    plan = chapter_runs[name]
    def make():
        model = dict(LMModel6=LMModel6, LMModel7=LMModel7)[name](len(chapter_corpus()[0]), *plan.sizes)
        model.cell = kinds[kind]
        return model
    many = SideBySide(make, seeds)
    many.decays = set(many.ps)  # as for the other cells: biases are decayed too
    return many.fit(sequences(plan.data), plan.n_epoch, [plan.lr]*len(seeds))

def tasks(n_seeds=None):
    return {f'{name}; {kind}': (run, dict(name=name, kind=kind, seeds=list(range(n_seeds or 5)))) for kind in kinds for name in ('LMModel7','LMModel6')}

def result(done):
    res = {}
    for k,v in done.items():
        name,kind = k.split('; ')
        res.setdefault(name, {})[kind] = v
    return res
