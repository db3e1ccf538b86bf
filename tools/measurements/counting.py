"""What the models of the chapter can count, from several seeds, without and with a neural cache that was chosen on
held-out text. Read in nbs/60_counting.measures.ipynb, nbs/61_counting.cache.ipynb and nbs/index.ipynb."""
from human_lm.counting.cache import CacheReader,tune_cache
from human_lm.counting.measures import measure
from human_lm.runs.recipes import batch_rows,chapter_corpus,chapter_models,hold_out,recipe,validation_rows

def held_rows():
    "The held-out text, and the rows in which every model reads it"
    return hold_out(*chapter_corpus()).held, *batch_rows(recipe('LMModel7').seqs('held out')[1])

def train(learn, run):
    with learn.no_bar(), learn.no_logging(): run.fit(learn)
    return learn.model

def one_model(name, n_seeds):
    "The cache for model `name`, chosen on text that it had not seen; measures without and with it, seed by seed"
    run = recipe(name)
    cache = tune_cache(train(run.learner(0, fast=True, part='held out'), run), *held_rows())[0]
    res = dict(cache=cache, plain={}, cached={})
    for seed in range(n_seeds):
        model = train(run.learner(seed), run)
        for kind,reader in (('plain',model), ('cached',CacheReader(model, **cache))):
            got = measure(reader, *chapter_corpus(), validation_rows())
            for k,v in got.items(): res[kind].setdefault(k, []).append(v)
    return res

def tasks(n_seeds=None):
    return {name: (one_model, dict(name=name, n_seeds=n_seeds or 5)) for name in reversed(chapter_models)}

def result(done):
    "`cache`, `plain` and `cached`: what was chosen, and the measures without and with it, of each model"
    return {k: {name: done[name][k] for name in chapter_models} for k in ('cache','plain','cached')}
