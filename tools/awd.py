"""Train an AWD-LSTM of LMModel7's size with more and less dropout: `python tools/awd.py FILE.json [SEEDS] [PROCESSES]`

FILE gets training loss, validation loss and accuracy after the last epoch, for every setting and seed; what it holds already is kept,
so that a run that was stopped goes on. It is read in nbs/12_cells.awd_lstm.ipynb.
"""
import json,sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from human_lm.cells.awd_lstm import awd_learner
from human_lm.runs.workers import quiet_worker

alone = dict(embed_p=0., input_p=0., weight_p=0., hidden_p=0., output_p=0.4)  # LMModel7's one dropout
large = dict(init_range=3**0.5)  # embeddings with a standard deviation of 1, as LMModel7's start
# what `awd_learner` is called with, and the number of epochs
settings = {
    'drop_mult': {str(o): (dict(drop_mult=o), 15) for o in (0,0.25,0.5,1)},
    'output dropout alone': {'small start': (alone, 15), 'large start': ({**alone,**large}, 15)},
    'one more': {f'{k}_p': ({**alone,**large,f'{k}_p':p}, 15) for k,p in (('embed',0.02), ('input',0.25), ('weight',0.2), ('hidden',0.15))},
    'all five, large start': {str(o): (dict(drop_mult=o, **large), 15) for o in (0,0.25,1)},
    'twice as long, large start': {'output dropout alone': ({**alone,**large}, 30), 'all five': (large, 30)},
}

def last_row(kwargs, n_epoch, seed):
    learn = awd_learner(seed=seed, **kwargs)
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(n_epoch, 1e-2, wd=0.1)
    return [round(o, 4) for o in learn.recorder.values[-1]]

if __name__=='__main__':
    path,n_seeds,n_proc = Path(sys.argv[1]),*(int(a) for a in (sys.argv[2:]+['5','2'][len(sys.argv)-2:]))
    with ProcessPoolExecutor(n_proc, get_context('spawn'), quiet_worker) as pool:
        res = json.loads(path.read_text()) if path.exists() else {}
        runs = {(part,name): [pool.submit(last_row, *args, seed) for seed in range(n_seeds)]
                for part,group in settings.items() for name,args in group.items() if name not in res.setdefault(part, {})}
        for (part,name),fs in runs.items():
            res[part][name] = [f.result() for f in fs]
            print(f'{part}, {name}:', *(f'{o[2]:.3f}' for o in res[part][name]), flush=True)
            done = {part: {name: res[part][name] for name in group if name in res[part]} for part,group in settings.items()}
            path.write_text(json.dumps(done, indent=1)+'\n')
