"Other cells in LMModel6 and LMModel7: GRU, coupled gates, an open forget gate."
import copy,io,pickle

import pytest,torch
from hypothesis import given,settings,strategies as st

from human_lm.cells.gru import *
from human_lm.cells.layers import *
from human_lm.lstm import LMModel6
from human_lm.runs.recipes import cell_kinds,chapter_learner,recipe

def scores(o): return o[0] if isinstance(o, tuple) else o

@settings(max_examples=8)
@given(st.sampled_from(['LMModel6','LMModel7']), st.sampled_from(cell_kinds), st.integers(1, 4), st.lists(st.integers(1, 5), min_size=2, max_size=4))
def test_text_in_pieces(name, cell, bs, lengths):
    torch.manual_seed(0)
    m,x = recipe(f'{name}, {cell}').model().eval(),torch.randint(0, 30, (bs,sum(lengths)))
    whole = scores(m(x))
    m.reset()
    pieces = torch.cat([scores(m(o)) for o in x.split(lengths, dim=1)], dim=1)
    torch.testing.assert_close(pieces, whole)
    with pytest.raises(ValueError, match='reset'): m(torch.cat([x,x]))

@settings(max_examples=20)
@given(st.integers(0, 999), st.floats(0.1, 100))
def test_coupled_cell_is_bounded_and_the_plain_one_is_not(seed, size):
    torch.manual_seed(seed)
    layer = CoupledLSTM(3, 5, 2)
    _,(h,c) = layer(size*torch.randn(2, 60, 3))
    assert c.abs().max()<=1 and h.abs().max()<1
    plain = LSTM(3, 5)
    with torch.no_grad(): plain.cells[0].ih.bias.fill_(20)  # every gate open
    assert plain(torch.zeros(2, 60, 3))[1][1].max()>50

def test_coupled_gates_by_hand():
    "The new cell state lies between the old one and the new value, as far along as the forget gate says"
    torch.manual_seed(0)
    cell,x,h,c = CoupledLSTMCell(3, 4),torch.randn(2, 3),torch.randn(2, 4),torch.rand(2, 4)
    _,f,o,g = (cell.ih(x) + cell.hh(h)).chunk(4, 1)
    out,(h1,c1) = cell(x, (h,c))
    torch.testing.assert_close(c1, torch.lerp(g.tanh(), c, f.sigmoid()))
    torch.testing.assert_close(h1, o.sigmoid()*c1.tanh())

def test_open_cell_is_a_gru_without_reset_gate():
    "With the reset gate held open, a GRU with the same weights gives the same states"
    torch.manual_seed(0)
    cell,gru,x,h = OpenLSTMCell(3, 4),GRUCell(3, 4),torch.randn(2, 3),torch.rand(2, 4)
    with torch.no_grad():
        for a,b in ((cell.ih,gru.ih), (cell.hh,gru.hh)):
            for p,q in zip(a.parameters(), b.parameters()):
                _,f,_,g = p.chunk(4)
                q.copy_(torch.cat([torch.zeros_like(f), f, g]))
        gru.ih.bias[:4] = 40
    torch.testing.assert_close(cell(x, (h,h))[0], gru(x, h)[0])

def test_forget_gates_start_open_by_one():
    a = LMModel6(9, 4, 2)
    b = start_open(copy.deepcopy(a))
    assert [(q-p).round(decimals=3).tolist() for (k,p),q in zip(a.named_parameters(), b.parameters()) if 'bias_ih' in k]==[[0]*4+[1]*4+[0]*8]*2
    assert torch.equal(start_open(b, -1.).rnn.bias_ih_l1[4:8].round(decimals=3), a.rnn.bias_ih_l1[4:8].round(decimals=3))

def test_forget_bias_moves_only_the_forget_gates():
    torch.manual_seed(0); a = recipe('LMModel6, LSTM').model()
    torch.manual_seed(0); b = recipe('LMModel6, forget bias 1').model()
    for (k,p),q in zip(a.named_parameters(), b.parameters()):
        moved = (p!=q).nonzero().flatten().tolist()
        assert moved==(list(range(64, 128)) if 'bias_ih' in k else []), k
        if moved: torch.testing.assert_close(q[64:128], p[64:128]+1)

@pytest.mark.parametrize('name', ['LMModel6','LMModel7'])
def test_the_lstm_is_the_chapters(name):
    "From the same random state: the same weights, and what is drawn next is the same too"
    res = []
    for f in (lambda: chapter_learner(f'{name}, LSTM', 3), lambda: chapter_learner(name, 3)):
        learn = f()
        res.append(([p.detach().cpu() for p in learn.model.parameters()], torch.rand(3)))
    for p,q in zip(*(o[0] for o in res)): assert torch.equal(p, q)
    assert torch.equal(res[0][1], res[1][1])

def test_wrong_names():
    for name in ('LMModel5, GRU','LMModel6, LMST'):
        with pytest.raises(ValueError, match='choose from'): recipe(name)

def test_coupled_has_no_built_in():
    with pytest.raises(ValueError, match='no counterpart'): CoupledLSTM.from_torch(torch.nn.LSTM(3, 4, batch_first=True))

def as_saved(m):
    "`m` through `torch.save` and back"
    f = io.BytesIO()
    torch.save(m, f)
    return torch.load(io.BytesIO(f.getvalue()), weights_only=False)

@pytest.mark.parametrize('name', ['LMModel6','LMModel7'])
@pytest.mark.parametrize('cell', cell_kinds)
def test_copies(name, cell):
    "Copied, pickled or saved, a model of any cell is of the same class and gives the same scores; what it has read stays with it"
    torch.manual_seed(0)
    m,x = recipe(f'{name}, {cell}').model().eval(),torch.randint(0, 30, (2,5))
    want = scores(m(x))
    for f in (copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o)), as_saved):
        other = f(m)
        assert type(other) is type(m) and other.h is None and m.h is not None
        torch.testing.assert_close(scores(other(x)), want, rtol=0, atol=0)

@pytest.mark.filterwarnings('ignore:.*insecure pickle')
@pytest.mark.parametrize('cell', ['coupled LSTM','no output gate'])
def test_exported_learner(cell, tmp_path):
    "`learn.export` and `load_learner` keep the cells (the data set must be one that can be emptied, which a list is not)"
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner,load_learner
    from fastai.losses import CrossEntropyLossFlat
    from human_lm.training.sequences import FlatSeqs
    from human_lm.stateful import group_chunks
    ds = group_chunks(FlatSeqs(torch.arange(200)%30, sl=5), 4)
    dls = DataLoaders.from_dsets(ds, ds, bs=4, shuffle=False, drop_last=True, num_workers=0)
    learn = Learner(dls, recipe(f'LMModel6, {cell}').model(), loss_func=CrossEntropyLossFlat(), path=tmp_path)
    learn.export('l.pkl')
    back,x = load_learner(tmp_path/'l.pkl').model,torch.randint(0, 30, (2,5))
    assert type(back) is type(learn.model)
    torch.testing.assert_close(back.eval()(x), learn.model.cpu().eval()(x), rtol=0, atol=0)
