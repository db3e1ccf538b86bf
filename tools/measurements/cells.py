"""LMModel6 and LMModel7 with five kinds of cell, from several seeds: the accuracy after the last epoch.
Read in nbs/11_cells.gru.ipynb and nbs/07_further.ipynb."""
from human_lm.cells.gru import cell_learner,cells
from human_lm.runs.recipes import chapter_runs

names = ('LMModel6','LMModel7')

def last_accuracy(name, cell, seed):
    learn,run = cell_learner(name, cell, seed),chapter_runs[name]
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(run.n_epoch, run.lr, **({} if run.wd is None else {'wd':run.wd}))
    return learn.recorder.values[-1][2]

def tasks(n_seeds=None):
    return {(name,cell,seed): (last_accuracy, dict(name=name, cell=cell, seed=seed))
            for name in reversed(names) for cell in cells for seed in range(n_seeds or 5)}

def result(done):
    "Of each model and cell the accuracies, seed by seed"
    return {name: {cell: [v for k,v in done.items() if k[:2]==(name,cell)] for cell in cells} for name in names}
