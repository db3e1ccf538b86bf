"Pictures show what they are said to show: as many shapes as there are steps and layers, and the colours of shared weights."
import copy,re

import matplotlib
import pytest,torch
from hypothesis import given,settings,strategies as st
from matplotlib.patches import Circle,FancyArrowPatch,Rectangle,RegularPolygon
from torch import nn

matplotlib.use('Agg')
from human_lm.pictures.networks import *
from human_lm.pictures.inside import *
from human_lm.pictures.figure import *
from human_lm.first_model import *
from human_lm.pictures.trained import *
from human_lm.lstm import *
from human_lm.multilayer import *
from human_lm.regularize import *
from human_lm.stateful import *

grey = matplotlib.colors.to_rgba('#666666')

def shapes(pic, kind): return [o for o in pic.fig.axes[0].patches if type(o) is kind]
def looks(pic):
    "Colour and style of every arrow that uses weights"
    return [(o.get_edgecolor(), o.get_linestyle()) for o in shapes(pic, FancyArrowPatch) if o.get_edgecolor()!=grey]

def deep(cls, n_layers): return cls(30, 8, n_layers, 0.5) if cls is LMModel7 else cls(30, 8, n_layers)

@settings(max_examples=12)
@given(st.sampled_from([LMModel5,LMModel6,LMModel7]), st.integers(1, 4), st.integers(1, 6))
def test_deep_nets(cls, n_layers, steps):
    pic = draw_unrolled(deep(cls, n_layers), steps)
    assert len(shapes(pic, Rectangle))==steps==len(shapes(pic, RegularPolygon))
    assert sum(o.radius==0.5 for o in shapes(pic, Circle))==steps*n_layers
    n_weights = 1 + 2*n_layers + (cls is not LMModel7)  # i_h, from below and from before, h_o unless it is i_h
    assert len(set(looks(pic)))==n_weights
    assert len(looks(pic))==steps*(2+2*n_layers)

@settings(max_examples=8)
@given(st.sampled_from([LMModel2,LMModel3,LMModel4]), st.integers(1, 7))
def test_shallow_nets(cls, steps):
    pic = draw_unrolled(cls(30, 8), steps)
    n_out = steps if cls is LMModel4 else 1
    assert [len(shapes(pic, o)) for o in (Rectangle, RegularPolygon)]==[steps, n_out]
    assert sum(o.radius==0.5 for o in shapes(pic, Circle))==steps
    assert len(set(looks(pic)))==3 and len(looks(pic))==2*steps+n_out

def test_colour_follows_the_parameter_not_the_name():
    "Tie or untie two matrices, and the number of colours follows"
    m = LMModel6(30, 8, 1)
    n = len(set(looks(draw_unrolled(m))))
    m.h_o.weight = m.i_h.weight
    assert len(set(looks(draw_unrolled(m))))==n-1
    m.h_o.weight = nn.Parameter(m.i_h.weight.detach().clone())  # equal numbers, two parameters
    assert len(set(looks(draw_unrolled(m))))==n

def test_words_are_drawn():
    pic = draw_unrolled(LMModel2(30, 8), 2, ['six','.','seven'])
    assert {'six','.','seven'}<={o.get_text() for o in pic.fig.axes[0].texts}

@pytest.mark.parametrize('f', [
    lambda: draw_unrolled(nn.Linear(2, 2)), lambda: draw_rolled(nn.LSTM(2, 2)), lambda: draw_unrolled(LMModel4(30, 8), 0), lambda: draw_unrolled(LMModel4(30, 8), -2),
    lambda: draw_unrolled(LMModel4(30, 8), 2.5), lambda: draw_unrolled(LMModel1(30, 8), 5), lambda: draw_rolled(LMModel1(30, 8)), lambda: draw_batches(0, 3),
    lambda: draw_batches(6, -1), lambda: draw_floats(0), lambda: draw_dropout((3,-1,2)), lambda: draw_lstm_cell(0, 4), lambda: draw_rescale(torch.rand(4), n=0),
    lambda: plot_kept(LMModel6(30, 8, 2)), lambda: plot_kept(LMModel2(30, 8)), lambda: read_gates(LMModel5(30, 8, 1), torch.arange(5)),
    lambda: read_states(LMModel2(30, 8), torch.arange(5)), lambda: step_norms(LMModel1(30, 8), torch.zeros(2, 3).long(), torch.zeros(2).long()),
    lambda: predictions(nn.Linear(2, 2), []), lambda: embedding_2d(nn.Linear(2, 2)), lambda: plot_by_place({}, n=0),
    lambda: plot_confusion(torch.zeros(2, 3).long(), torch.zeros(3, 2).long(), ['a'])])
