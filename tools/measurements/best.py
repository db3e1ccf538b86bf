"""How each change to the recipe counts, on text held out of the training text, and the best recipe on the validation
text; from several seeds. Read in nbs/62_counting.best.ipynb."""
import time
from dataclasses import replace

from human_lm.cells.blocks import BlockLMModel
from human_lm.cells.gru import GRULMModel7
from human_lm.counting.best import best_reader,committee
from human_lm.counting.cache import CacheReader
from human_lm.counting.measures import measure,next_number_accuracy,next_numbers
from human_lm.regularize import LMModel7
from human_lm.runs.recipes import batch_rows,chapter_corpus,hold_out,validation_rows

def sized(run, **sizes): return replace(run, sizes={**run.sizes, **sizes})

def groups():
    "The way to the best recipe, step by step, and what the best is without each of its parts"
    chapter = replace(committee, model_cls=LMModel7, sizes=dict(n_hidden=64, n_layers=2, p=0.4),
                      bs=64, n_epoch=15, wd=0.1, eps=1e-5)
    blocks = sized(replace(chapter, model_cls=BlockLMModel), p_in=0., n_blocks=8, n_members=1)
    lighter = replace(sized(blocks, p=0.1), wd=0.3)
    steps = replace(lighter, bs=32, n_epoch=20)
    noisy = sized(steps, p_in=0.2)
    way = {'LMModel7': chapter, '+ GRU': replace(chapter, model_cls=GRULMModel7), '+ 8 blocks': blocks,
           '+ dropout 0.1, weight decay 0.3': lighter, '+ batches of 32, 20 epochs': steps,
           '+ input dropout 0.2': noisy, '+ a third layer': sized(noisy, n_layers=3), '+ five members': committee}
    without = {'a gate an activation': sized(committee, n_blocks=64), 'two layers': sized(committee, n_layers=2),
               'no input dropout': sized(committee, p_in=0.), 'no AR and TAR': replace(committee, alpha=0., beta=0.),
               'dropout 0.4': sized(committee, p=0.4), 'weight decay 0.1': replace(committee, wd=0.1)}
    return dict(way=way, without=without, final={'best': committee})

def train(run, seed, part):
    learn = run.learner(seed, fast=True, part=part)
    with learn.no_bar(), learn.no_logging(): run.fit(learn)
    return learn.model

def one_run(run, seed, part):
    "Train by `run` from `seed`; measures on the held-out text, or, if `part` is 'final', on the validation text"
    vocab,nums = chapter_corpus()
    start = time.perf_counter()
    model = train(run, seed, part)
    seconds,held = time.perf_counter()-start,hold_out(vocab, nums)
    where = nums,validation_rows()
    if part=='held out': where = held.held,batch_rows(committee.seqs(part)[1]),held.start+1,held.stop
    with_cache = {f'cached_{k}':v for k,v in measure(best_reader(model), vocab, *where).items()}
    right = next_numbers(best_reader(model), vocab, 8084, 9999) if part=='final' else {}
    return dict(measure(model, vocab, *where), **with_cache,
                seconds=round(seconds, 1), wrong=[n for n,o in right.items() if not o])

def cache_grid(seed):
    "Next-number accuracy on the held-out numbers of the best recipe with caches of several `theta` and `lam`"
    vocab,nums = chapter_corpus()
    held,model = hold_out(vocab, nums),train(committee, seed, 'held out')
    def accuracy(t, l):
        return next_number_accuracy(CacheReader(model, t/model.n_members, l), vocab, held.start+1, held.stop)
    return {f'{t} {l}': accuracy(t, l) for t in (10.,30.,100.) for l in (0.,0.1,0.2,0.3,0.4)}

def tasks(n_seeds=None):
    n = n_seeds or 5
    seeds = dict(way=n, without=min(n, 3), final=n)
    grid = {('grid','best',seed): (cache_grid, dict(seed=seed)) for seed in range(min(n, 2))}
    runs = {(part,name,seed): (one_run, dict(run=run, seed=seed, part='final' if part=='final' else 'held out'))
            for part,group in groups().items() for name,run in reversed(group.items()) for seed in range(seeds[part])}
    def members(o): return o[1][1]['run'].sizes.get('n_members', 1)
    return {**grid, **dict(sorted(runs.items(), key=members, reverse=True))}

def result(done):
    "`way` and `without`: every measure of each recipe, seed by seed; `grid`: of each cache; `final`: of the best one"
    def seeds(part, name):
        runs = [v for k,v in done.items() if k[:2]==(part,name)]
        return {m: [o[m] for o in runs] for m in runs[0]}
    parts = {part: {name: seeds(part, name) for name in group} for part,group in groups().items()}
    return dict(way=parts['way'], without=parts['without'], grid=seeds('grid', 'best'), final=parts['final']['best'])
