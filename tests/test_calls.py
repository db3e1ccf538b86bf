"Any order of calls: each does what a person expects, or says why not"
import copy,pickle
from contextlib import nullcontext

import pytest,torch
import torch.nn.functional as F
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from human_lm.all import *
from conftest import few

vocab_sz,n_hidden = 7,4
stateful = ['LMModel3','LMModel4','LMModel5','LMModel6','LMModel7']
devices = ['cpu'] + (['cuda'] if torch.cuda.is_available() else [])

def build(name, n_layers=1, p=0.5, seed=0):
    torch.manual_seed(seed)
    sizes = (n_hidden,) if name in ('LMModel3','LMModel4') else (n_hidden,n_layers)
    return globals()[name](vocab_sz, *sizes, *([p] if name=='LMModel7' else []))

def reference(sd, name, x):
    "Scores after each token of `x`, from the weights alone: no module, no state, all in one go"
    sd = {k:v.detach().cpu().double() for k,v in sd.items()}
    n_layers = sum(k.startswith('rnn.weight_ih') for k in sd)
    h = [torch.zeros(len(x), n_hidden).double()]*max(n_layers, 1)
    c,outs = list(h),[]
    for t in range(x.shape[1]):
        inp = sd['i_h.weight'][x[:,t]]
        if not n_layers: h = [inp := F.linear(h[0]+inp, sd['h_h.weight'], sd['h_h.bias']).relu()]
        for k in range(n_layers):
            g = F.linear(inp, sd[f'rnn.weight_ih_l{k}'], sd[f'rnn.bias_ih_l{k}']) + F.linear(h[k], sd[f'rnn.weight_hh_l{k}'], sd[f'rnn.bias_hh_l{k}'])
            if name=='LMModel5': h[k] = g.tanh()
            else:
                i,f,a,o = g.chunk(4, 1)
                c[k] = f.sigmoid()*c[k] + i.sigmoid()*a.tanh()
                h[k] = o.sigmoid()*c[k].tanh()
            inp = h[k]
        outs.append(F.linear(inp, sd['h_o.weight'], sd['h_o.bias']))
    return torch.stack(outs, 1)

class AnyOrder(RuleBasedStateMachine):
    "A model fed in pieces, with everything else that people do in between, beside the reference fed with the whole"
    @initialize(name=st.sampled_from(stateful), n_layers=st.integers(1, 2), seed=st.integers(0, 99))
    def make(self, name, n_layers, seed):
        self.name,self.m = name,build(name, n_layers, seed=seed)
        self.gen = torch.Generator().manual_seed(seed)
        self.said,self.eps = None,1e-5  # what was read since the last reset; float32 or float64

    def text(self, bs, sl): return torch.randint(0, vocab_sz, (bs,sl), generator=self.gen)

    @property
    def device(self): return self.m.i_h.weight.device

    def scores(self, out):
        "Scores of `out`, without the dropout that the model may have applied"
        return self.m.h_o(out[1]) if isinstance(out, tuple) else out

    def read(self, bs, sl, ctx=nullcontext):
        x = self.text(bs if self.said is None else len(self.said), sl)
        with ctx(): out = self.scores(self.m(x.to(self.device)))
        self.said = x if self.said is None else torch.cat([self.said, x], 1)
        want = reference(self.m.state_dict(), self.name, self.said)[:,-sl:]
        if self.name=='LMModel3': want = want[:,-1]
        assert out.shape==want.shape and out.dtype==self.m.i_h.weight.dtype
        torch.testing.assert_close(out.detach().cpu().double(), want, rtol=0, atol=self.eps)
        return out

    sizes = dict(bs=st.integers(1, 4), sl=st.integers(1, 5))

    @rule(**sizes)
    def read_on(self, bs, sl): self.read(bs, sl)

    @rule(ctx=st.sampled_from([torch.no_grad, torch.inference_mode]), **sizes)
    def predict(self, ctx, bs, sl): self.read(bs, sl, ctx)

    @rule(**sizes)
    def read_and_go_back(self, bs, sl):
        "A backward pass changes nothing that is kept, and reaches no further than its own batch"
        self.m.zero_grad()
        self.read(bs, sl).sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in self.m.parameters())
        self.m.zero_grad()

    @rule(**sizes)
    def learn_a_step(self, bs, sl):
        "Weights that moved make what was read by the old ones another model's: start afresh"
        self.read(bs, sl).square().mean().backward()
        torch.optim.SGD(self.m.parameters(), 0.1).step()
        self.m.zero_grad()
        self.reset()

    @rule()
    def reset(self):
        self.m.reset()
        self.said = None

    @rule(training=st.booleans())
    def mode(self, training): self.m.train(training)

    @rule(dtype=st.sampled_from([torch.float32, torch.float64]))
    def change_dtype(self, dtype):
        self.m.to(dtype)
        if dtype==torch.float32: self.eps = 1e-5

    @rule(device=st.sampled_from(devices))
    def move(self, device): self.m.to(device)

    @precondition(lambda self: self.said is not None)
    @rule(more=st.integers(1, 3))
    def wrong_batch_size(self, more):
        "Refused, and what was read is still there"
        with pytest.raises(ValueError, match=r'call `reset\(\)`'): self.m(self.text(len(self.said)+more, 2).to(self.device))

    @rule(bad=st.sampled_from([torch.zeros(2, 2), torch.zeros(3).long(), torch.zeros(2, 0).long(), 'text']))
    def bad_batch(self, bad):
        with pytest.raises(ValueError, match='token indices'): self.m(bad)

    @rule()
    def token_out_of_range(self):
        "An index that the embedding does not have: an error, and the next batch is answered as if it had not been"
        if self.device.type=='cuda': return  # there it is an assertion on the device, which ends the process
        x = self.text(1 if self.said is None else len(self.said), 2)
        x[0,-1] = vocab_sz
        with pytest.raises(IndexError): self.m(x)

    @rule(make=st.sampled_from([copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]), swap=st.booleans())
    def copy(self, make, swap):
        "A copy has read nothing; the original goes on as if nothing had happened"
        new = make(self.m)
        assert new.h is None and new.training==self.m.training
        if swap: self.m,self.said = new,None

    @rule()
    def reload(self):
        "Weights put back into the model do not touch what it has read"
        sd = {k:v.clone() for k,v in self.m.state_dict().items()}
        assert not any(k.startswith('h.') or k=='h' for k in sd)
        self.m.load_state_dict(sd)

