"""Repeat LMModel3 to LMModel6 with arithmetic that rounds differently: `python tools/rounding.py FILE.json`

Each way of rounding runs in a process of its own, with one thread unless it says otherwise. FILE gets, for every way and model,
how many epochs agree with the published table to 1e-4, the final accuracy, and after each epoch the largest distance of any
weight from its value in the first way. The file is read in nbs/45_runs.seeds.ipynb.
"""
import json,os,subprocess,sys,tempfile
from pathlib import Path

ways = {  # name: environment, precision
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
names = ['LMModel3','LMModel4','LMModel5','LMModel6']

def run_one(kind, out):
    "Train each model with the arithmetic `kind`; tables, and the weights after every epoch, to the file `out`"
    import torch
    from fastai.callback.core import Callback
    from human_lm.runs.published import table_rows
    from human_lm.runs.recipes import chapter_learner,chapter_runs
    torch.set_num_threads(int(os.environ['OMP_NUM_THREADS']))
    if kind=='no oneDNN': torch.backends.mkldnn.flags(enabled=False).__enter__()
    class Weights(Callback):
        order = 100
        def after_epoch(self): kept.append(torch.cat([o.detach().double().flatten() for o in self.model.parameters()]))
    res = {}
    for name in names:
        kept,learn = [],chapter_learner(name)
        if kind=='nudged':
            with torch.no_grad():
                w = next(learn.model.parameters())
                w[0,0] = torch.nextafter(w[0,0], torch.tensor(torch.inf))
        if kind=='float64':
            learn.model.double()
            loss = learn.loss_func
            learn.loss_func = lambda *args: loss(*args).float()  # fastai averages losses in float32
        with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(chapter_runs[name].n_epoch, chapter_runs[name].lr, cbs=Weights)
        res[name] = dict(rows=table_rows(learn), weights=kept)
    torch.save(res, out)

def main(path):
    import torch
    from human_lm.runs.published import n_agree
    res,ref = dict(capability=torch.backends.cpu.get_cpu_capability(), ways={}),None
    for way,(env,kind) in ways.items():
        with tempfile.TemporaryDirectory() as d:
            out = Path(d)/'res.pt'
            subprocess.run([sys.executable, __file__, '--one', kind, out], check=True, env={**os.environ, 'OMP_NUM_THREADS':'1', **env})
            o = torch.load(out, weights_only=True)
        ref = ref or o
        res['ways'][way] = {name: dict(agreeing_epochs=n_agree(name, r['rows']), accuracy=round(r['rows'][-1][2], 6),
            apart=[float(f'{(a-b).abs().max():.3g}') for a,b in zip(r['weights'], ref[name]['weights'])]) for name,r in o.items()}
        print(way, {name: r['agreeing_epochs'] for name,r in res['ways'][way].items()}, flush=True)
    path.write_text(json.dumps(res, indent=1)+'\n')

if __name__=='__main__': run_one(*sys.argv[2:]) if sys.argv[1]=='--one' else main(Path(sys.argv[1]))
