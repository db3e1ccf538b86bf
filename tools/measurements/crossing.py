"""What becomes of the smallest possible difference, batch by batch: runs that differ in one weight by one rounding,
with and without ReLU, and with the ReLU of one run deciding for the others. Read in nbs/47_runs.rounding.ipynb."""
from dataclasses import replace

import torch
import torch.nn.functional as F

from human_lm.runs.recipes import recipe
from side_by_side import SideBySide

n_nudges,n_epoch = 1,8  # nudged runs beside each plain one; epochs of the fifteen

class Signs:
    "A nonlinearity that counts the activations which are above zero in only one of a nudged run and its plain one"
    def __init__(self, f): self.f,self.n = f,0
    def __call__(self, g):
        above = (g.detach()>0).unflatten(0, (-1,1+n_nudges))
        self.n = self.n + (above!=above[:,:1]).flatten(2).sum(2)
        return self.f(g)

def one_mask(g):
    "ReLU, except that what is above zero in the plain run counts as above zero in its nudged ones"
    above = (g.detach()>0).unflatten(0, (-1,1+n_nudges))[:,:1].expand(-1, 1+n_nudges, -1, -1).flatten(0, 1)
    return g*above

def smooth(g): return F.softplus(g, beta=20.)

kinds = {  # run, nonlinearity
    'LMModel4':('LMModel4',F.relu), 'LMModel4, one mask':('LMModel4',one_mask),
    'LMModel4 with softplus':('LMModel4',smooth), 'LMModel4 with tanh':('LMModel4',torch.tanh),
    'LMModel5':('LMModel5',torch.tanh), 'LMModel5 with ReLU':('LMModel5',F.relu),
    'LMModel5 with ReLU, one mask':('LMModel5',one_mask), 'LMModel6':('LMModel6',None),
}

def run(kind, n_seeds):
    "Train `kind` from each seed, plain and nudged, and compare after every batch"
    name,act = kinds[kind]
    def init(model):
        if act: model.act = Signs(act)
    r = replace(recipe(name), after=(), init=init)
    many = SideBySide(r, [seed for seed in range(n_seeds) for _ in range(1+n_nudges)])
    with torch.no_grad():
        w = many.ps['i_h.weight']
        for i in range(len(w)):
            j = i%(1+n_nudges)
            if j: w[i,0,j-1] = torch.nextafter(w[i,0,j-1], torch.tensor(torch.inf))  # of the first token, `one`
    apart,signs = [],[]
    def watch(k):
        with torch.no_grad():
            flat = torch.cat([p.flatten(1) for p in many.ps.values()], 1).unflatten(0, (n_seeds,-1))
            apart.append((flat[:,1:]-flat[:,:1]).abs().amax(-1).flatten().tolist())
        if act:
            signs.append(many.act.n[:,1:].flatten().tolist())
            many.act.n = 0
    many.fit(r.dls(fast=True), each=watch, n_epoch=n_epoch)
    apart,signs = [list(o) for o in zip(*apart)],[list(o) for o in zip(*signs)]
    return dict(apart=[[float(f'{v:.2e}') for v in o] for o in apart], signs=signs)

def summary(o):
    "Of each pair of runs: the first batch in which a sign differs, and after which weights are 1e-5 and 1e-3 apart"
    def first(vs, top): return next((i for i,v in enumerate(vs) if v>top), None)
    res = [dict(sign=first(s, 0), over_1e5=first(a, 1e-5), over_1e3=first(a, 1e-3), end=a[-1],
                before_sign=None if first(s, 0) is None else a[max(0, first(s, 0)-1)])
           for a,s in zip(o['apart'], o['signs'] or [[]]*len(o['apart']))]
    return res

def tasks(n_seeds=None): return {k: (run, dict(kind=k, n_seeds=n_seeds or 2)) for k in reversed(kinds)}

def result(done):
    return dict(n_epoch=n_epoch, batches=49, pairs={k: summary(done[k]) for k in kinds},
                apart={k: [o[::7] for o in done[k]['apart']] for k in kinds}, every=7,
                signs={k: [o[::7] for o in done[k]['signs']] for k in kinds})
