"Models are a family: each of them can be made again, read, measured, cached, drawn and looked into by the same calls."
import copy,pickle

import matplotlib
import pytest,torch
from matplotlib.patches import Circle,FancyArrowPatch,Rectangle,RegularPolygon
from torch import nn
from torch.utils.checkpoint import checkpoint

matplotlib.use('Agg')
from conftest import says
from human_lm.all import *
from human_lm.cells.layers import GRU,LSTM,RNN

V,N = 11,6  # tokens, activations
words = [f'w{i}' for i in range(V)]

family = dict(
    LMModel1=lambda: LMModel1(V, N), LMModel2=lambda: LMModel2(V, N), LMModel3=lambda: LMModel3(V, N), LMModel4=lambda: LMModel4(V, N),
    LMModel5=lambda: LMModel5(V, N, 2), LMModel6=lambda: LMModel6(V, N, n_layers=2), LMModel7=lambda: LMModel7(V, N, 2, p=0.5),
    scratch5=lambda: from_scratch(LMModel5(V, N, 2)), scratch6=lambda: from_scratch(LMModel6(V, N, 2)), scratch7=lambda: from_scratch(LMModel7(V, N, 2, 0.5)),
    gru6=lambda: GRULMModel6(V, N, 2), gru7=lambda: GRULMModel7(V, N, 2, 0.5), scratch_gru=lambda: from_scratch(GRULMModel7(V, N, 2, 0.5)),
    coupled6=lambda: CoupledLSTMLMModel6(V, N, 2), coupled7=lambda: CoupledLSTMLMModel7(V, N, 2, 0.5),
    open6=lambda: OpenLSTMLMModel6(V, N, 2), open7=lambda: OpenLSTMLMModel7(V, N, 2, 0.5),
    awd=lambda: AWDLSTMModel(V, N, 2, emb_sz=4), awd_built_in=lambda: BuiltinAWDLSTMModel(V, N, 2, emb_sz=4),
    pointer=lambda: PointerLMModel(V, N, n_emb=4, n_key=3, n_read=2, size=5, sep=1))
keepers = [k for k in family if k not in ('LMModel1','LMModel2')]
deep = [k for k in keepers if k not in ('LMModel3','LMModel4','pointer')]
gated = [k for k in deep if '5' not in k]
per_token = [k for k in keepers if k!='LMModel3']
by_state = [k for k in keepers if k!='pointer']  # whose scores are made from the state alone, so that all is drawn

def build(name, seed=0):
    torch.manual_seed(seed)
    return family[name]()
def ids(bs=3, sl=3, seed=1): return torch.randint(0, V, (bs,sl), generator=torch.Generator().manual_seed(seed))
def scores(o): return o[0] if isinstance(o, tuple) else o
def parts(h): return h if isinstance(h, tuple) else (h,)
def same(a, b, **kw):
    for p,q in zip(parts(a), parts(b), strict=True): torch.testing.assert_close(p, q, **kw)

# What a model was made with

@pytest.mark.parametrize('name', family)
def test_made_with(name):
    "Enough to make another one with the same parameters; a copy and a pickle take it along"
    m = build(name)
    assert m.made_with['vocab_sz']==V==m.i_h.num_embeddings==m.h_o.out_features
    other = type(m)(**m.made_with)
    if 'scratch' in name: other = from_scratch(other)
    assert {k:p.shape for k,p in other.named_parameters()}=={k:p.shape for k,p in m.named_parameters()}
    for o in (copy.deepcopy(m), pickle.loads(pickle.dumps(m)), copy.copy(m)): assert o.made_with==m.made_with and type(o) is type(m)

def test_made_with_by_name_and_with_defaults():
    want = dict(vocab_sz=V, n_hidden=N, n_layers=2, p=0.5)
    assert LMModel7(V, N, 2, 0.5).made_with==LMModel7(p=0.5, n_layers=2, n_hidden=N, vocab_sz=V).made_with==want
    assert AWDLSTMModel(V, N, 2).made_with['emb_sz'] is None and AWDLSTMModel(V, N, 2, 0.5).made_with['drop_mult']==0.5

