"""Is it worth multiplying the inputs of all steps at once? Our layers both ways, forward and back, in seconds of the
processor. Read in nbs/10_cells.layers.ipynb"""
import statistics,time

import torch

from human_lm.cells.layers import GRU,LSTM,RNN

kinds = dict(RNN=RNN, GRU=GRU, LSTM=LSTM)

def step_by_step(layer, x):
    "`layer` over the steps of `x`, each step's inputs multiplied by themselves"
    for cell in layer.cells:
        s = tuple(x.new_zeros(x.shape[0], layer.hidden_size) for _ in range(layer.n_states))
        if layer.n_states==1: s = s[0]
        outs = []
        for o in x.unbind(1):
            out,s = cell.step(cell.ih(o), s)
            outs.append(out)
        x = torch.stack(outs).transpose(0, 1)
    return x

def run(kind, width, repeats):
    "Milliseconds of 64 rows of 16 steps, two layers, there and back: at once and step by step; medians and least"
    torch.set_num_threads(1)
    torch.manual_seed(0)
    layer,x = kinds[kind](width, width, 2),torch.randn(64, 16, width)
    ways = {'at once':lambda: layer(x)[0], 'step by step':lambda: step_by_step(layer, x)}
    assert torch.allclose(ways['at once'](), ways['step by step'](), atol=1e-5)
    took = {w:[] for w in ways}
    for _ in range(repeats):
        for w,f in ways.items():
            start = time.process_time()
            f().sum().backward()
            took[w].append(1000*(time.process_time()-start))
    return {w: dict(median=round(statistics.median(o), 2), least=round(min(o), 2)) for w,o in took.items()}

def tasks(n_seeds=None):
    return {f'{kind}, {width} wide': (run, dict(kind=kind, width=width, repeats=n_seeds or 60))
            for width in (256,64,16) for kind in kinds}

def result(done): return dict(rows=64, steps=16, layers=2, milliseconds=done)
