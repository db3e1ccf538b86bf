"""Look for a rounding that follows a published table further. Read in nbs/47_runs.rounding.ipynb.

A run leaves the print when an activation falls on the other side of zero than it did on the published run's GPU.
So: go back to the start of the epoch in question, or of the one before, move every weight up or down by the smallest
step of its float, and try again, as often as `--seeds` says for each (60). If one of the tries agrees with the print
to 1e-4, go on from there. The moves are drawn with the seed of the try. Which tries succeed depends on the
processor."""
import torch

from fastai.callback.core import CancelFitException,Callback
from human_lm.runs.published import n_agree,published_table,table_rows
from human_lm.runs.recipes import recipe

class Nudge(Callback):
    "Move every weight by one step of its float as the epochs in `moves` (epoch: seed) start; stop after epoch `last`"
    order = 100
    def __init__(self, moves, last): self.moves,self.last = moves,last
    def before_epoch(self):
        if self.epoch not in self.moves: return
        gen = torch.Generator().manual_seed(self.moves[self.epoch])
        with torch.no_grad():
            for o in self.model.parameters():
                up = torch.rand(o.shape, generator=gen)<0.5
                o.copy_(torch.nextafter(o, torch.where(up, torch.inf, -torch.inf)))
    def after_epoch(self):
        if self.epoch==self.last: raise CancelFitException

def table(name, moves, last):
    run = recipe(name)
    learn = run.learner()
    with learn.no_bar(), learn.no_logging(): run.fit(learn, cbs=Nudge(moves, last))
    return table_rows(learn)

def follow(name, tries):
    "Moves that were kept, epochs that agree before and with them, tries in all, and how near the last tries came"
    n_epoch,moves,n_tried = recipe(name).n_epoch,{},0
    n = before = n_agree(name, table(name, moves, n_epoch-1))
    while n<n_epoch:
        found,nearest = None,float('inf')
        for epoch in (n, n-1):
            kept = {k:v for k,v in moves.items() if k<epoch}
            for seed in range(tries):
                n_tried += 1
                rows = table(name, {**kept, epoch:seed}, n)
                apart = max(abs(a-b) for a,b in zip(rows[n], published_table(name)[n]))
                if n_agree(name, rows)>=n: nearest = min(nearest, apart)
                if nearest<=1e-4: found = {**kept, epoch:seed}; break
            if found: break
        if not found: break
        moves = found
        n = n_agree(name, table(name, moves, n_epoch-1))
    return dict(before=before, agreeing_epochs=n, moves=moves, tries=n_tried, nearest=nearest)

names = ('LMModel3','LMModel4','LMModel6')

def tasks(n_seeds=None): return {name: (follow, dict(name=name, tries=n_seeds or 60)) for name in reversed(names)}

def result(done):
    "What the processor can, and what `follow` gave for each model"
    return dict(capability=torch.backends.cpu.get_cpu_capability(), **{name:done[name] for name in names})
