"""How each change to the recipe counts, on text held out of the training text; and the best recipe on the validation text:
`python tools/best.py --seeds 5 --json nbs/measured/best.json` (half an hour on two cores; 3 seeds of the recipes that lack something), with `--only final` or `--only ablation` for a part"""
import argparse,json,os,time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from human_lm.commands.terminal import whole_number
from human_lm.runs.results import write_whole
from human_lm.runs.workers import quiet_worker

def recipes():
    "Each recipe that is compared, by the name it has in the notebook: the way to the best, and what the best is without each of its parts"
    from human_lm.counting.best import Recipe
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
    return way,without

def one_run(recipe, seed, final):
    "Train by `recipe` from `seed`; measures on the held-out text, or, if `final`, on the validation text"
    from human_lm.counting.best import best_reader,recipe_learner
    from human_lm.counting.cache import hold_out,row_starts
    from human_lm.counting.measures import measure,next_numbers
    from human_lm.runs.recipes import chapter_corpus
    from human_lm.runs.seeds import validation_rows
    vocab,nums = chapter_corpus()
    held = hold_out(vocab, nums)
    learn = recipe_learner(recipe, seed, final=final)
    start = time.perf_counter()
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(recipe.n_epoch, recipe.lr, wd=recipe.wd)
    seconds = time.perf_counter()-start
    where = (nums, validation_rows()) if final else (held.held, row_starts(len(held.held)), held.start+1, held.stop)
    with_cache = {f'cached_{k}':v for k,v in measure(best_reader(learn.model), vocab, *where).items()}
    wrong = [n for n,right in next_numbers(best_reader(learn.model), vocab, 8084, 9999).items() if not right] if final else []
    return dict(measure(learn.model, vocab, *where), **with_cache, seconds=round(seconds, 1), wrong=wrong)

def cache_grid(seed):
    "Next-number accuracy on the held-out numbers of the best recipe with caches of several `theta` and `lam`"
    from human_lm.counting.best import Recipe,recipe_learner
    from human_lm.counting.cache import CacheReader,hold_out
    from human_lm.counting.measures import next_number_accuracy
    from human_lm.runs.recipes import chapter_corpus
    recipe,learn = Recipe(),recipe_learner(seed=seed)
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(recipe.n_epoch, recipe.lr, wd=recipe.wd)
    vocab,nums = chapter_corpus()
    held = hold_out(vocab, nums)
    return {f'{t} {l}': next_number_accuracy(CacheReader(learn.model, t/recipe.n_members, l), vocab, held.start+1, held.stop)
            for t in (10.,30.,100.) for l in (0.,0.1,0.2,0.3,0.4)}

def all_runs(pool, recipes, n_seeds, final=False):
    todo,res = [(name, seed, pool.submit(one_run, o, seed, final)) for name,o in recipes.items() for seed in range(n_seeds)],{o:{} for o in recipes}
    for name,seed,f in todo:
        print('final' if final else 'held out', name, seed, f.result(), flush=True)
        for k,v in f.result().items(): res[name].setdefault(k, []).append(v)
    return res

def main(args=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--seeds', type=whole_number('the number of seeds', 1), default=5)
    p.add_argument('--only', choices=('ablation','final'))
    p.add_argument('--json', type=Path, required=True)
    a = p.parse_args(args)
    way,without = recipes()
    res = json.loads(a.json.read_text()) if a.json.exists() else {}
    with ProcessPoolExecutor(os.cpu_count(), get_context('spawn'), quiet_worker) as pool:
        if a.only!='final':
            res.update(way=all_runs(pool, way, a.seeds), without=all_runs(pool, without, min(a.seeds, 3)))
            grids = list(pool.map(cache_grid, range(min(a.seeds, 2))))
            res.update(grid={k:[o[k] for o in grids] for k in grids[0]})
        if a.only!='ablation': res.update(final=all_runs(pool, {'best':list(way.values())[-1]}, a.seeds, final=True)['best'])
    write_whole(a.json, json.dumps(res, indent=1)+'\n')

if __name__=='__main__': main()
