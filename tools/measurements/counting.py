"""What the models of the chapter can count, from several seeds, without and with a neural cache that was chosen on held-out text.
Read in nbs/60_counting.measures.ipynb, nbs/61_counting.cache.ipynb and nbs/62_counting.best.ipynb."""
from human_lm.counting.cache import CacheReader,held_learner,hold_out,row_starts,tune_cache
from human_lm.counting.measures import measure
from human_lm.runs.recipes import chapter_corpus,chapter_learner,chapter_runs
from human_lm.runs.seeds import validation_rows

def train(learn, name):
    run = chapter_runs[name]
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(run.n_epoch, run.lr, **({} if run.wd is None else {'wd':run.wd}))
    return learn.model

def one_model(name, n_seeds):
    "The cache for model `name`, chosen on training text that the model had not seen; measures without and with it, seed by seed"
    held = hold_out(*chapter_corpus())
    cache = tune_cache(train(held_learner(name, held), name), held.held, *row_starts(len(held.held)))[0]
    res = dict(cache=cache, plain={}, cached={})
    for seed in range(n_seeds):
        model = train(chapter_learner(name, seed), name)
        for kind,reader in (('plain',model), ('cached',CacheReader(model, **cache))):
            for k,v in measure(reader, *chapter_corpus(), validation_rows()).items(): res[kind].setdefault(k, []).append(v)
    return res

def tasks(n_seeds=None):
    return {name: (one_model, dict(name=name, n_seeds=n_seeds or 5)) for name in reversed(chapter_runs)}

def result(done):
    "`cache`, `plain` and `cached`: what was chosen, and the measures without and with it, of each model"
    return {k: {name: done[name][k] for name in chapter_runs} for k in ('cache','plain','cached')}
