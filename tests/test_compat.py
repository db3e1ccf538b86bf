"What fastai users do with a `Learner`: this package's learners do the same, with the same figures and the same calls"
import random

import numpy as np
import pytest,torch
from fastai.callback.core import TrainEvalCallback,Callback,CancelBatchException,CancelEpochException,CancelFitException
from fastai.callback.fp16 import MixedPrecision
from fastai.callback.rnn import ModelResetter
from fastai.callback.tracker import EarlyStoppingCallback,ReduceLROnPlateau,SaveModelCallback
from fastai.callback.training import GradientAccumulation,GradientClip,ShortEpochCallback
from fastai.learner import Learner,Recorder,before_batch_cb,load_learner
from fastai.losses import CrossEntropyLossFlat
from fastai.metrics import accuracy
from fastai.optimizer import Adam
from fastai.text.learner import TextLearner

from human_lm.all import *

sl = 4
def groups(m): return [list(m.i_h.parameters()), [p for k,p in m.named_parameters() if not k.startswith('i_h')]]
class Small(LMModel4):
    "LMModel4 of a handful of weights"
    def __init__(self): super().__init__(11, 8)

class WithActivations(Small):
    "Gives something along with the scores, as text learners expect"
    def forward(self, x): return [super().forward(x)]*3

def some_dls():
    nums = torch.arange(700)*7%11
    seqs = FlatSeqs(nums, sl, vocab=Vocab([str(i) for i in range(11)]))
    return flat_dls(*split_seqs(seqs), bs=8)

class Diary(Callback):
    "Every event, in which mode it ran, and the loss then"
    order = 55
    def __init__(self): self.seen = []
    def __call__(self, event_name):
        learn = self.learn
        loss = getattr(learn, 'loss', None)
        self.seen.append((event_name, learn.training, None if loss is None else round(float(torch.as_tensor(loss).mean()), 5)))

def make(cls, path, loss=CrossEntropyLossFlat, metric=accuracy, opt_func=Adam):
    torch.manual_seed(0)
    random.seed(0)
    model = WithActivations() if issubclass(cls, TextLearner) else Small()
    learn = cls(some_dls(), model, loss_func=loss(), metrics=metric, path=path, opt_func=opt_func, splitter=groups,
                cbs=[] if issubclass(cls, TextLearner) else ModelResetter)
    learn.logger,learn.diary = lambda *a: None,Diary()
    return learn.add_cb(learn.diary)

def plain(o):
    "`o` with its tensors as lists of numbers"
    if isinstance(o, torch.Tensor): return ('tensor', list(o.shape), [round(x, 5) if isinstance(x, float) else x for x in o.detach().flatten().tolist()])
    if isinstance(o, (list,tuple)) or type(o).__name__=='L': return [plain(x) for x in o]
    if isinstance(o, dict): return {k:plain(v) for k,v in o.items()}
    if isinstance(o, (float,np.floating)): return round(float(o), 5)
    return o

# ---- what people do: each takes a learner, and gives what came of it
does = {}
def act(f):
    does[f.__name__] = f
    return f

@act
def fit(learn): learn.fit(2, 1e-2)
@act
def validate(learn):
    learn.fit(1, 1e-2)
    return learn.validate(), learn.validate(ds_idx=0), learn.validate(dl=learn.dls.valid, cbs=ShortEpochCallback(pct=0.5, short_valid=True))
@act
def get_preds(learn): return learn.get_preds(), learn.get_preds(with_input=True, with_decoded=True, with_loss=True), learn.get_preds(ds_idx=0, reorder=False)
@act
def get_preds_of_batches(learn): return learn.get_preds(dl=[learn.dls.one_batch()])
@act
def predict(learn): return learn.predict(learn.dls.valid_ds[0]), learn.predict(learn.dls.valid_ds[1], with_input=True)
@act
def context(learn):
    with learn: inside = learn.model.training, learn.training, learn.n_epoch
    return inside
@act
def quiet(learn):
    with learn.no_bar(),learn.no_logging(),learn.no_mbar(): learn.fit(1, 1e-2)
