"""What becomes of a model that keeps its state when two processes take a half of the list of samples each, as with
fastai's `DistributedDL`: rows go on if the list is grouped by the rows of one process, and do not if by those of all.
Read in nbs/33_training.processes.ipynb."""
import torch
from fastai.data.core import DataLoaders

from human_lm.data import split_seqs
from human_lm.runs.recipes import chapter_corpus,recipe
from human_lm.training.batches import FlatDL
from human_lm.training.sequences import FlatSeqs

# rows of a group, and processes
ways = {'one process':(64,1), 'two, grouped by the rows of each':(32,2), 'two, grouped by the rows of both':(64,2)}

def shared(n, world):
    "The order in which `world` processes read `n` samples, each a stretch of it; their parts of a batch side by side"
    rows,each = 64//world,torch.arange(n//world*world).view(world, -1)
    return each[:,:each.shape[1]//rows*rows].reshape(world, -1, rows).transpose(0, 1).reshape(-1).tolist()

def run(name, way, seed):
    "Train `name` in one process on the batches that all would read together; accuracy on rows that go on"
    plan,(group,world) = recipe(name),ways[way]
    learn = plan.learner(seed, fast=True)
    ds = split_seqs(FlatSeqs(chapter_corpus()[1], sl=16))[0].group_chunks(group)
    learn.dls = DataLoaders(FlatDL(ds[shared(len(ds), world)], bs=64, drop_last=True), learn.dls.valid)
    with learn.no_bar(), learn.no_logging(): plan.fit(learn)
    return learn.recorder.values[-1][2]

def tasks(n_seeds=None):
    return {f'{name}; {way}; {seed}': (run, dict(name=name, way=way, seed=seed))
            for name in ('LMModel6','LMModel4') for way in ways for seed in range(n_seeds or 5)}

def result(done):
    res = {}
    for k,v in done.items():
        name,way,_ = k.split('; ')
        res.setdefault(name, {}).setdefault(way, []).append(v)
    return res
