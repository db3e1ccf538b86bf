"Recurrent layers from scratch are PyTorch's: outputs, states and gradients, for any size, with and without a state."
import pytest,torch
from hypothesis import given,settings,strategies as st
from torch import nn

from conftest import says
from human_lm.cells.layers import *
from human_lm.lstm import LMModel6
from human_lm.multilayer import LMModel5
from human_lm.regularize import LMModel7

kinds = [RNN,GRU,LSTM]
def tup(o): return o if isinstance(o, tuple) else (o,)

@settings(max_examples=40)
@given(st.sampled_from(kinds), st.integers(1, 3), st.integers(1, 5), st.integers(1, 9), st.integers(1, 6), st.integers(1, 7), st.booleans(),
       st.sampled_from([torch.float32, torch.float64]), st.integers(0, 999))
def test_equal_to_the_built_in(cls, n_layers, bs, sl, ni, nh, with_state, dtype, seed):
    torch.manual_seed(seed)
    ref = cls.torch_cls(ni, nh, n_layers, batch_first=True).to(dtype)
    ours,eps = cls.from_torch(ref),1e-6 if dtype==torch.float32 else 1e-10
    x = torch.randn(bs, sl, ni, dtype=dtype)
    state = tuple(torch.randn(n_layers, bs, nh, dtype=dtype) for _ in range(cls.n_states)) if with_state else None
    weight = torch.randn(bs, sl, nh, dtype=dtype)
    res = []
    for layer in (ours, ref):
        xi = x.clone().requires_grad_()
        si = None if state is None else tuple(o.clone().requires_grad_() for o in state)
        out,new = layer(xi, si if si is None or cls.n_states>1 else si[0])
        ((out*weight).mean() + sum(o.pow(2).mean() for o in tup(new))).backward()
        res.append([out, *tup(new), xi.grad, *(o.grad for o in si or ())])
    for k,c in enumerate(ours.cells):
        for o in ('ih','hh'):
            for p in ('weight','bias'):
                res[0].append(getattr(getattr(c, o), p).grad); res[1].append(cls._reorder(getattr(ref, f'{p}_{o}_l{k}').grad))
    for a,b in zip(*res): torch.testing.assert_close(a, b, rtol=eps, atol=eps)

@pytest.mark.parametrize('cls', kinds)
def test_a_sequence_in_pieces(cls):
    torch.manual_seed(0)
    layer,x = cls(3, 4, 2),torch.randn(2, 9, 3)
    whole,end = layer(x)
    a,s = layer(x[:,:4]); b,s = layer(x[:,4:], s)
    torch.testing.assert_close(torch.cat([a,b], dim=1), whole)
    for p,q in zip(tup(s), tup(end)): torch.testing.assert_close(p, q)

@pytest.mark.parametrize('cls', kinds)
def test_weights_are_copied(cls):
    "Training one of the two does not move the other; another precision is taken over too"
    ref = cls.torch_cls(3, 4, batch_first=True).double()
    ours = cls.from_torch(ref)
    assert ours.cells[0].hh.weight.dtype==torch.float64
    before = ref.weight_hh_l0.detach().clone()
    with torch.no_grad(): ours.cells[0].hh.weight.zero_()
    assert torch.equal(ref.weight_hh_l0, before)

@pytest.mark.parametrize('cls,ref,want', [
    (LSTM, nn.GRU(3, 4, batch_first=True), 'a LSTM takes its weights from an nn.LSTM, got a GRU'), (RNN, nn.Linear(3, 4), 'a RNN takes its weights from an nn.RNN, got a Linear'),
    *((cls, getattr(nn, cls.__name__)(3, 4, **{'batch_first':True, **kw}), f'these weights cannot be taken over: the nn.{cls.__name__} {what}, and a {cls.__name__} does not') for cls,kw,what in [
        (LSTM, dict(bidirectional=True), 'goes in two directions'), (LSTM, dict(batch_first=False), 'is not batch first'), (GRU, dict(bias=False), 'has no biases'),
        (LSTM, dict(num_layers=2, dropout=0.5), 'has dropout'), (LSTM, dict(proj_size=1), 'projects its output'), (RNN, dict(nonlinearity='relu'), 'uses ReLU')])])
def test_what_cannot_be_taken_over(cls, ref, want):
    for f in (cls.from_torch, cls(3, 4).load_torch):
        with says(ValueError, want): f(ref)

class MyGRU(nn.GRU): "Somebody's own"

