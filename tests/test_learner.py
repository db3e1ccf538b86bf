"The quick learner and its optimiser compute what fastai's do"
import platform
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest,torch
import torch.nn.functional as F
from fastai.callback.core import Callback
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.optimizer import Adam
from torch import nn

from conftest import run_python
from human_lm.all import *
from human_lm.runs.speed import floor_fit, timed_fit
from human_lm.training.batches import flat_dls
from human_lm.training.learner import ForeachAdam, QuickLearner, keep_freed, up_and_down

def test_freed_memory_is_kept():
    "Hardly a page is asked for again, with 54 MB freed at each of twenty turns"
    if platform.libc_ver()[0]!='glibc': pytest.skip('another C library has rules of its own')
    faults = run_python('''
import resource,torch
from human_lm.training.learner import keep_freed
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def turn(): return [torch.ones(9*2**19) for _ in range(3)]
keep_freed()
for _ in range(3): turn()
before = faults()
for _ in range(20): turn()
print(faults()-before)''')
    assert int(faults)<54*2**20/4096  # less than one turn's pages; without, it is more than ten turns'

def test_freed_first_is_nearly_32_mb(monkeypatch):
    "glibc counts blocks of up to 32 MB"
    asked = []
    monkeypatch.setattr('human_lm.training.learner.torch.empty', lambda *size, dtype: asked.append(torch.Size(size).numel()*dtype.itemsize))
    keep_freed()
    assert 31*2**20<asked[0]<2**25

@pytest.mark.parametrize('pct', [-0.1,1.1])
def test_share_of_the_way_up(pct):
    with pytest.raises(ValueError, match=f'^the share of the way up lies between 0 and 1, got {pct}$'): up_and_down(pct, 0., 1., 0.)
    assert up_and_down(0, 9., 1., 0.)(0)==1. and up_and_down(1, 0., 1., 9.)(0.5)==pytest.approx(0.5)

def test_seconds_of_a_fit(monkeypatch):
    class Learn:
        no_bar = no_logging = nullcontext
        recorder = SimpleNamespace(values=[[3.,2.,0.5]])
    did,learn = [],Learn()
    monkeypatch.setattr('human_lm.runs.speed.time.perf_counter', iter([10.,12.5]).__next__)
    assert timed_fit(SimpleNamespace(fit=lambda *args: did.append(args)), learn, 3)==(2.5, [[3.,2.,0.5]]) and did==[(learn,3)]

@pytest.mark.parametrize('args', [{}, dict(axis=1), dict(reduction='sum'), dict(ignore_index=2), dict(label_smoothing=0.1)])
def test_loss_is_fastais_as_a_plain_tensor(args):
    torch.manual_seed(0)
    x = torch.randn(3, 4, 5, requires_grad=True)
    y = torch.randint(0, 4, (3,5) if args.get('axis')==1 else (3,4))
    ours,theirs = (o(**args) for o in (QuickCrossEntropyLossFlat,CrossEntropyLossFlat))
    assert type(ours(x, y)) is torch.Tensor and torch.equal(ours(x, y), torch.Tensor(theirs(x, y)))
    assert torch.equal(ours.decodes(x), theirs.decodes(x)) and torch.equal(ours.activation(x), theirs.activation(x))

@pytest.mark.parametrize('name', ['LMModel3','LMModel4','LMModel5','LMModel6','LMModel7'])
def test_first_epoch_is_that_of_the_chapter(name):
    "The chapter's learner and ours give the same first row to the last bit, and the bare loop the same but for rounding"
    rows = [timed_fit(recipe(name), chapter_learner(name, fast=o), 1)[1][0] for o in (False,True)] + [floor_fit(name, n_epoch=1)[1][0]]
    assert rows[0]==rows[1]
    torch.testing.assert_close(torch.tensor(rows[1:]), torch.tensor(rows[:1]*2), rtol=0, atol=2e-5)

def params(seed=0):
    torch.manual_seed(seed)
    return [nn.Parameter(torch.randn(4, 3)), nn.Parameter(torch.randn(3)), nn.Parameter(torch.randn(5))]

