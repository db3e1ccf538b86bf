import copy,pickle

import pytest,torch
from hypothesis import given, strategies as st
from torch import nn

from human_lm.all import *

vocab_sz,n_hidden = 11,6

def build(name, n_layers=2):
    "A small model of the chapter in evaluation mode"
    torch.manual_seed(0)
    sizes = (n_hidden,) if name in 'LMModel1 LMModel2 LMModel3 LMModel4' else (n_hidden, n_layers)
    return globals()[name](vocab_sz, *sizes, *([0.5] if name=='LMModel7' else [])).eval()

def ids(bs, sl, seed=0): return torch.randint(0, vocab_sz, (bs,sl), generator=torch.Generator().manual_seed(seed))

def scores(out): return out[0] if isinstance(out, tuple) else out

def states(h): return h if isinstance(h, tuple) else (h,)

all_models = [f'LMModel{i}' for i in range(1,8)]
stateful = all_models[2:]
per_token = all_models[3:]
batch = st.integers(1, 5),st.integers(1, 9)

@given(st.sampled_from(all_models), *batch, st.integers(1, 3))
def test_shapes(name, bs, sl, n_layers):
    if name=='LMModel1': sl = 3
    out = build(name, n_layers)(ids(bs, sl))
    assert scores(out).shape==((bs,sl,vocab_sz) if name in per_token else (bs,vocab_sz))
    if name=='LMModel7': assert out[1].shape==out[2].shape==(bs,sl,n_hidden)