@act
def with_callbacks(learn):
    with learn.added_cbs(GradientClip(0.1)): learn.fit(1, 1e-2)
    with learn.removed_cbs(learn.cbs[-1]): learn.fit(1, 1e-2)
    learn.fit(1, 1e-2)
    return [type(o).__name__ for o in learn.cbs], [type(o).__name__ for o in learn.ordered_cbs('before_train')]
@act
def lr_find(learn): return learn.lr_find(num_it=30, show_plot=False), learn.recorder.lrs
@act
def freezing(learn):
    learn.freeze()
    learn.fit_one_cycle(1, 1e-2)
    frozen = [o.requires_grad for o in learn.model.parameters()], [o.detach().clone() for o in learn.model.parameters()]
    learn.unfreeze()
    learn.fit_one_cycle(1, slice(1e-3,1e-2))
    learn.freeze_to(1)
    learn.fit(1, 1e-2)
    return frozen
@act
def discriminative(learn): learn.fit_one_cycle(2, lr_max=slice(1e-4,1e-2))
@act
def one_cycle(learn):
    learn.fit_one_cycle(2, 1e-2, div=10., div_final=100., pct_start=0.4, wd=0.2, moms=(0.9,0.8,0.7), reset_opt=True)
    return learn.recorder.hps
@act
def one_cycle_goes_on(learn): learn.fit_one_cycle(3, 1e-2, start_epoch=1)
@act
def flat_cos(learn):
    learn.fit_flat_cos(2, 1e-2)
    return learn.recorder.hps
@act
def sgdr(learn):
    learn.fit_sgdr(2, 1, 1e-2)
    return learn.recorder.hps
@act
def save_and_load(learn):
    learn.fit(1, 1e-2)
    learn.save('here')
    learn.fit(1, 1e-2)
    learn.load('here')
    learn.fit(1, 1e-2)
@act
def export(learn):
    learn.fit(1, 1e-2)
    learn.diary.learn, learn.logger = None, print
    diary = learn.cbs.pop()
    learn.export()
    with pytest.warns(UserWarning, match='pickle'): back = load_learner(learn.path/'export.pkl')
    learn.cbs.append(diary)
    diary.learn = learn
    with back.no_bar(): preds = back.get_preds(dl=[learn.dls.one_batch()])
    learn.logger = lambda *a: None
    learn.fit(1, 1e-2)
    return preds, type(back) is type(learn)
@act
def keeps_the_best(learn):
    learn.fit_one_cycle(3, 1e-2, cbs=SaveModelCallback(monitor='accuracy', fname='best', with_opt=True))
    return sorted(o.name for o in (learn.path/'models').iterdir())
@act
def stops_early(learn):
    learn.fit(6, 1e-2, cbs=EarlyStoppingCallback(min_delta=0.5, patience=1))
    return len(learn.recorder.values)
@act
def smaller_on_plateau(learn):
    learn.fit(4, 1e-2, cbs=ReduceLROnPlateau(min_delta=1., patience=1))
    return learn.opt.hypers
@act
def accumulates(learn): learn.fit(2, 1e-2, cbs=GradientAccumulation(n_acc=20))
@act
def clips(learn): learn.fit_one_cycle(1, 1e-2, cbs=GradientClip(0.05))
@act
def mixes_batches(learn):
    class Mix(Callback):
        "Half of another row's loss, as MixUp does: the loss function is another one while a batch is trained with"
        run_valid = False
        def before_fit(self): self.old,self.learn.loss_func = self.learn.loss_func,self.lf
        def after_fit(self): self.learn.loss_func = self.old
        def after_cancel_fit(self): self.after_fit()
        def before_batch(self): self.other = self.y.flip(0)
        def lf(self, pred, targ): return self.old(pred, targ) if not self.training else torch.lerp(self.old(pred, targ), self.old(pred, self.other), 0.5)
    learn.fit(2, 1e-2, cbs=Mix())
@act
def changes_batches(learn):
    @before_batch_cb
    def rolled(self, xb, yb): return tuple(o.roll(1, 0) for o in xb), tuple(o.roll(1, 0) for o in yb)
    learn.fit(1, 1e-2, cbs=rolled)