def test_made_with_of_subclasses():
    "Its own arguments count, and not those that it passes on"
    class Small(LMModel6):
        def __init__(self, words, *, wide=False, **kw): super().__init__(len(words), 9 if wide else 3, **kw)
    m = Small('abc', n_layers=1)
    assert m.made_with==dict(words='abc', wide=False, n_layers=1)
    assert [p.shape for p in Small(**m.made_with).parameters()]==[p.shape for p in m.parameters()]
    class Marked:
        def __init__(self, mark): super().__init__(V, N, 1)
    class Both(Marked, LMModel5): pass
    assert Both('!').made_with==dict(mark='!')

def test_wrong_arguments_are_reported_as_ever():
    for args in ((), (V,), (V, N, 2, 3)):
        with pytest.raises(TypeError, match='__init__'): LMModel6(*args)
    with pytest.raises(TypeError, match='n_hiden'): LMModel6(V, n_hiden=N, n_layers=1)

# Reading

@pytest.mark.parametrize('name', keepers)
def test_scan(name):
    "What `forward` reads and predicts, in pieces as well, without a trace in the model"
    m = build(name).eval()
    x,y = ids(3, 7),ids(3, 2)
    m(y)
    kept = m.h
    acts,h = m.scan(x)
    assert m.h is kept and acts.shape[:2]==(3,7)
    a,s = m.scan(x[:,:4]); b,s = m.scan(x[:,4:], s)
    same(torch.cat([a,b], dim=1), acts); same(s, h)
    m.reset()
    want = scores(m(x))
    if name in by_state: same(m.h_o(acts if m.every_token else acts[:,-1]), want)
    same(m.h, h)
    assert want.shape==((3,7,V) if m.every_token else (3,V)) and m.every_token==(name in per_token)
    layers = m.by_layer(h)
    assert len(layers)==(2 if name in deep else 1) and torch.equal(layers[-1]['hidden'], acts[:,-1])
    with pytest.raises(ValueError, match='float32'): m.scan(x.float())

@pytest.mark.parametrize('name', family)
def test_borrowed(name):
    m,x = build(name),ids()
    m(x)
    kept = getattr(m, 'h', None)
    with pytest.raises(KeyError):
        with borrowed(m):
            assert not any(o.training for o in m.modules()) and getattr(m, 'h', None) is None and not torch.is_grad_enabled()
            m(ids(2))
            raise KeyError
    assert all(o.training for o in m.modules()) and getattr(m, 'h', None) is kept

@pytest.mark.parametrize('name', keepers)
def test_kept_state(name):
    "Checked, detached, dropped by `reset`, and no part of a copy"
    m = build(name).eval()
    first = scores(m(ids()))
    assert all(not o.requires_grad for o in parts(m.h))
    with pytest.raises(ValueError, match=r'2 rows.* has 3.*reset\(\)'): m(ids(2))
    for o in (copy.deepcopy(m), pickle.loads(pickle.dumps(m))): assert o.h is None and torch.equal(scores(o(ids())), first)
    assert m.h is not None
    m.reset()
    assert all(o.h is None for o in m.modules() if isinstance(o, KeepsState)) and torch.equal(scores(m(ids())), first)