@given(st.sampled_from(stateful), st.integers(1, 4), st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_pieces_give_what_the_whole_gives(name, bs, lens):
    m,x = build(name).double(),ids(bs, sum(lens))
    whole = scores(m(x))
    m.reset()
    pieces = [scores(m(o)) for o in x.split(lens, dim=1)]
    got = torch.cat(pieces, dim=1) if name in per_token else pieces[-1]
    torch.testing.assert_close(got, whole, rtol=0, atol=1e-12)

@pytest.mark.parametrize('name', per_token)
def test_agrees_with_a_plain_loop(name):
    "The scores, computed once more with nothing but matrices"
    m,x = build(name).double(),ids(2, 5)
    sd = m.state_dict()
    def lin(a, w, b): return a @ sd[w].T + sd[b]
    got = scores(m(x))
    h = c = [torch.zeros(2, n_hidden).double()]*2
    for t in range(x.shape[1]):
        inp = sd['i_h.weight'][x[:,t]]
        if name=='LMModel4':
            top = lin(h[0]+inp, 'h_h.weight', 'h_h.bias').relu()
            h = [top,top]
        else:
            h,c = list(h),list(c)
            for k in range(2):
                g = lin(inp, f'rnn.weight_ih_l{k}', f'rnn.bias_ih_l{k}') + lin(h[k], f'rnn.weight_hh_l{k}', f'rnn.bias_hh_l{k}')
                if name=='LMModel5': h[k] = g.tanh()
                else:
                    i,f,a,o = g.chunk(4, 1)
                    c[k] = f.sigmoid()*c[k] + i.sigmoid()*a.tanh()
                    h[k] = o.sigmoid()*c[k].tanh()
                inp = h[k]
            top = inp
        torch.testing.assert_close(got[:,t], lin(top, 'h_o.weight', 'h_o.bias'), rtol=0, atol=1e-12)

def test_lmmodel1_is_lmmodel2_for_three_tokens():
    a,b,x = build('LMModel1'),build('LMModel2'),ids(4, 3)
    b.load_state_dict(a.state_dict())
    torch.testing.assert_close(a(x), b(x), rtol=0, atol=0)

@given(st.sampled_from(per_token), st.integers(2, 8), st.data())
def test_causality(name, sl, data):
    "A changed token changes no score before it, and the scores of its own row alone"
    t = data.draw(st.integers(0, sl-1))
    m,x = build(name),ids(3, sl)
    y = x.clone(); y[1,t] = (y[1,t]+1)%vocab_sz
    a = scores(m(x)); m.reset(); b = scores(m(y))
    changed = (a!=b).any(-1)
    assert not changed[:,:t].any() and not changed[[0,2]].any() and changed[1,t]

@pytest.mark.parametrize('name', stateful)
def test_batch_of_another_size(name):
    "Never answered with the wrong number of rows; the state survives the mistake; reset is the way out"
    m = build(name)
    m(ids(5, 3))
    kept = copy.deepcopy(states(m.h))
    for bs in (1, 4, 6):
        with pytest.raises(ValueError, match=rf'batch has {bs} rows.* has 5.*reset\(\)'): m(ids(bs, 3))
    for a,b in zip(kept, states(m.h)): assert torch.equal(a, b)
    m.reset()
    assert m.h is None and scores(m(ids(1, 3))).shape[0]==1

@pytest.mark.parametrize('name', stateful)
def test_gradient_stops_at_the_edge_of_the_batch(name):
    "The second batch sends gradients to its own embeddings, and none to the first batch's"
    m,x,seen = build(name),ids(2, 6),[]
    m.i_h.register_forward_hook(lambda mod, args, out: (out.retain_grad(), seen.append(out))[0])
    m(x[:,:3])
    first,seen[:] = list(seen),[]
    scores(m(x[:,3:])).sum().backward()
    assert first and all(o.grad is None for o in first)
    assert seen and all(o.grad is not None and o.grad.abs().sum()>0 for o in seen)

@pytest.mark.parametrize('name', stateful)
def test_state_follows_the_model(name):
    m = build(name)
    m(ids(2, 3))
    m.double()
    assert scores(m(ids(2, 3))).dtype==torch.float64
    assert all(o.dtype==torch.float64 for o in states(m.h))
    m.to(torch.bfloat16)
    assert scores(m(ids(2, 3))).dtype==torch.bfloat16

@pytest.mark.parametrize('name', stateful)
def test_state_is_not_part_of_the_model(name):
    m,x = build(name),ids(2, 3)
    first = scores(m(x))
    assert not any('h'==k for k in m.state_dict()) and m.h is not None
    for other in (copy.deepcopy(m), pickle.loads(pickle.dumps(m))):
        assert other.h is None and torch.equal(scores(other(x)), first)
    assert m.h is not None

@pytest.mark.parametrize('name,layers', [('LMModel1', {'i_h','h_h','h_o'}), ('LMModel4', {'i_h','h_h','h_o'}), ('LMModel6', {'i_h','rnn','h_o'}), ('LMModel7', {'i_h','rnn','h_o'})])
def test_layer_names(name, layers):
    assert {k.split('.')[0] for k in build(name).state_dict()}==layers

def test_weights_are_tied():
    m = build('LMModel7')
    assert m.h_o.weight is m.i_h.weight
    assert copy.deepcopy(m).h_o.weight.data_ptr() != m.h_o.weight.data_ptr()
    c = copy.deepcopy(m); assert c.h_o.weight is c.i_h.weight

def test_dropout_comes_before_the_output_layer():
    m,x = build('LMModel7').train(),ids(3, 7)
    pred,raw,out = m(x)
    zero = out==0
    assert 0.2<zero.float().mean()<0.8
    torch.testing.assert_close(out[~zero], 2*raw[~zero])
    torch.testing.assert_close(pred, m.h_o(out))

@pytest.mark.parametrize('name', all_models)
@pytest.mark.parametrize('x,match', [
    (torch.zeros(2,3), 'float32'), (torch.zeros(3).long(), r'\(3,\)'), (torch.zeros(2,3,1).long(), r'\(2, 3, 1\)'),
    (torch.zeros(2,0).long(), r'\(2, 0\)'), (torch.zeros(0,3).long(), r'\(0, 3\)'), (torch.ones(2,3)>0, 'bool'), ([[0,1,2]], 'list')])
def test_bad_batches(name, x, match):
    m = build(name)
    with pytest.raises(ValueError, match=f'bs × sl.*{match}'): m(x)
    assert getattr(m, 'h', None) is None

def test_lmmodel1_reads_three_tokens():
    for sl in (2, 4):
        with pytest.raises(ValueError, match=f'exactly 3 tokens.*{sl}'): build('LMModel1')(ids(2, sl))

@pytest.mark.parametrize('bad', [0, -1, 2.5, '3', True, None])
def test_bad_sizes(bad):
    for name in all_models[:4]:
        for sizes in ((bad,4), (4,bad)):
            with pytest.raises(ValueError, match='whole number of at least 1'): globals()[name](*sizes)
    for k in range(3):
        sizes = [4,4,2]; sizes[k] = bad
        for cls,p in ((LMModel5,()), (LMModel6,()), (LMModel7,(0.4,))):
            with pytest.raises(ValueError, match=f"`{('vocab_sz','n_hidden','n_layers')[k]}`"): cls(*sizes, *p)
    for cls in (LSTMCell, GatewiseLSTMCell):
        with pytest.raises(ValueError, match='`ni`'): cls(bad, 3)
        with pytest.raises(ValueError, match='`nh`'): cls(3, bad)

@given(st.lists(st.integers(), min_size=1, max_size=80), st.integers(1, 12))
def test_group_chunks(ds, bs):
    "As a naive version has it: samples used once at most, and each row goes on with its own stretch of the text"
    if len(ds)<bs:
        with pytest.raises(ValueError, match=f'{len(ds)} samples.*batch of {bs}'): group_chunks(ds, bs)
        return
    m = len(ds)//bs
    got = list(group_chunks(list(enumerate(ds)), bs))
    rows = [[got[b*bs+j] for b in range(m)] for j in range(bs)]
    assert sum(rows, [])==list(enumerate(ds))[:m*bs]

@pytest.mark.parametrize('bs', [0, -2, 1.5, '4', None, True])
def test_group_chunks_bad_bs(bs):
    with pytest.raises(ValueError, match='`bs`'): group_chunks([1,2,3], bs)

def test_errors_to_the_letter():
    "What is wrong, and what to do"
    m = build('LMModel4')
    m(ids(5, 3))
    for f,says in ((lambda: m([[1]]), 'the input must be a tensor of token indices, `bs × sl`, got a list'),
                   (lambda: m(torch.zeros(2, 3)), 'the input must be token indices, `bs × sl` of int64 or int32, got torch.float32 of shape (2, 3)'),
                   (lambda: build('LMModel1')(ids(1, 2)), 'this model reads exactly 3 tokens a row, got 2'),
                   (lambda: m(ids(1, 3)), 'this batch has 1 rows, but the state kept from the last one has 5: call `reset()` before a batch of another size'),
                   (lambda: group_chunks([1,2], 3), '2 samples do not fill one batch of 3: use a smaller `bs`, or a longer text'),
                   (lambda: lm_seqs(torch.rand(9)), 'the stream must be one row of token indices, got torch.float32 of shape (9,)'),
                   (lambda: Dropout(2), 'the probability `p` of dropout must lie between 0 and 1, got 2'),
                   (lambda: recipe('x'), "there is no run 'x': choose from "+'; '.join(recipes))):
        with pytest.raises(ValueError) as e: f()
        assert str(e.value)==says

def test_no_second_reading_for_gradients():
    m,x = build('LMModel4'),torch.ones(1, requires_grad=True)
    x.register_hook(lambda grad: m(ids(2, 3)))
    with pytest.raises(RuntimeError) as e: x.sum().backward()
    assert str(e.value)==('this model keeps a state, so it cannot read a batch a second time for its gradients, as `torch.utils.checkpoint` wants it to: '
                          'checkpoint its `scan`, which keeps nothing')

def test_majority_baseline():
    dl = [(torch.zeros(3,2), torch.tensor([4,1,4])), (torch.zeros(2,2), torch.tensor([2,4]))]
    assert majority_baseline(dl)==(4, 3/5)
    assert majority_baseline([(x,torch.zeros_like(y),y) for x,y in dl])==(4, 3/5)  # the targets come last
    with pytest.raises(ValueError, match='^the data loader has no batches, so there is no commonest target$'): majority_baseline([])

def from_torch(ref, one, two):
    "Give both cells the weights of PyTorch's `ref`, whose gates come in the order input, forget, cell, output"
    p = {k:v.detach().chunk(4) for k,v in ref.named_parameters()}
    with torch.no_grad():
        for k,gate in enumerate((one.input_gate, one.forget_gate, one.cell_gate, one.output_gate)):
            gate.weight.copy_(torch.cat([p['weight_hh'][k], p['weight_ih'][k]], 1))
            gate.bias.copy_(p['bias_ih'][k] + p['bias_hh'][k])
        for lin,s in ((two.ih,'ih'), (two.hh,'hh')):
            for q in ('weight','bias'): getattr(lin, q).copy_(torch.cat([p[f'{q}_{s}'][k] for k in (0,1,3,2)]))

@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.integers(0, 99), st.sampled_from([(torch.float32,1e-6), (torch.float64,1e-12)]))
def test_lstm_cells_agree_with_torch(ni, nh, bs, seed, precision):
    dtype,eps = precision
    torch.manual_seed(seed)
    ref,one,two = (o(ni, nh).to(dtype) for o in (nn.LSTMCell, GatewiseLSTMCell, LSTMCell))
    from_torch(ref, one, two)
    xs,h0,c0 = torch.randn(3, bs, ni, dtype=dtype),torch.randn(bs, nh, dtype=dtype),torch.randn(bs, nh, dtype=dtype)
    def run(cell):
        "Three steps: the states, and the gradients of inputs, first states and weights"
        cell.zero_grad()
        x,h,c = (o.clone().requires_grad_() for o in (xs, h0, c0))
        s,outs = (h,c),[]
        for t in x:
            if cell is ref: s = cell(t, s); outs.append(s[0])
            else:
                o,s = cell(t, s); outs.append(o)
        (torch.stack(outs).square().mean() + s[1].sin().mean()).backward()
        return [*outs, *s, x.grad, h.grad, c.grad]
    want = run(ref)
    for cell in (one, two):
        for a,b in zip(run(cell), want): torch.testing.assert_close(a, b, rtol=0, atol=eps)
    wi,wh = ref.weight_ih.grad.chunk(4),ref.weight_hh.grad.chunk(4)
    torch.testing.assert_close(two.ih.weight.grad, torch.cat([wi[k] for k in (0,1,3,2)]), rtol=0, atol=eps)
    torch.testing.assert_close(two.hh.weight.grad, torch.cat([wh[k] for k in (0,1,3,2)]), rtol=0, atol=eps)
    torch.testing.assert_close(one.cell_gate.weight.grad, torch.cat([wh[2], wi[2]], 1), rtol=0, atol=eps)

