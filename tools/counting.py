"""What the models of the chapter can count, several seeds of each, with and without a neural cache:
`python tools/counting.py --seeds 5 --json nbs/measured/counting.json`"""
import argparse,json,os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from human_lm.commands.terminal import whole_number
from human_lm.runs.results import write_whole
from human_lm.runs.workers import quiet_worker

def train(learn, name):
    from human_lm.runs.recipes import chapter_runs
    run = chapter_runs[name]
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(run.n_epoch, run.lr, **({} if run.wd is None else {'wd':run.wd}))
    return learn.model

def choose(name):
    "What to give the cache of model `name`, chosen on training text that the model was not trained on"
    from human_lm.counting.cache import held_learner,hold_out,row_starts,tune_cache
    from human_lm.runs.recipes import chapter_corpus
    held = hold_out(*chapter_corpus())
    return tune_cache(train(held_learner(name, held), name), held.held, *row_starts(len(held.held)))[0]

def one_run(name, seed, cache):
    "Train model `name` as the chapter does, from `seed`; its measures without and with a cache"
    from human_lm.counting.cache import CacheReader
    from human_lm.counting.measures import measure
    from human_lm.runs.recipes import chapter_corpus,chapter_learner
    from human_lm.runs.seeds import validation_rows
    model = train(chapter_learner(name, seed), name)
    return [measure(o, *chapter_corpus(), validation_rows()) for o in (model, CacheReader(model, **cache))]

def main(args=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--seeds', type=whole_number('the number of seeds', 1), default=5)
    p.add_argument('--json', type=Path, required=True)
    a = p.parse_args(args)
    from human_lm.runs.recipes import chapter_runs
    res = dict(cache={}, plain={o:{} for o in chapter_runs}, cached={o:{} for o in chapter_runs})
    with ProcessPoolExecutor(os.cpu_count(), get_context('spawn'), quiet_worker) as pool:
        res['cache'] = dict(zip(chapter_runs, pool.map(choose, chapter_runs)))
        print(res['cache'], flush=True)
        todo = [(name, seed, pool.submit(one_run, name, seed, res['cache'][name])) for name in chapter_runs for seed in range(a.seeds)]
        for name,seed,f in todo:
            for kind,got in zip(('plain','cached'), f.result()):
                print(name, seed, kind, got, flush=True)
                for k,v in got.items(): res[kind][name].setdefault(k, []).append(v)
    write_whole(a.json, json.dumps(res, indent=1)+'\n')

if __name__=='__main__': main()