@pytest.mark.parametrize('reentrant', [True, False])
@pytest.mark.parametrize('name', keepers)
def test_checkpoint(name, reentrant):
    "Reading again for the gradients would begin with the wrong state: an error; `scan` gives the right ones"
    m,x = build(name).eval(),ids(3, 5)
    m(x)
    w = torch.zeros((), requires_grad=True)
    out = checkpoint(lambda o, w: scores(m(o))+w, x, w, use_reentrant=reentrant)
    with pytest.raises(RuntimeError, match='checkpoint its `scan`'): out.sum().backward()
    h,res = m.h,[]
    for f in (lambda o, w: m.scan(o, h)[0]+w, lambda o, w: checkpoint(lambda a, b: m.scan(a, h)[0]+b, o, w, use_reentrant=reentrant)):
        m.zero_grad()
        acts = f(x, w)
        (m.h_o(acts) if name in by_state else acts).square().sum().backward()
        res.append([p.grad for p in m.parameters()])
    same(*(tuple(g for g in o if g is not None) for o in res))

@pytest.mark.parametrize('name', family)
def test_meta(name):
    "Made on the `meta` device, which has shapes and no numbers, and read there, batch after batch"
    with torch.device('meta'): m = build(name)
    x = torch.zeros(3, 3, dtype=torch.long, device='meta')
    for _ in range(2): out = scores(m(x))
    assert out.is_meta and out.shape==((3,3,V) if m.every_token else (3,V)) and all(p.is_meta for p in m.parameters())
    if name in keepers: assert m.scan(x)[0].is_meta

def lstm_in_bfloat16():
    try:
        with torch.autocast('cpu', dtype=torch.bfloat16): return bool(nn.LSTM(3, 3)(torch.zeros(1, 1, 3)))
    except RuntimeError: return False

@pytest.mark.parametrize('name', family)
def test_autocast(name):
    "In bfloat16, batch after batch: about the same scores, and gradients"
    m,x = build(name).eval(),ids()
    if any(isinstance(o, nn.LSTM) for o in m.modules()) and not lstm_in_bfloat16(): pytest.skip('nn.LSTM has no bfloat16 on this processor')
    want = [scores(m(x)) for _ in range(2)][-1]
    if name in keepers: m.reset()
    with torch.autocast('cpu', dtype=torch.bfloat16): got = [scores(m(x)) for _ in range(2)][-1]
    torch.testing.assert_close(got.float(), want, rtol=0, atol=0.03)
    got.float().square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in m.parameters())

@pytest.mark.parametrize('name', ['scratch5','scratch6','scratch_gru','coupled6','open6'])
def test_second_derivatives(name):
    "As finite differences have them"
    m,x = build(name).double().eval(),ids(2, 4)
    ps = [p for k,p in m.named_parameters() if 'hh' in k]
    def grads():
        m.reset()
        return torch.autograd.grad(scores(m(x)).square().sum(), ps, create_graph=True)
    vs = [torch.randn(p.shape, dtype=p.dtype, generator=torch.Generator().manual_seed(i)) for i,p in enumerate(ps)]
    second = torch.autograd.grad(sum((g*v).sum() for g,v in zip(grads(), vs)), ps)
    eps,res = 1e-5,[]
    for s in (1, -1):
        with torch.no_grad():
            for p,v in zip(ps, vs): p += s*eps*v
        res.append([g.detach() for g in grads()])
        with torch.no_grad():
            for p,v in zip(ps, vs): p -= s*eps*v
    for a,b,c in zip(second, *res): torch.testing.assert_close(a, (b-c)/(2*eps), rtol=1e-5, atol=1e-7)

# Generating, measuring, caching

@pytest.mark.parametrize('name', family)
def test_generate_measure_cache(name):
    m,vocab,text = build(name),Vocab(words),ids(1, 40)[0]
    m(ids())
    kept = getattr(m, 'h', None)
    written = list(generate(m, words[:3], vocab, n=5))
    ctx = torch.tensor([[vocab.w2i[w] for w in words[:3]]])
    with borrowed(m):
        first = scores(m(ctx))
        assert len(written)==5 and written[0]==words[(first[0,-1] if m.every_token else first[0]).argmax()]
    rows = read_rows(m, text, [0,10], 12)
    assert rows.nll.shape==(2,12) and text_perplexity(m, text)>1
    same(CacheReader(m, lam=0.)(text[None]), TokenReader(m)(text[None]).log_softmax(-1))
    cache = CacheReader(m, theta=1., lam=0.5, size=10)
    pieces = torch.cat([cache(o) for o in text[None].split([7,1,32], dim=1)], dim=1)
    same(pieces, CacheReader(m, theta=1., lam=0.5, size=10)(text[None]))
    torch.testing.assert_close(pieces.exp().sum(-1), torch.ones(1, 40))
    assert m.training and getattr(m, 'h', None) is kept

