"""How each change to the recipe counts, on text held out of the training text, and the best recipe on the validation text; from several
seeds. Read in nbs/62_counting.best.ipynb."""
import time
from dataclasses import replace

from human_lm.counting.best import Recipe,best_reader,recipe_learner
from human_lm.counting.cache import CacheReader,hold_out,row_starts
from human_lm.counting.measures import measure,next_number_accuracy,next_numbers
from human_lm.runs.recipes import chapter_corpus
from human_lm.runs.seeds import validation_rows

def recipes():
    "The way to the best recipe, step by step, and what the best is without each of its parts"
    chapter = Recipe(cell='LSTM', n_hidden=64, n_layers=2, n_members=1, p=0.4, bs=64, n_epoch=15, wd=0.1)
    gru = replace(chapter, cell='GRU')
    blocks = replace(gru, cell='block', p_in=0.)
    lighter = replace(blocks, p=0.1, wd=0.3)
    steps = replace(lighter, bs=32, n_epoch=20)
    noisy = replace(steps, p_in=0.2)
    third = replace(noisy, n_layers=3)
    best = Recipe()
    way = {'LMModel7':chapter, '+ GRU':gru, '+ 8 blocks':blocks, '+ dropout 0.1, weight decay 0.3':lighter, '+ batches of 32, 20 epochs':steps,
           '+ input dropout 0.2':noisy, '+ a third layer':third, '+ five members':best}
    without = {'a gate an activation':replace(best, n_blocks=64), 'two layers':replace(best, n_layers=2), 'no input dropout':replace(best, p_in=0.),
               'no AR and TAR':replace(best, alpha=0., beta=0.), 'dropout 0.4':replace(best, p=0.4), 'weight decay 0.1':replace(best, wd=0.1)}
    return dict(way=way, without=without, final={'best':best})

def train(recipe, seed, final=False):
    learn = recipe_learner(recipe, seed, final=final)
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(recipe.n_epoch, recipe.lr, wd=recipe.wd)
    return learn.model

def one_run(recipe, seed, final=False):
    "Train by `recipe` from `seed`; measures on the held-out text, or, if `final`, on the validation text"
    vocab,nums = chapter_corpus()
    held = hold_out(vocab, nums)
    start = time.perf_counter()
    model = train(recipe, seed, final)
    seconds = time.perf_counter()-start
    where = (nums, validation_rows()) if final else (held.held, row_starts(len(held.held)), held.start+1, held.stop)
    with_cache = {f'cached_{k}':v for k,v in measure(best_reader(model), vocab, *where).items()}
    wrong = [n for n,right in next_numbers(best_reader(model), vocab, 8084, 9999).items() if not right] if final else []
    return dict(measure(model, vocab, *where), **with_cache, seconds=round(seconds, 1), wrong=wrong)

def cache_grid(seed):
    "Next-number accuracy on the held-out numbers of the best recipe with caches of several `theta` and `lam`"
    recipe,(vocab,nums) = Recipe(),chapter_corpus()
    held,model = hold_out(vocab, nums),train(recipe, seed)
    return {f'{t} {l}': next_number_accuracy(CacheReader(model, t/recipe.n_members, l), vocab, held.start+1, held.stop)
            for t in (10.,30.,100.) for l in (0.,0.1,0.2,0.3,0.4)}

def tasks(n_seeds=None):
    n = n_seeds or 5
    seeds = dict(way=n, without=min(n, 3), final=n)
    grid = {('grid','best',seed): (cache_grid, dict(seed=seed)) for seed in range(min(n, 2))}
    runs = {(part,name,seed): (one_run, dict(recipe=recipe, seed=seed, final=part=='final'))
            for part,group in recipes().items() for name,recipe in reversed(group.items()) for seed in range(seeds[part])}
    return {**grid, **dict(sorted(runs.items(), key=lambda o: -o[1][1]['recipe'].n_members))}  # the largest take longest

def result(done):
    "`way` and `without`: of each recipe every measure, seed by seed; `grid`: of each cache; `final`: of the best recipe"
    def seeds(part, name):
        runs = [v for k,v in done.items() if k[:2]==(part,name)]
        return {m: [o[m] for o in runs] for m in runs[0]}
    parts = {part: {name: seeds(part, name) for name in group} for part,group in recipes().items()}
    return dict(way=parts['way'], without=parts['without'], grid=seeds('grid', 'best'), final=parts['final']['best'])
