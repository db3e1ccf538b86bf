"""The chapter's seven models from several seeds: the accuracy after the last epoch, how it lies about the published
one, and in how many seeds the chapter's comparisons hold.
Read in nbs/45_runs.seeds.ipynb, nbs/15_cells.dropouts.ipynb and nbs/index.ipynb."""
from human_lm.runs.published import published_table
from human_lm.runs.recipes import chapter_models
from human_lm.runs.reproduce import reproduce_model
from human_lm.runs.seeds import check_claims,seed_spread

def last_accuracy(name, seed): return reproduce_model(name, seed)['rows'][-1][2]

def tasks(n_seeds=None):
    return {(name,seed): (last_accuracy, dict(name=name, seed=seed))
            for name in reversed(chapter_models) for seed in range(n_seeds or 20)}

def result(done):
    "`seeds`; of each of `models` the published accuracy, those obtained and their spread; and the `comparisons`"
    accs = {name: [v for k,v in done.items() if k[0]==name] for name in chapter_models}
    pub = {name: published_table(name)[-1][2] for name in accs}
    models = {name: dict(published=pub[name], accuracy=o, **seed_spread(o, pub[name])._asdict())
              for name,o in accs.items()}
    return dict(seeds=list(range(len(accs['LMModel1']))), models=models, comparisons=check_claims(accs))