@pytest.mark.parametrize('name', family)
def test_save_and_load(name, tmp_path):
    "The same class, arguments and answers"
    m,path = build(name),tmp_path/'m.safetensors'
    save_lm(m, path, Vocab(words))
    other,vocab = load_lm(path)
    assert type(other) is type(m) and other.made_with==m.made_with and vocab==Vocab(words)
    assert torch.equal(scores(other(ids())), scores(m.eval()(ids())))

# Looking inside

@pytest.mark.parametrize('name', by_state)
def test_states(name):
    m,x = build(name),ids(3, 5)
    m(x)
    kept,before = m.h,torch.get_rng_state()
    res = step_norms(m, x, x[:,0])
    n_layers = 2 if name in deep else 1
    assert set(res)==set(m.by_layer(m.h)[0])
    for acts,grads in res.values(): assert acts.shape==grads.shape==(n_layers,5) and (acts>0).all()
    assert (res['hidden'][1]>0).any() and res['hidden'][1][-1,-1]>0
    got = read_states(m, x[0])
    with borrowed(m):
        m(x[:1])
        same(got[-1:], m.by_layer(m.h)[-1]['hidden'])
    assert m.h is kept and m.training and torch.equal(torch.get_rng_state(), before)
    assert all(p.grad is None for p in m.parameters())
    plot_states(m, x[0], Vocab(words))
    assert len(plot_kept(m).fig.axes)==n_layers*len(res)
    assert embedding_2d(m).shape==(V,2)

@pytest.mark.parametrize('name', gated)
def test_gates(name):
    "They lie between 0 and 1, and the states follow from them"
    m,x = build(name),ids(1, 6)[0]
    m(ids())
    kept,layers = m.h,read_gates(m, x)
    assert m.h is kept and m.training and len(layers)==2
    want = {'g':{'update','reset'}, 'o':{'input','forget'}}.get(name.replace('scratch_','')[0], {'input','forget','output'})
    for o in layers:
        gates = set(o)-{'new','hidden','cell'}
        assert gates==want and all(len(v)==6 for v in o.values()) and all(0<o[k].min() and o[k].max()<1 for k in gates)
        h,c = ({k:torch.cat([torch.zeros_like(o[k][:1]), o[k][:-1]]) for k in ('hidden','cell') if k in o}.get(k) for k in ('hidden','cell'))
        if 'update' in o: same(o['hidden'], o['update']*h + (1-o['update'])*o['new'])
        else:
            same(o['cell'], o['forget']*c + o['input']*o['new'])
            same(o['hidden'], o['output']*o['cell'].tanh() if 'output' in o else o['cell'])
    same(layers[-1]['hidden'], read_states(m, x))
    pic = plot_gates(m, x, Vocab(words), n_cells=3)
    assert {t.get_text() for t in pic.fig.axes[0].get_legend().get_texts()}==want
    assert len(pic.fig.axes[1].get_legend().get_texts())==3

@pytest.mark.parametrize('name', [k for k in family if k not in (*gated,'pointer')])
def test_no_gates(name):
    with pytest.raises(ValueError, match='gates|state|recurrent layers'): read_gates(build(name), ids()[0])