def run_steps(*opt_funcs, n=6, groups=False, **kw):
    "Parameters after `n` steps; with more than one optimiser, each goes on from the other's saved state"
    a,b,c = ps = params()
    opt = None
    for i in range(n):
        if i%3==0:
            saved = opt and opt.state_dict()
            opt = opt_funcs[i//3%len(opt_funcs)]([[a],[b,c]] if groups else ps, lr=0.1, wd=0.3, **kw)
            if saved: opt.load_state_dict(saved)
            opt.state[b]['do_wd'] = False
        opt.set_hypers(lr=[0.1/(i+1), 0.02] if groups else 0.1/(i+1), mom=0.9-0.05*i)
        ((a@b).pow(2).sum() + (c.sum() if i%2 else 0)).backward()  # `c` has a gradient every other time
        opt.step()
        opt.zero_grad()
    return torch.cat([o.detach().flatten() for o in ps])

@pytest.mark.parametrize('opts', [(ForeachAdam,), (Adam,ForeachAdam), (ForeachAdam,Adam)], ids=['alone','from Adam','to Adam'])
@pytest.mark.parametrize('groups', [False,True])
@pytest.mark.parametrize('kw', [{}, dict(eps=1e-3), dict(sqr_mom=0.9)])
def test_foreach_adam_is_fastais_adam(kw, groups, opts):
    assert torch.equal(run_steps(*opts, groups=groups, **kw), run_steps(Adam, groups=groups, **kw))

def test_hyperparameters_are_set_as_in_fastai():
    "A number, one for each group, a slice; from a schedule they come as an array. A wrong number of them is refused"
    a,b,c = params()
    opts = [o([[a],[b,c]], lr=0.1) for o in (ForeachAdam,Adam)]
    for v in (0.2, 1, [0.1,0.2], np.array([0.3,0.4]), slice(0.01,0.1), slice(None,0.1)):
        for o in opts: o.set_hyper('lr', v)
        assert opts[0].hypers==opts[1].hypers
    for o in opts:
        with pytest.raises(AssertionError, match='2 parameter groups'): o.set_hyper('lr', [0.1,0.2,0.3])

@pytest.mark.parametrize('kw', [{}, dict(lr_max=slice(1e-4,1e-2)), dict(lr_max=0.02, div=10., div_final=1e3, pct_start=0.4, wd=0.2, moms=(0.9,0.8,0.7))], ids=str)
def test_one_cycle_is_fastais(kw):
    "Learning rate of each group and momentum at every batch, weight decay, and what comes of them"
    runs = []
    for cls in (QuickLearner,Learner):
        learn = tiny(cls, splitter=lambda m: [list(m[0].parameters()), list(m[1:].parameters())])
        heard = []
        class Note(Callback):
            def before_step(self): heard.append([dict(o) for o in self.opt.hypers])
        with learn.no_bar(),learn.no_logging(): learn.fit_one_cycle(2, cbs=Note(), **kw)
        runs.append((heard, [o.tolist() for o in learn.model.parameters()]))
    assert len(runs[0][0])==2*len(learn.dls.train) and runs[0]==runs[1]

strided = {'columns': lambda: torch.randn(11, 300)[:,:8], 'every other': lambda: torch.randn(24)[::2], 'transposed': lambda: torch.randn(5, 7).T,
           'channels last': lambda: torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last), 'whole': lambda: torch.randn(4, 3)}

@pytest.mark.parametrize('how', strided)
@pytest.mark.parametrize('grad', ['as it comes','other strides'])
def test_foreach_adam_of_views(how, grad):
    "Whatever lies in memory between the elements stays as it is, and the elements are moved as by fastai's Adam"
    moved = []
    for opt_func in (ForeachAdam,Adam):
        torch.manual_seed(0)
        a,b = nn.Parameter(strided[how]()),nn.Parameter(torch.randn(3))
        around = a.detach().untyped_storage()
        before = torch.tensor(list(around.tolist()), dtype=torch.uint8)
        inside = torch.zeros(len(before), dtype=torch.uint8).view(torch.float32)
        inside.set_(inside.untyped_storage(), a.storage_offset(), a.shape, a.stride()).fill_(1.)
        outside = torch.tensor(inside.untyped_storage().tolist(), dtype=torch.uint8).view(torch.float32)==0
        opt = opt_func([a,b], lr=0.1, wd=0.3)
        for i in range(3):
            (a.pow(2).sum()+a.sum()*b.sum()).backward()
            if grad=='other strides' and i==0:
                for o in (a,b): o.grad = torch.empty_strided(o.shape, [2*n for n in o.grad.contiguous().stride()]).copy_(o.grad)
            opt.step()
            opt.zero_grad()
        after = torch.tensor(around.tolist(), dtype=torch.uint8)
        assert torch.equal(after.view(torch.float32)[outside], before.view(torch.float32)[outside])
        moved.append((a.detach().clone(), b.detach().clone()))
    for o in zip(*moved): assert torch.equal(*o)

