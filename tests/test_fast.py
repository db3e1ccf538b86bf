"The quick learner and its optimiser compute what fastai's do"
import pytest,torch
import torch.nn.functional as F
from fastai.callback.core import Callback
from fastai.learner import Learner
from fastai.optimizer import Adam
from torch import nn

from human_lm import *
from human_lm.bench import fast_learner, floor_fit, learner_fit
from human_lm.fast import FusedAdam, QuickLearner, flat_dls

@pytest.mark.parametrize('name', ['LMModel1','LMModel2'])
def test_tables_as_published(name):
    _,rows = learner_fit(fast_learner(name), name)
    assert n_agree(name, rows)==4

@pytest.mark.parametrize('name', ['LMModel3','LMModel4','LMModel5','LMModel6','LMModel7'])
def test_first_epoch_is_that_of_the_chapter(name):
    "The chapter's learner, ours and the bare loop give the same first row"
    rows = [learner_fit(f(name), name, 1)[1][0] for f in (chapter_learner, fast_learner)] + [floor_fit(name, n_epoch=1)[1][0]]
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

@pytest.mark.parametrize('opts', [(FusedAdam,), (Adam,FusedAdam), (FusedAdam,Adam)], ids=['alone','from Adam','to Adam'])
@pytest.mark.parametrize('groups', [False,True])
@pytest.mark.parametrize('kw', [{}, dict(eps=1e-3), dict(sqr_mom=0.9)])
def test_fused_adam_is_fastais_adam(kw, groups, opts):
    torch.testing.assert_close(run_steps(*opts, groups=groups, **kw), run_steps(Adam, groups=groups, **kw), rtol=0, atol=2e-6)

def test_fused_adam_without_a_kernel(monkeypatch):
    fused = run_steps(FusedAdam)
    monkeypatch.setattr('human_lm.fast._can_fuse', lambda ps: False)
    torch.testing.assert_close(run_steps(FusedAdam), fused, rtol=0, atol=1e-6)

def test_freezing():
    "What is frozen is not moved, not even by decay"
    learn = tiny(opt_func=FusedAdam, splitter=lambda m: [list(m[0].parameters()), list(m[1:].parameters())])
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