def test_a_model_that_looks_back():
    "Its state and gates can be seen; what would leave out that it looks back is refused"
    m,x = build('pointer'),ids(3, 5)
    m(x)
    same(read_states(m, x[0]), read_gates(m, x[0])[0]['hidden'])
    assert len(plot_kept(m).fig.axes)==1 and embedding_2d(m).shape==(V,2)
    with pytest.raises(ValueError, match='holds what has no gradient, such as tokens'): step_norms(m, x, x[:,0])
    for draw in (draw_unrolled, draw_rolled):
        with pytest.raises(ValueError, match='no place for some weights of a PointerLMModel: follows, query'): draw(m)

@pytest.mark.parametrize('name', per_token)
def test_predictions(name):
    m,x,y = build(name),ids(3, 8),ids(3, 8, 2)
    targ,pred = predictions(m, [(x[:,:4],y[:,:4]), (x[:,4:],y[:,4:])])
    with borrowed(m): assert torch.equal(pred, scores(m(x)).argmax(-1)) and torch.equal(targ, y)
    plot_confusion(targ, pred, Vocab(words))

@pytest.mark.parametrize('name', ['LMModel1','LMModel2','LMModel3'])
def test_only_one_prediction(name):
    with pytest.raises(ValueError, match=name): predictions(build(name), [(ids(),ids())])

# Drawing

grey = matplotlib.colors.to_rgba('#666666')
def shapes(pic, kind): return [o for o in pic.fig.axes[0].patches if type(o) is kind]
def key(pic):
    "Colour and style of each name in the legend"
    ax = pic.fig.axes[0]
    lines = {(round(float(o.get_xdata()[1]), 3), round(float(o.get_ydata()[0]), 3)):(o.get_color(), o.get_linestyle()) for o in ax.lines}
    texts = {(round(t.get_position()[0]-0.2, 3), round(t.get_position()[1], 3)):t.get_text() for t in ax.texts}
    return {texts[k]:v for k,v in lines.items()}

@pytest.mark.parametrize('name', [k for k in family if k!='pointer'])
def test_drawings(name):
    "As many shapes as steps and layers; each matrix has one colour, the same in both drawings; nothing is wider than the page or cut off"
    m,n = build(name),2 if name in deep else 1
    m(ids())
    kept = getattr(m, 'h', None)
    pics = [draw_unrolled(m)] + ([] if name=='LMModel1' else [draw_rolled(m)])
    for pic,steps in zip(pics, (3,1)):
        assert len(shapes(pic, Rectangle))==steps and len(shapes(pic, RegularPolygon))==(steps if m.every_token else 1)
        assert sum(o.radius==0.5 for o in shapes(pic, Circle))==steps*n
        assert pic.fig.get_size_inches()[0]<=7.61
        ax = pic.fig.axes[0]
        pic.fig.canvas.draw()
        for t in ax.texts: assert t.get_window_extent().x1<=ax.bbox.x1+1 and t.get_window_extent().y0>=ax.bbox.y0-1, t.get_text()
    matrices = [p for k,p in m.named_parameters() if p.ndim==2]
    keys = [key(p) for p in pics]
    for k in keys:
        coloured = {a:b for a,b in k.items() if a!='no weights'}
        assert len(coloured)==len(matrices)==len(set(coloured.values()))
    assert all(keys[-1][k]==v for k,v in keys[0].items() if k in keys[-1])
    assert name not in keepers or m.h is kept

@pytest.mark.parametrize('name', deep)
def test_the_kept_state_enters_by_weights(name):
    "The first step uses the matrix from state to state as every other does"
    m = build(name)
    for steps in (1, 4):
        b = [o for o in shapes(draw_unrolled(m, steps), FancyArrowPatch) if o.get_edgecolor()!=grey]
        assert len(b)==steps*(2+2+2)  # from the word, to the output, and for each layer from below and from before

@pytest.mark.parametrize('name', deep)
def test_cell_state_is_drawn_where_there_is_one(name):
    m = build(name)
    dotted = [o for o in shapes(draw_unrolled(m, 3), FancyArrowPatch) if o.get_edgecolor()==grey]
    assert len(dotted)==(2+2*4 if 'cell' in m.by_layer(m.scan(ids())[1])[0] else 2)