@pytest.mark.parametrize('cls', [LSTMCell, GatewiseLSTMCell])
def test_lstm_cell_bad_input(cls):
    cell,x,h = cls(3, 5),torch.zeros(2, 3),torch.zeros(2, 5)
    with pytest.raises(ValueError, match=r'bs × 3.*\(2, 4\)'): cell(torch.zeros(2, 4), (h,h))
    with pytest.raises(ValueError, match=r'bs × 3.*\(3,\)'): cell(torch.zeros(3), (h,h))
    with pytest.raises(ValueError, match=r'`h`.*2 × 5.*\(1, 5\)'): cell(x, (h[:1],h))
    with pytest.raises(ValueError, match=r'`c`.*2 × 5.*\(2, 4\)'): cell(x, (h,h[:,:4]))

@given(st.floats(0, 1), st.integers(0, 99))
def test_dropout_agrees_with_torch(p, seed):
    x = torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    res = []
    for cls in (Dropout, nn.Dropout):
        torch.manual_seed(seed)
        a = x.clone().requires_grad_()
        out = cls(p)(a)
        out.sum().backward()
        res.append((out, a.grad))
    for a,b in zip(*res): torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)

def test_dropout_modes():
    x = torch.randn(3, 4)
    assert Dropout(0.9).eval()(x) is x and Dropout(0)(x) is x
    assert Dropout(1)(x).abs().sum()==0

@pytest.mark.parametrize('p', [-0.1, 1.1, float('nan'), '0.5', None, True])
def test_dropout_bad_input(p):
    with pytest.raises(ValueError, match='between 0 and 1'): Dropout(p)
    with pytest.raises(ValueError, match='between 0 and 1'): LMModel7(4, 4, 1, p)

@given(*batch, st.floats(0, 3))
def test_penalties(bs, sl, w):
    a = torch.randn(bs, sl, 4, generator=torch.Generator().manual_seed(bs*sl), dtype=torch.float64)
    flat = [v*v for v in a.flatten().tolist()]
    assert activation_reg(a, w).item()==pytest.approx(w*sum(flat)/len(flat), rel=1e-5)
    diffs = [(a[i,t+1,k]-a[i,t,k]).item()**2 for i in range(bs) for t in range(sl-1) for k in range(4)]
    assert temporal_activation_reg(a, w).item()==pytest.approx(w*sum(diffs)/len(diffs) if diffs else 0, rel=1e-5)

def test_defaults_of_the_penalties():
    a = torch.randn(2, 3, 4)
    assert activation_reg(a)==activation_reg(a, 2.) and temporal_activation_reg(a)==temporal_activation_reg(a, 1.)