@act
def cancels(learn):
    class Cancel(Callback):
        def before_batch(self):
            if self.training and self.iter==3: raise CancelBatchException
            if self.training and self.iter==6 and self.epoch==0: raise CancelEpochException
        def after_step(self):
            if self.epoch==1 and self.iter==8: raise CancelFitException
    learn.fit(3, 1e-2, cbs=Cancel())
@act
def records_training_too(learn):
    learn.recorder.train_metrics = True
    learn.fit(1, 1e-2)
    return learn.recorder.metric_names, learn.recorder.losses, learn.recorder.lrs

# ---- callbacks that change between fits, in each of the ways there are
heard = []
def hear(what): return lambda *a: heard.append(what)
class Listen(Callback): pass

@act
def handler_on_an_instance(learn):
    cb = Listen()
    learn.add_cb(cb).fit(1, 1e-2)
    cb.after_epoch = hear('instance')
    learn.fit(1, 1e-2)
@act
def handler_patched_into_the_class(learn):
    class Late(Callback): pass
    learn.add_cb(Late()).fit(1, 1e-2)
    Late.after_train = hear('class')
    learn.fit(1, 1e-2)
    del Late.after_train
    learn.fit(1, 1e-2)
@act
def order_that_changes(learn):
    class A(Callback):
        def after_epoch(self): heard.append('A')
    class B(Callback):
        def after_epoch(self): heard.append('B')
    a,b = A(),B()
    learn.add_cbs([a,b]).fit(1, 1e-2)
    a.order = 5
    learn.fit(1, 1e-2)
    B.order = 9
    learn.fit(1, 1e-2)
@act
def list_appended_to_and_replaced(learn):
    cb = Callback(after_epoch=hear('appended'))
    learn.fit(1, 1e-2)
    cb.learn = learn
    learn.cbs.append(cb)
    learn.fit(1, 1e-2)
    learn.cbs = learn.cbs.filter(lambda o: o is not cb)
    learn.fit(1, 1e-2)
@act
def answers_by_getattr(learn):
    class Dynamic(Callback):
        def __getattr__(self, k):
            if k=='after_train': return hear('dynamic')
            return super().__getattr__(k)
    learn.fit(1, 1e-2, cbs=Dynamic())
@act
def answers_by_another(learn):
    class Passes(Callback):
        _default = 'inner'
        def __init__(self): self.inner = type('Inner', (), dict(after_train=hear('inner')))()
    learn.fit(1, 1e-2, cbs=Passes())
@act
def answers_by_learner_and_model(learn):
    learn.after_train = hear('learner')
    learn.fit(1, 1e-2)
    del learn.after_train
    learn.model.after_train = hear('model')
    learn.fit(1, 1e-2)
    del learn.model.after_train
    learn.fit(1, 1e-2)
@act
def changes_in_the_middle_of_an_event(learn):
    class Second(Callback): order = 2
    second = Second()
    class First(Callback):
        def after_epoch(self):
            second.after_epoch = hear('second')
            self.learn.remove_cb(self)
    learn.add_cbs([First(),second]).fit(2, 1e-2)
@act
def switched_off(learn):
    class Off(Callback):
        def after_batch(self): heard.append('off')
    off = Off()
    learn.add_cb(off)
    off.run = False
    learn.fit(1, 1e-2)
    off.run_train = False
    learn.fit(1, 1e-2)
    return off.run
@act
def unknown_event(learn):
    with pytest.raises(Exception, match='missing after_lunch'): learn('after_lunch')
    learn(['before_fit','before_epoch'])
    learn('after_epoch')

def result(cls, do, path, **kw):
    heard.clear()
    path.mkdir()
    learn = make(cls, path, **kw)
    with learn.no_bar(): got = do(learn)
    rec = getattr(learn, 'recorder', None)
    return dict(got=plain(got), calls=list(learn.diary.seen), heard=list(heard), table=plain(getattr(rec, 'values', None)),
                weights=plain(list(learn.model.parameters())), hypers=plain([dict(o) for o in learn.opt.hypers]) if learn.opt else None)