@pytest.mark.parametrize('f', [draw_unrolled, draw_rolled, lambda o: read_states(o, ids()[0]), lambda o: step_norms(o, ids(), ids()[0]),
                               plot_kept, lambda o: read_gates(o, ids()[0]), lambda o: predictions(o, []), embedding_2d])
def test_what_is_no_model(f):
    with pytest.raises(ValueError, match='a Linear'): f(nn.Linear(2, 2))

# Cells

class ChapterCell(nn.Module):
    "An LSTM cell as the chapter describes it: hidden state and input joined in this order"
    def __init__(self, ni, nh):
        super().__init__()
        for k in ('forget','input','cell','output'): setattr(self, f'{k}_gate', nn.Linear(ni+nh, nh))
    def forward(self, input, state):
        h,c = state
        joined = torch.cat((h,input), dim=1)
        f,i,o = (getattr(self, f'{k}_gate')(joined).sigmoid() for k in ('forget','input','output'))
        c = f*c + i*self.cell_gate(joined).tanh()
        return o*c.tanh(), (o*c.tanh(), c)

def test_a_cell_of_the_chapter_loads():
    "Its `state_dict` loads strictly, and the answers are the same"
    torch.manual_seed(0)
    ref,cell,x,state = ChapterCell(3, 5),GatewiseLSTMCell(3, 5),torch.randn(2, 3),(torch.randn(2, 5),torch.randn(2, 5))
    cell.load_state_dict(ref.state_dict())
    (a,s),(b,t) = ref(x, state),cell(x, state)
    same((a,*s), (b,*t))

@pytest.mark.parametrize('cls', [RNN,GRU,LSTM])
def test_from_scratch_finds_every_layer(cls):
    "Wherever it stands in a model; one that is from scratch already is copied"
    torch.manual_seed(0)
    m = nn.Sequential(nn.Embedding(V, N), nn.ModuleList([cls.torch_cls(N, N, batch_first=True)]))
    s = from_scratch(m)
    assert type(s[1][0]) is cls and type(m[1][0]) is cls.torch_cls
    x = torch.randn(2, 4, N)
    same(s[1][0](x)[0], m[1][0](x)[0])
    again = from_scratch(s)
    assert again is not s and type(again[1][0]) is cls and torch.equal(again[1][0](x)[0], s[1][0](x)[0])

# The network that points

def test_what_a_pointer_begins_with():
    "The sizes of its parts, what they hold at first, and a state in which nothing was read"
    m = PointerLMModel(V)
    assert (m.n_read,m.size,m.noise,m.sep)==(6,24,0.5,None) and PointerLMModel(V, sep=0).sep==0 and PointerLMModel(V, sep=V-1).sep==V-1
    assert {k:tuple(o.shape) for k,o in m.named_parameters() if not k.startswith('rnn') and 'bias' not in k}==dict({f'{k}.weight':o for k,o in dict(
        i_h=(V,16), query=(16,64), key=(16,64), mix=(64,64+8*16), share=(3,64), h_o=(V,64)).items()}, far=(), follows=(V,V))
    assert repr(m.rnn)=='GRU(16, 64, batch_first=True)' and m.far==-1.5 and not m.follows.any() and torch.equal(m.query.bias, m.key.bias)
    torch.testing.assert_close(m.key.weight @ m.key.weight.T, 16*torch.eye(16), rtol=0, atol=1e-4)
    state = m.double().zero_state(3)
    assert [o.shape for o in state]==[(1,3,64), (24,3,16), (24,3,V)] and not any(o.any() or o.dtype!=torch.float64 for o in state)
    got = m.by_layer((torch.ones(1, 3, 64), *state[1:]))
    assert len(got)==1 and got[0].keys()=={'hidden'} and torch.equal(got[0]['hidden'], torch.ones(3, 64))

