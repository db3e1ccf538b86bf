"""Train LMModel6 and LMModel7 with five kinds of cell, five seeds each: `python tools/cells.py FILE.json [SEEDS]`

FILE gets the accuracy after the last epoch for every model, cell and seed. The file is read in nbs/11_cells.gru.ipynb.
"""
import json,sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from human_lm.cells.gru import cell_learner,cells
from human_lm.runs.recipes import chapter_runs
from human_lm.runs.workers import quiet_worker

def accuracy_of(name, cell, seed):
    learn,run = cell_learner(name, cell, seed),chapter_runs[name]
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(run.n_epoch, run.lr, **({} if run.wd is None else {'wd':run.wd}))
    return learn.recorder.values[-1][2]

if __name__=='__main__':
    path,n_seeds = Path(sys.argv[1]),int(sys.argv[2]) if len(sys.argv)>2 else 5
    with ProcessPoolExecutor(2, get_context('spawn'), quiet_worker) as pool:
        runs = {(name,cell): [pool.submit(accuracy_of, name, cell, i) for i in range(n_seeds)] for name in ('LMModel6','LMModel7') for cell in cells}
        res = {name: {} for name in ('LMModel6','LMModel7')}
        for (name,cell),fs in runs.items():
            res[name][cell] = [f.result() for f in fs]
            print(name, cell, [f'{o:.3f}' for o in res[name][cell]], flush=True)
    path.write_text(json.dumps(res, indent=1)+'\n')
