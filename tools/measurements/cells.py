"""LMModel6 and LMModel7 with five kinds of cell, from several seeds: the accuracy after the last epoch.
Read in nbs/11_cells.gru.ipynb and nbs/07_further.ipynb."""
from human_lm.runs.recipes import cell_kinds,recipe

names = ('LMModel6','LMModel7')

def last_accuracy(name, kind, seed):
    run = recipe(f'{name}, {kind}')
    learn = run.learner(seed)
    with learn.no_bar(), learn.no_logging(): run.fit(learn)
    return learn.recorder.values[-1][2]

def tasks(n_seeds=None):
    return {(name,kind,seed): (last_accuracy, dict(name=name, kind=kind, seed=seed))
            for name in reversed(names) for kind in cell_kinds for seed in range(n_seeds or 5)}

def result(done):
    "Of each model and cell the accuracies, seed by seed"
    return {name: {kind: [v for k,v in done.items() if k[:2]==(name,kind)] for kind in cell_kinds} for name in names}