@pytest.mark.parametrize('kwargs,want', [
    *((dict(vocab_sz=V) | {o:0}, f'`{o}` must be a whole number of at least 1, got 0') for o in ('vocab_sz','n_hidden','n_emb','n_key','n_read','size')),
    *((dict(vocab_sz=V, noise=o), f'`noise` must be a number of at least 0, got {o}') for o in (-0.1,float('inf'))),
    *((dict(vocab_sz=V, sep=o), f'`sep` must be the index of a token, 0 to 10, or None, got {o}') for o in (-1,V,True))])
def test_what_a_pointer_cannot_be_made_with(kwargs, want):
    with says(ValueError, want): PointerLMModel(**kwargs)

def test_pointer_starts_at_like_places_and_hears_noise():
    "Query and key begin alike; noise is heard in training only, and none if there is to be none"
    m,x = build('pointer'),ids(2, 9)
    assert torch.equal(m.query.weight, m.key.weight) and m.query.weight is not m.key.weight
    def twice(m):
        m.reset(); a = m(x); m.reset()
        return a, m(x)
    assert not torch.equal(*twice(m)) and torch.equal(*twice(m.eval()))
    assert torch.equal(*twice(PointerLMModel(V, N, noise=0.)))

def test_pointer_can_say_each_of_three():
    "With all of one share, the scores are those of that part: the own word, the one pointed at, its successor"
    m,x = build('pointer').eval(),ids(2, 9)
    torch.nn.init.normal_(m.follows)
    for i,part in enumerate(('own','copy','successor')):
        with torch.no_grad():
            m.share.weight.zero_(); m.share.bias.fill_(-1e9); m.share.bias[i] = 0.
            m.reset(); got = m(x).exp()
            m.reset(); torch.testing.assert_close(got, getattr(m.parts(x), part), rtol=1e-4, atol=1e-6)

@pytest.mark.parametrize('dtype', [torch.float16,torch.bfloat16,torch.float32,torch.float64])
def test_a_pointer_has_a_score_for_what_cannot_be_said(dtype):
    "In each precision"
    m = PointerLMModel(V, N, sep=1).to(dtype).eval()
    with torch.no_grad(): m.h_o.bias[1] = -1000.
    scores = m(torch.tensor([[3,4,5]]))
    assert scores.dtype==dtype and scores.isfinite().all() and (scores[...,1]<-9).all()

@pytest.mark.parametrize('n', [1,2,9])
@pytest.mark.parametrize('sep', [None,3])
def test_what_is_read_around_each_token(sep, n):
    "Word by word: the one before; the token itself; and those after it up to a separator, of which the first is read"
    torch.manual_seed(n)
    m,x = PointerLMModel(5, N, n_read=4, size=5, sep=sep),torch.randint(5, (3,n))
    got = m.around(torch.nn.functional.one_hot(x, 5).float())
    assert got.shape==(3,6,n,5)
    for b,row in enumerate(x.tolist()):
        for j in range(n):
            read = row[j:j+5]
            if sep in read: read = read[:read.index(sep)+1]
            assert torch.equal(got[b,1:1+len(read),j], torch.eye(5)[read]) and not got[b,1+len(read):,j].any()
            assert torch.equal(got[b,0,j], torch.eye(5)[row[j-1]] if j else torch.zeros(5))

def test_the_separator_is_no_successor():
    "Whatever the table holds; without a separator any token may be one"
    for sep in (None,1):
        m = PointerLMModel(V, N, sep=sep)
        torch.nn.init.normal_(m.follows)
        p = m.successors()
        torch.testing.assert_close(p.sum(-1), torch.ones(V))
        assert (p==0).sum()==(0 if sep is None else V) and (sep is None or not p[:,sep].any())
        p[0,2].backward()
        assert m.follows.grad.isfinite().all()