AnyOrder.TestCase.settings = settings(few(60), stateful_step_count=25)
TestAnyOrder = AnyOrder.TestCase

# With a Learner

n_tok = 400
def loaders(bs=4): return text_dls([f'w{(i*i)%7%5}' for i in range(n_tok)], Vocab([f'w{i}' for i in range(vocab_sz)]), bs=bs, sl=6)

def learner(model, bs=4, **kwargs):
    from fastai.optimizer import SGD
    return text_learner(loaders(bs), model, opt_func=SGD, **kwargs)

def fit(learn, n=1, **kwargs):
    "Losses and metrics of each epoch"
    with learn.no_bar(), learn.no_logging(): learn.fit(n, 0.1, **kwargs)
    return [list(o) for o in learn.recorder.values]

def validate(learn):
    with learn.no_bar(): return list(learn.validate())

def after(n, event, error):
    "A callback that raises `error` at `event` of batch `n` of a training epoch, once"
    from fastai.callback.core import Callback
    class Stop(Callback): done = False
    def stop(self):
        if self.training and self.iter==n and not self.done:
            self.done = True
            raise error
    setattr(Stop, event, stop)
    return Stop()

per_token = stateful[1:]

@pytest.mark.parametrize('event', ['before_batch','after_pred','after_backward','after_step','after_batch'])
@pytest.mark.parametrize('name', per_token)
def test_a_fit_after_a_fit_that_ended_early(name, event):
    "Cancelled, interrupted, failed: the next fit gives what a model with these weights and no past gives"
    from fastai.callback.core import CancelEpochException, CancelFitException
    for error in (CancelFitException(), CancelEpochException(), KeyboardInterrupt(), RuntimeError('of the disk')):
        learn = learner(build(name, p=0))
        if isinstance(error, (KeyboardInterrupt,RuntimeError)):
            with pytest.raises(type(error)): fit(learn, cbs=after(3, event, error))
        else: fit(learn, cbs=after(3, event, error))
        assert learn.iter==3 or isinstance(error, CancelEpochException)
        other = learner(copy.deepcopy(learn.model))
        assert fit(learn)==fit(other), error

@pytest.mark.parametrize('name', per_token)
def test_validation_leaves_no_trace_in_training(name):
    a,b = learner(build(name, p=0)),learner(build(name, p=0))
    first = validate(a)
    assert validate(a)==first==validate(b)
    assert fit(a, 2)==fit(b, 2)
    assert validate(a)==validate(b)!=first