def same(a, b, tol):
    "Alike, floats to within `tol`"
    assert type(a) is type(b), (a, b)
    if isinstance(a, dict):
        assert a.keys()==b.keys()
        for k in a: same(a[k], b[k], tol)
    elif isinstance(a, (list,tuple)):
        assert len(a)==len(b)
        for x,y in zip(a, b): same(x, y, tol)
    elif isinstance(a, float): assert a==pytest.approx(b, abs=tol, nan_ok=True)
    else: assert a==b

def compare(do, tmp_path, ours=QuickLearner, theirs=Learner, tol=2e-5, **kw):
    same(result(ours, do, tmp_path/'ours', **kw), result(theirs, do, tmp_path/'theirs'), tol)

plain_tensors = dict(loss=QuickCrossEntropyLossFlat, metric=QuickAccuracy())

class ForPlainTensors(QuickLearner):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for_plain_tensors(self)

@pytest.mark.parametrize('do', does.values(), ids=does)
def test_as_fastai(do, tmp_path):
    "Tables, predictions, weights and calls are those of fastai's learner"
    counts_callbacks = do.__name__ in ('with_callbacks','answers_by_learner_and_model')
    compare(do, tmp_path, QuickLearner if counts_callbacks else ForPlainTensors, **plain_tensors)

def test_recorder_is_replaced_as_it_is_set(tmp_path):
    "The settings of fastai's recorder are kept, and one of somebody's own is left alone"
    class Own(Recorder): name = 'recorder'
    a,b = (ForPlainTensors(make(Learner, tmp_path).dls, torch.nn.Embedding(30, 30), loss_func=torch.nn.functional.cross_entropy,
                 default_cbs=False, cbs=[TrainEvalCallback(), cls(add_time=False, train_metrics=True, beta=0.5)])
           for cls in (Recorder,Own))
    assert (type(a.recorder),type(b.recorder))==(QuickRecorder,Own)
    for o in (a,b): assert (o.recorder.add_time,o.recorder.train_metrics,o.recorder.smooth_loss.beta)==(False,True,0.5)

@pytest.mark.parametrize('do', 'fit validate get_preds lr_find one_cycle save_and_load'.split())
def test_text_learner_as_fastais(do, tmp_path): compare(does[do], tmp_path, QuickTextLearner, TextLearner)

@pytest.mark.parametrize('do', 'fit freezing discriminative save_and_load export accumulates clips keeps_the_best lr_find cancels'.split())
def test_foreach_adam_as_fastais(do, tmp_path): compare(does[do], tmp_path, opt_func=ForeachAdam, **plain_tensors)

def test_comparison_can_fail(tmp_path):
    "A learner that drops one event is noticed"
    class Deaf(QuickLearner):
        def __call__(self, event_name):
            if event_name!='after_train': super().__call__(event_name)
    with pytest.raises(AssertionError): compare(does['fit'], tmp_path, Deaf)

@pytest.mark.skipif(not torch.cuda.is_available(), reason='mixed precision by loss scaling needs a GPU')
def test_mixed_precision(tmp_path):
    def half(learn): learn.fit(1, 1e-2, cbs=MixedPrecision())
    compare(half, tmp_path, tol=1e-2, opt_func=ForeachAdam, **plain_tensors)

@pytest.mark.parametrize('cls', [QuickLearner,Learner])
def test_results_are_shown_in_words(cls, tmp_path, monkeypatch):
    "fastai by itself cannot show plain tensors; the loader can"
    shown = []
    monkeypatch.setattr('human_lm.training.batches.display_df', shown.append)
    learn = make(cls, tmp_path)
    with learn.no_bar():
        learn.fit(3, 1e-1)
        learn.show_results(max_n=3, shuffle=False)
        x,y = learn.dls[1].one_batch()
        learn.model.reset()
        want = learn.get_preds(dl=[(x,y)], with_decoded=True)[2]
    table, = shown
    words = lambda ids: [' '.join(map(str, o.tolist())) for o in ids[:3]]
    assert table.to_dict('list')==dict(text=words(x), target=words(y), prediction=words(want))

def test_few_overrides():
    "What is overridden is public, so that the next fastai does not break it"
    own = {k for k in vars(Quick) if callable(getattr(Quick, k)) and hasattr(Learner, k)} - {'__init_subclass__','__subclasshook__'}
    assert own=={'__call__','fit','fit_one_cycle'}
