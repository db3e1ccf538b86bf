"What must hold for every size: of the models, of their batches, of the way through a text"
import torch
from hypothesis import given, strategies as st

from human_lm.all import *

names = [f'LMModel{i}' for i in range(1,8)]
stateful,per_token = names[2:],names[3:]

@st.composite
def model(draw, among=names, p=None):
    "A model of any size, in training mode, and its name and vocabulary size"
    name = draw(st.sampled_from(among))
    vocab_sz,nh,nl,seed = (draw(st.integers(a, b)) for a,b in ((2,12), (1,9), (1,3), (0,999)))
    args = (vocab_sz,nh) if name in names[:4] else (vocab_sz,nh,nl) if name!='LMModel7' else (vocab_sz,nh,nl,draw(st.floats(0, 1)) if p is None else p)
    torch.manual_seed(seed)
    return name, globals()[name](*args).double(), vocab_sz, nh

def ids(draw, vocab_sz, bs, sl):
    return torch.tensor(draw(st.lists(st.lists(st.integers(0, vocab_sz-1), min_size=sl, max_size=sl), min_size=bs, max_size=bs)))

def scores(out): return out[0] if isinstance(out, tuple) else out

@given(st.data(), model(), st.integers(1, 5), st.integers(1, 9))
def test_shapes(data, made, bs, sl):
    "As promised for any vocabulary and any layers, in training and in evaluation; the kept state has the batch's rows"
    name,m,vocab_sz,nh = made
    if name=='LMModel1': sl = 3
    x = ids(data.draw, vocab_sz, bs, sl)
    for mode in (True, False):
        m.train(mode)
        out = m(x)
        assert scores(out).shape==((bs,sl,vocab_sz) if name in per_token else (bs,vocab_sz)) and scores(out).isfinite().all()
        if name=='LMModel7': assert out[1].shape==out[2].shape==(bs,sl,nh)
        if name in stateful:
            for h in m.h if isinstance(m.h, tuple) else (m.h,): assert h.shape[-2:]==(bs,nh) and not h.requires_grad

@given(st.data(), model(stateful), st.integers(2, 4), st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_no_row_and_no_earlier_token_notices_a_change(data, made, bs, lens):
    "Over several batches: a changed token changes nothing before it, in its own batch or earlier, and nothing in other rows"
    name,m,vocab_sz,_ = made
    m.eval()
    x = ids(data.draw, vocab_sz, bs, sum(lens))
    j,t = data.draw(st.integers(0, bs-1)),data.draw(st.integers(0, sum(lens)-1))
    y = x.clone(); y[j,t] = (y[j,t]+1)%vocab_sz
    def run(z):
        m.reset()
        outs = [scores(m(o)) for o in z.split(lens, 1)]
        if name in per_token: return torch.cat(outs, 1)
        return torch.stack([o for o,n in zip(outs, lens) for _ in range(n)], 1)  # one answer for all tokens of the batch
    a,b = run(x),run(y)
    others = [i for i in range(bs) if i!=j]
    start = t if name in per_token else max(s for s in [0,*torch.tensor(lens).cumsum(0).tolist()] if s<=t)
    assert torch.equal(a[others], b[others]) and torch.equal(a[j,:start], b[j,:start])

@given(st.data(), model(stateful), st.integers(1, 4), st.integers(1, 6))
def test_rows_can_be_read_in_any_order(data, made, bs, sl):
    name,m,vocab_sz,_ = made
    m.eval()
    x,order = ids(data.draw, vocab_sz, bs, 2*sl),data.draw(st.permutations(range(bs)))
    def run(z):
        m.reset()
        return torch.stack([scores(m(o)) for o in z.split(sl, 1)])
    torch.testing.assert_close(run(x)[:,order], run(x[order]), rtol=0, atol=1e-12)

@given(st.data(), model(stateful, p=0.), st.integers(1, 3), st.lists(st.integers(1, 3), min_size=2, max_size=4))
def test_gradients_stop_at_the_edge_of_a_batch(data, made, bs, lens):
    "The gradients of a batch are those of a model that starts from the same numbers and has no past"
    name,m,vocab_sz,_ = made
    parts = ids(data.draw, vocab_sz, bs, sum(lens)).split(lens, 1)
    for o in parts[:-1]: m(o)
    h = m.h
    def grads():
        m.zero_grad()
        scores(m(parts[-1])).sin().sum().backward()
        return [p.grad.clone() for p in m.parameters()]
    got = grads()
    m.h = tuple(o.detach().clone() for o in h) if isinstance(h, tuple) else h.detach().clone()
    for a,b in zip(got, grads()): assert torch.equal(a, b)
    assert all(o.grad_fn is None for o in (m.h if isinstance(m.h, tuple) else (m.h,)))

@given(st.data(), st.sampled_from(names), st.integers(0, 99), st.integers(1, 3), st.integers(1, 5))
def test_the_same_seed_gives_the_same_training(data, name, seed, bs, sl):
    "Weights, dropout and three steps: one number decides them all; another number decides otherwise"
    if name=='LMModel1': sl = 3
    x = ids(data.draw, 6, bs, sl)
    def run(seed):
        torch.manual_seed(seed)
        m = globals()[name](*((6,5) if name in names[:4] else (6,5,2) if name!='LMModel7' else (6,5,2,0.5)))
        opt,seen = torch.optim.SGD(m.parameters(), 0.1),[]
        for _ in range(3):
            loss = scores(m(x)).square().mean()
            loss.backward(); opt.step(); opt.zero_grad()
            seen.append(loss.item())
        return seen,[p.detach().clone() for p in m.parameters()]
    (la,pa),(lb,pb) = run(seed),run(seed)
    assert la==lb and all(torch.equal(a, b) for a,b in zip(pa, pb))
    assert run(seed+1)[0]!=la

@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 50), st.booleans())
def test_batches_follow_the_text(bs, sl, extra, by_loader):
    "Row j of batch i+1 goes on after row j of batch i, each token is read once at most, and the rest is less than a batch"
    n = bs*sl+1+extra
    seqs = lm_seqs(torch.arange(n+1), sl)
    if len(seqs)<bs: return
    ds = group_chunks(seqs, bs)
    if by_loader:
        from torch.utils.data import DataLoader
        batches = [x for x,_ in DataLoader(ds, batch_size=bs, drop_last=True)]
    else: batches = [torch.stack([x for x,_ in ds[i:i+bs]]) for i in range(0, len(ds), bs)]
    read = torch.cat([b.flatten() for b in batches])
    assert len(batches)==len(seqs)//bs and len(read.unique())==len(read)
    for a,b in zip(batches, batches[1:]): assert torch.equal(b[:,0], a[:,-1]+1)
    assert len(seqs)*sl-len(read) < bs*sl
