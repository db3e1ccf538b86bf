"""LMModel3 to LMModel6 with arithmetic that rounds differently, each way in a process of its own, with one thread
unless it says otherwise: how many epochs agree with the print to 1e-4, and how far the weights are from those of the
first way. Read in nbs/47_runs.rounding.ipynb."""
import os,subprocess,sys,tempfile,warnings
from functools import lru_cache
from pathlib import Path

import torch

ways = {  # name: environment, kind of arithmetic
    'as installed':              ({}, 'float32'),
    'one weight nudged':         ({}, 'nudged'),
    'float64':                   ({}, 'float64'),
    'oneDNN off':                ({}, 'no oneDNN'),
    'torch limited to AVX2':     ({'ATEN_CPU_CAPABILITY':'avx2'}, 'float32'),
    'torch without SIMD':        ({'ATEN_CPU_CAPABILITY':'default'}, 'float32'),
    'MKL limited to AVX2':       ({'MKL_ENABLE_INSTRUCTIONS':'AVX2'}, 'float32'),
    'MKL for any processor':     ({'MKL_CBWR':'COMPATIBLE'}, 'float32'),
    'two threads':               ({'OMP_NUM_THREADS':'2', 'MKL_NUM_THREADS':'2'}, 'float32'),
}
# on a processor without AVX-512, torch is limited to AVX2 as it is
if torch.backends.cpu.get_cpu_capability()!='AVX512': del ways['torch limited to AVX2']
names = ['LMModel3','LMModel4','LMModel5','LMModel6']

def onednn_calls(learn):
    "Which of PyTorch's operations on one batch, forward and backward, are oneDNN's"
    from torch.profiler import ProfilerActivity,profile
    x,y = learn.dls.train.one_batch()
    kept = learn.model.h
    with profile(activities=[ProfilerActivity.CPU]) as p: learn.loss_func(learn.model(x), y).backward()
    learn.model.h = kept
    learn.model.zero_grad(set_to_none=True)
    return sorted({o.name for o in p.events() if 'mkldnn' in o.name or 'onednn' in o.name})

def train(name, kind, out):
    "Train `name` with arithmetic of `kind`; table, weights after every epoch and oneDNN's operations to the file `out`"
    warnings.filterwarnings('ignore', message='.*torch.jit.script.*')
    from fastai.callback.core import Callback
    from human_lm.runs.published import table_rows
    from human_lm.runs.recipes import chapter_learner,recipe
    torch.set_num_threads(int(os.environ['OMP_NUM_THREADS']))
    if kind=='no oneDNN':
        torch.backends.mkldnn.set_flags(False)
        assert not torch._C._get_mkldnn_enabled()
    kept = []
    class Weights(Callback):
        order = 100
        def after_epoch(self): kept.append(torch.cat([o.detach().double().flatten() for o in self.model.parameters()]))
    calls,learn = onednn_calls(chapter_learner(name)),chapter_learner(name)
    if kind=='nudged':
        with torch.no_grad():
            w = next(learn.model.parameters())
            w[0,0] = torch.nextafter(w[0,0], torch.tensor(torch.inf))
    if kind=='float64':
        learn.model.double()
        loss = learn.loss_func
        learn.loss_func = lambda *args: loss(*args).float()  # fastai averages losses in float32
    with learn.no_bar(), learn.no_logging(): recipe(name).fit(learn, cbs=Weights)
    if kind=='no oneDNN': assert not torch._C._get_mkldnn_enabled()
    capability = torch.backends.cpu.get_cpu_capability()
    torch.save(dict(rows=table_rows(learn), weights=kept, calls=calls, capability=capability), out)

def trained(name, way):
    "What `train` gives, from a process of its own"
    env,kind = ways[way]
    with tempfile.TemporaryDirectory() as d:
        out = Path(d)/'res.pt'
        done = subprocess.run([sys.executable, __file__, name, kind, out], capture_output=True, text=True,
                              env={**os.environ, 'OMP_NUM_THREADS':'1', **env})
        if done.returncode: raise RuntimeError(done.stderr)
        return torch.load(out, weights_only=True)

first = lru_cache(maxsize=None)(lambda name: trained(name, 'as installed'))

def run(name, way):
    "Train `name` in the given way, and compare with the print and with the first way"
    from human_lm.runs.published import n_agree
    o,ref = trained(name, way) if way!='as installed' else first(name),first(name)
    return dict(agreeing_epochs=n_agree(name, o['rows']), accuracy=round(o['rows'][-1][2], 6),
                onednn=o['calls'], capability=o['capability'],
                apart=[float(f'{(a-b).abs().max():.3g}') for a,b in zip(o['weights'], ref['weights'])])

def tasks(n_seeds=None):
    return {f'{name}; {way}': (run, dict(name=name, way=way)) for name in reversed(names) for way in ways}

def result(done):
    capability = done[f'{names[0]}; as installed']['capability']
    def of(name, way): return {k:v for k,v in done[f'{name}; {way}'].items() if k!='capability'}
    return dict(capability=capability, ways={way: {name: of(name, way) for name in names} for way in ways})

if __name__=='__main__': train(*sys.argv[1:])