@pytest.mark.parametrize('f,want', [
    (lambda: RNNCell(0, 3), '`ni` must be a whole number of at least 1, got 0'), (lambda: GRUCell(3, 0), '`nh` must be a whole number of at least 1, got 0'),
    (lambda: RNN(3, 4, 0), '`n_layers` must be a whole number of at least 1, got 0'), (lambda: RNN(0, 4), '`ni` must be a whole number of at least 1, got 0'), (lambda: RNN(3, 0), '`nh` must be a whole number of at least 1, got 0'),
    (lambda: LSTM(3, 4, 1, False), 'these layers read `bs × sl × ni`: pass `batch_first=True`, or transpose the input'),
    (lambda: GRU(3, 4)(torch.zeros(2, 5)), 'the input must be `bs × sl × 3`, no size zero, got (2, 5)'),
    (lambda: GRU(3, 4)(torch.zeros(2, 5, 3), (torch.zeros(1, 2, 4),)*2), 'the state of a GRU consists of 1 tensor, got 2'),
    (lambda: LSTM(3, 4)(torch.zeros(2, 5, 3), torch.zeros(1, 2, 4)), 'the state of a LSTM consists of 2 tensors, got 1'),
    (lambda: GRU(3, 4, 2)(torch.zeros(2, 5, 3), torch.zeros(1, 2, 4)), 'the state must be `n_layers × bs × nh` = (2, 2, 4), got (1, 2, 4)'),
    (lambda: GRU(3, 4)(torch.zeros(2, 5, 3), torch.zeros(1, 2, 4, device='meta')), 'the state is on meta, but the layer is on cpu: move one of them'),
    (lambda: GRU(3, 4).load_torch(nn.GRU(3, 5, batch_first=True)), 'inputs, activations and layers must be (3, 4, 1), but those of the nn.GRU are (3, 5, 1)'),
    (lambda: type('Mine', (GRU,), dict(torch_cls=None)).from_torch(nn.GRU(3, 4)), 'a Mine has no counterpart among the built-in layers'),
    (lambda: from_scratch(nn.Linear(2, 3)), 'a Linear has no recurrent layers: no nn.RNN, nn.GRU or nn.LSTM'), (lambda: from_scratch(nn.ModuleList([MyGRU(3, 4)])), 'there is no layer of ours for a MyGRU')])
def test_what_is_wrong(f, want):
    with says(ValueError, want): f()

def test_layers_that_are_ours_already_stay():
    both = nn.ModuleList([GRU(3, 4), nn.LSTM(3, 4, 2, batch_first=True)])
    got = from_scratch(both)
    assert repr(got[0]).startswith('GRU(\n  3, 4, n_layers=1\n') and type(got[1]) is LSTM and got[1].extra_repr()=='3, 4, n_layers=2' and type(both[1]) is nn.LSTM

@pytest.mark.parametrize('sizes', [(3,4,2), (3,5,1), (2,4,1)])
def test_other_sizes_change_nothing(sizes):
    layer = GRU(3, 4, 1)
    before = layer.cells[0].ih.weight.detach().clone()
    with pytest.raises(ValueError, match=r'\(3, 4, 1\)'): layer.load_torch(nn.GRU(*sizes, batch_first=True))
    assert torch.equal(layer.cells[0].ih.weight, before)

@pytest.mark.parametrize('state,match', [
    (torch.zeros(2, 2, 4), 'consists of 2'), ((torch.zeros(2, 2, 4),), 'consists of 2'), ((torch.zeros(1, 2, 4),)*2, r'\(2, 2, 4\), got \(1, 2, 4\)'),
    ((torch.zeros(2, 3, 4),)*2, 'got'), ((torch.zeros(2, 2, 5),)*2, 'got'), ((torch.zeros(2, 2, 4, device='meta'),)*2, 'on meta')])
def test_bad_states(state, match):
    with pytest.raises(ValueError, match=match): LSTM(3, 4, 2)(torch.randn(2, 5, 3), state)

@pytest.mark.parametrize('x', [torch.randn(2, 3), torch.randn(2, 5, 4), torch.randn(2, 0, 3)])
def test_bad_input(x):
    with pytest.raises(ValueError, match='bs × sl × 3'): GRU(3, 4)(x)

def test_bad_sizes():
    with pytest.raises(ValueError, match='n_layers'): GRU(3, 4, 0)
    with pytest.raises(ValueError, match='batch_first'): LSTM(3, 4, 1, batch_first=False)

@pytest.mark.parametrize('cls', [LMModel5,LMModel6,LMModel7])
def test_models(cls):
    "The same scores, batch after batch; as a class attribute the layer also builds a model by itself"
    torch.manual_seed(0)
    m = (cls(30, 8, 2, 0.3) if cls is LMModel7 else cls(30, 8, 2)).eval()
    s = from_scratch(m)
    for _ in range(3):
        x = torch.randint(0, 30, (4,5))
        a,b = m(x),s(x)
        for p,q in zip(tup(a), tup(b)): torch.testing.assert_close(p, q)
    mine = type('Mine', (cls,), dict(rnn_cls=RNN if cls is LMModel5 else LSTM))
    n = mine(30, 8, 2, 0.3) if cls is LMModel7 else mine(30, 8, 2)
    n(x).sum().backward() if cls is not LMModel7 else n(x)[0].sum().backward()
    assert all(p.grad is not None for p in n.parameters())
