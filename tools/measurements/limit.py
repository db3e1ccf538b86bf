"""What a training step of LMModel4 to LMModel7 costs against the processor's limit: the same multiply-adds as matrix
products of the same shapes, and as one large product; then what other widths, batches, `torch.compile` and oneDNN
change. Read in nbs/48_runs.speed.ipynb."""
import os,statistics,tempfile,time
from contextlib import nullcontext

import torch
import torch.nn.functional as F

from human_lm.runs.recipes import recipe

sl,vocab_sz = 16,30

def products(name, bs, nh):
    "The matrix products of a batch forward and back, as PyTorch takes them: (how many, rows, inner, columns)"
    n_layers = recipe(name).sizes.get('n_layers', 1)
    wide = nh if name in ('LMModel4','LMModel5') else 4*nh  # an LSTM's four gates are one product
    by_step = [(sl*n_layers, bs, nh, wide)]
    # the inputs of all steps at once; LMModel4 has no such product, a word is added to its state
    at_once = [] if name=='LMModel4' else [(n_layers, bs*sl, nh, wide)]
    out = [(sl, bs, nh, vocab_sz)] if name=='LMModel4' else [(1, bs*sl, nh, vocab_sz)]
    there = by_step+at_once+out
    return [(n, *shape) for n,m,k,c in there for shape in ((m,k,c), (m,c,k), (k,m,c))]

def macs(shapes): return sum(n*m*k*c for n,m,k,c in shapes)

def product_step(shapes):
    "A function that takes all products of `shapes` once"
    todo = [(n, torch.randn(m, k), torch.randn(k, c), torch.empty(m, c)) for n,m,k,c in shapes]
    def f():
        for n,a,b,out in todo:
            for _ in range(n): torch.mm(a, b, out=out)
    return f

def model_step(name, bs, nh, compiled=False, onednn=True):
    "A function that takes one batch forward and back, without an optimiser"
    run = recipe(name)
    model = run.model_cls(**{**dict(vocab_sz=vocab_sz), **run.sizes, 'n_hidden':nh})
    x,y = torch.randint(vocab_sz, (2, bs, sl))
    loss_of = lambda x,y: F.cross_entropy(_scores(model(x)).flatten(0, 1), y.flatten())
    if compiled: loss_of = torch.compile(loss_of)
    def f():
        with nullcontext() if onednn else torch.backends.mkldnn.flags(enabled=False):
            for p in model.parameters(): p.grad = None
            loss_of(x, y).backward()
    return f

def _scores(o): return o[0] if isinstance(o, tuple) else o

def milliseconds(ways, repeats):
    "Median milliseconds of the processor of each way, in turn, after two calls of each"
    took = {k:[] for k in ways}
    for i in range(repeats+2):
        for k,f in ways.items():
            start = time.process_time()
            f()
            if i>1: took[k].append(1000*(time.process_time()-start))
    return {k: round(statistics.median(o), 3) for k,o in took.items()}

def cost(name, bs, nh, repeats, also=False):
    "Milliseconds of a batch and of its products alone; with `also`, compiled and without oneDNN too"
    torch.set_num_threads(1)
    torch.manual_seed(0)
    shapes = products(name, bs, nh)
    n = 768
    a = torch.randn(n, n)
    # a task of a pool may start no processes; and what an earlier run compiled is not to be found again
    os.environ |= dict(TORCHINDUCTOR_COMPILE_THREADS='1', TORCHINDUCTOR_CACHE_DIR=tempfile.mkdtemp())
    ways = dict(step=model_step(name, bs, nh), products=product_step(shapes), large=lambda: a@a)
    res = dict(bs=bs, n_hidden=nh, million_multiply_adds=round(macs(shapes)/1e6, 1))
    if also:
        ways |= dict(without_onednn=model_step(name, bs, nh, onednn=False),
                     compiled=model_step(name, bs, nh, compiled=True))
        start = time.perf_counter()
        ways['compiled']()
        res['seconds_to_compile'] = round(time.perf_counter()-start, 1)
    took = milliseconds(ways, repeats)
    large = took.pop('large')
    return dict(res, milliseconds=took, at_the_limit=round(large*macs(shapes)/n**3, 3))

def tasks(n_seeds=None):
    names,n = ('LMModel4','LMModel5','LMModel6','LMModel7'), n_seeds or 60
    also = ('LMModel4','LMModel6')
    return ({name: (cost, dict(name=name, bs=64, nh=64, repeats=n, also=name in also)) for name in names} |
            {f'LMModel6, {bs} rows, {nh} wide': (cost, dict(name='LMModel6', bs=bs, nh=nh, repeats=n))
             for bs,nh in ((64,32),(64,128),(64,256),(256,64))})

def result(done): return dict(steps=sl, threads=1, sizes=done)