def test_bad_input(f):
    with pytest.raises(ValueError) as e: f()
    assert len(str(e.value))>15

def test_picture_is_stable_and_described():
    a,b = (draw_unrolled(LMModel7(30, 8, 2, 0.5)).svg() for _ in range(2))
    assert a==b and a.count('<title>')==1
    assert re.search(r'aria-label="LMModel7 unrolled over 3 tokens', a) and 'fill: #ffffff' in a

def test_description_is_escaped():
    assert '&lt;b&gt; &amp; &quot;c&quot;' in Picture(draw_key().fig, '<b> & "c"').svg()

@given(st.integers(1, 30), st.integers(1, 8))
@settings(max_examples=15)
def test_batches(n, bs):
    if bs>n: return
    pic = draw_batches(n, bs)
    cells,texts = shapes(pic, Rectangle),[o.get_text() for o in pic.fig.axes[0].texts]
    m = n//bs
    assert len(cells)==n+m*bs
    below = [(o, t) for o,t in zip(cells, [t for t in texts if t.isdigit()])][n:]
    assert [int(t) for _,t in below]==list(group_chunks(list(range(n)), bs))

@pytest.mark.parametrize('cls', [LMModel4,LMModel5,LMModel6,LMModel7])
def test_looking_changes_nothing(cls):
    "Kept state, mode, gradients and random state are as before"
    torch.manual_seed(0)
    m = cls(30, 8) if cls is LMModel4 else deep(cls, 2)
    x,y = torch.randint(0, 30, (3,6)),torch.randint(0, 30, (3,))
    m(x)
    kept,state = copy.deepcopy(m.h),torch.get_rng_state()
    step_norms(m, x, y); read_states(m, x[0]); predictions(m, [(x,x)])
    assert m.training and all(p.grad is None for p in m.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    for a,b in zip(*(o if isinstance(o, tuple) else (o,) for o in (kept, m.h))): assert torch.equal(a, b)

def test_norms_against_a_run_by_hand():
    "The gradient with respect to a state is what moving that state changes"
    torch.manual_seed(0)
    m = LMModel4(30, 8).double()
    x,y = torch.randint(0, 30, (1,4)),torch.randint(0, 30, (1,))
    def loss(h):
        for w in x.unbind(1)[2:]: h = m.step(h, w)
        return nn.functional.cross_entropy(m.h_o(h), y)
    h = m.step(m.step(m.zero_state(1), x[:,0]), x[:,1])
    grad, = torch.autograd.grad(loss(h), h)
    acts,grads = step_norms(m, x, y)['hidden']
    assert grads[0,1].item()==pytest.approx(grad.norm().item(), rel=1e-9) and acts[0,1].item()==pytest.approx(h.norm().item(), rel=1e-9)

def test_confusion_counts_only_mistakes():
    pic = plot_confusion(torch.tensor([0,0,1,2]), torch.tensor([0,1,1,1]), ['a','b','c'])
    assert pic.alt.startswith('2 mistakes among 4 tokens') and 'a taken for b 1 times' in pic.alt and 'c taken for b 1 times' in pic.alt

def test_confusion_shows_only_words_with_mistakes():
    pic = plot_confusion(torch.tensor([0,0,1,2]), torch.tensor([0,1,1,1]), ['a','b','c'])
    ax = pic.fig.axes[0]
    assert [t.get_text() for t in ax.get_yticklabels() if t.get_text()]==['a','c'] and [t.get_text() for t in ax.get_xticklabels() if t.get_text()]==['b']
    with pytest.raises(ValueError, match='no mistake'): plot_confusion(torch.tensor([0,1]), torch.tensor([0,1]), ['a','b'])