def test_zero_grad_lets_go_of_the_graph():
    "A gradient that was made with its graph is cut from it, as in fastai, so that no step keeps those before it alive"
    a = nn.Parameter(torch.randn(5))
    opt = ForeachAdam([a], lr=0.1)
    for _ in range(3):
        a.pow(3).sum().backward(create_graph=True)
        assert a.grad.requires_grad
        opt.step()
        opt.zero_grad()
        assert a.grad.grad_fn is None and not a.grad.requires_grad and not a.grad.any()

def test_freezing():
    "What is frozen is not moved, not even by decay"
    learn = tiny(opt_func=ForeachAdam, splitter=lambda m: [list(m[0].parameters()), list(m[1:].parameters())])
    learn.create_opt()
    learn.freeze()
    before = [o.detach().clone() for o in learn.model.parameters()]
    fit(learn)
    moved = [not torch.equal(a, b) for a,b in zip(before, learn.model.parameters())]
    assert moved==[False,True,True]

def tiny(cls=QuickLearner, **kw):
    torch.manual_seed(0)
    nums = torch.arange(300)*7%11
    dls = flat_dls(*split_seqs(FlatSeqs(nums, 1, last=True)), bs=8, group=False)
    return cls(dls, nn.Sequential(nn.Embedding(11, 4), nn.Flatten(), nn.Linear(4, 11)), loss_func=F.cross_entropy, **kw)

def fit(learn, n=1, **kw):
    with learn.no_bar(),learn.no_logging(): learn.fit(n, 1e-2, **kw)
    return learn

class Diary(Callback):
    "Every event of a fit, and which way it ran"
    def __init__(self): self.seen = []
for o in ('before_fit','before_epoch','before_train','before_batch','after_pred','after_loss','before_backward','after_backward','before_step','after_step',
          'after_batch','after_train','before_validate','after_validate','after_epoch','after_fit'):
    setattr(Diary, o, lambda self, o=o: self.seen.append((o, self.learn.training)))

def test_events_come_in_fastais_order():
    diaries = [Diary(), Diary()]
    for cls,d in zip((QuickLearner,Learner), diaries): fit(tiny(cls, cbs=d), 2)
    assert diaries[0].seen==diaries[1].seen and len(diaries[0].seen)>100

def test_callbacks_that_come_and_go():
    class Leaves(Callback):
        def after_batch(self):
            calls.append(self.iter)
            self.learn.remove_cb(self)
    calls,d = [],Diary()
    learn = fit(tiny(cbs=Leaves))
    assert calls==[0]
    fit(learn, cbs=d)
    n = len(d.seen)
    fit(learn)
    assert len(d.seen)==n>0

def test_callback_of_a_function_and_one_that_stops():
    calls = []
    fit(tiny(cbs=Callback(after_epoch=lambda self: calls.append(self.epoch))), 2)
    assert calls==[0,1]
    class Off(Callback):
        run = False
        def after_batch(self): calls.append('off')
    off = Off()
    fit(learn := tiny(cbs=off))
    assert off.run and 'off' not in calls  # a callback that was switched off is on again after a fit, as in fastai
    fit(learn)
    assert 'off' in calls

def test_quick_learner_gives_the_learners_losses():
    a,b = (fit(tiny(cls, metrics=lambda p,y: (p.argmax(-1)==y).float().mean()), 3) for cls in (QuickLearner,Learner))
    assert a.recorder.values==b.recorder.values and list(map(float, a.recorder.losses))==list(map(float, b.recorder.losses))