@pytest.mark.parametrize('name', per_token)
def test_two_learners_on_one_model(name):
    "Turn by turn, they do what one would do"
    m,one = build(name, p=0),learner(build(name, p=0))
    a,b = learner(m),learner(m, bs=2)
    fit(a); validate(b); second = fit(a)
    fit(one)
    assert fit(one)==second and validate(b)==validate(learner(copy.deepcopy(m), bs=2))

@pytest.mark.parametrize('name', per_token)
def test_other_batch_sizes_around_a_fit(name):
    m = build(name, p=0)
    learn = learner(m)
    x = torch.zeros(9, 2).long()
    m(x.to(next(m.parameters()).device))
    assert fit(learn)==fit(learner(build(name, p=0)))  # what was read by hand before is forgotten
    assert m.h is None                                 # and so is the last batch of the fit
    out = m(x.to(next(m.parameters()).device))
    assert (out[0] if isinstance(out, tuple) else out).shape==(9,2,vocab_sz)
    other = copy.deepcopy(m)
    learn.dls = loaders(bs=3)
    assert fit(learn)==fit(learner(other, bs=3))

@pytest.mark.parametrize('name', per_token)
def test_predictions_of_a_learner(name):
    "`get_preds` with loaders of another size: the whole text, as one hand-fed row after the other would give it"
    learn = learner(build(name))
    fit(learn)
    dl = loaders(bs=2).valid
    with learn.no_bar(): preds,targs = learn.get_preds(dl=dl)
    m = copy.deepcopy(learn.model).cpu().eval()
    x = torch.cat([b[0].cpu() for b in dl], 1)
    want = m(x)
    want = (want[0] if isinstance(want, tuple) else want).view(2, -1, 6, vocab_sz).transpose(0, 1).flatten(0, 1)
    preds = preds[0] if isinstance(preds, (tuple,list)) else preds
    torch.testing.assert_close(preds, want.softmax(-1), rtol=0, atol=1e-5)  # fastai gives probabilities

@pytest.mark.filterwarnings('ignore:.*CUDA is not available.*')
@pytest.mark.parametrize('name', per_token)
def test_half_precision(name):
    "`to_fp16` trains on whatever device is there; without a GPU fastai warns, and computes as ever. The weights stay float32"
    full,half = learner(build(name, p=0)),learner(build(name, p=0)).to_fp16()
    want,got = fit(full),fit(half)
    if torch.cuda.is_available(): assert got[0][:2]==pytest.approx(want[0][:2], rel=0.02)
    else: assert got==want
    assert all(p.dtype==torch.float32 for p in half.model.parameters())
    half.to_fp32()
    assert fit(half)[0][0]<got[0][0]

def compiles():
    try: return torch.compile(lambda x: x+1, backend='aot_eager')(torch.ones(1)).item()==2
    except Exception: return False

@pytest.mark.parametrize('name', stateful)
def test_compiled(name):
    "A compiled model keeps its state, checks it and forgets it as any other"
    if not compiles(): pytest.skip('torch.compile does not work with this Python and torch')
    torch._dynamo.reset()
    m,x = build(name).eval(),torch.randint(0, vocab_sz, (3,4), generator=torch.Generator().manual_seed(1))
    score = lambda o: o[0] if isinstance(o, tuple) else o
    want = [score(m(x)) for _ in range(3)]
    m.reset()
    c = torch.compile(m, backend='aot_eager')
    for w in want: torch.testing.assert_close(score(c(x)), w, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match=r'call `reset\(\)`'): c(x[:2])
    c.reset()
    assert m.h is None
    torch.testing.assert_close(score(c(x[:2])), want[0][:2], rtol=0, atol=1e-6)

@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU here')
@pytest.mark.parametrize('name', stateful)
def test_gpu(name):
    "The same on a GPU, and the way there and back with a text half read"
    m,x = build(name).eval(),torch.randint(0, vocab_sz, (3,9))
    want = reference(m.state_dict(), name, x)
    for dev,part in zip(('cpu','cuda','cpu'), x.split(3, 1)): out = m.to(dev)(part.to(dev))
    out = out[0] if isinstance(out, tuple) else out
    torch.testing.assert_close(out.cpu().double(), want[:,-1] if name=='LMModel3' else want[:,-3:], rtol=0, atol=1e-4)
