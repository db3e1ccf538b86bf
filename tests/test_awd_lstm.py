"The AWD-LSTM is fastai's: outputs and gradients, evaluating and training; and each of its dropouts hides what it is said to hide."
import copy,io,pickle
from dataclasses import replace

import pytest,torch
from hypothesis import given,settings,strategies as st
from torch import nn

from fastai.text.models.awdlstm import AWD_LSTM,RNNDropout,awd_lstm_lm_config,dropout_mask
from fastai.text.models.core import LinearDecoder,SequentialRNN,get_language_model
from conftest import says
from human_lm.cells.awd_lstm import *
from human_lm.pictures.masks import *
from human_lm.cells.layers import *
from human_lm.regularize import LMModel7
from human_lm.runs.recipes import recipe

def fastai_lm(vocab_sz=11, emb_sz=6, n_hid=8, n_layers=2, drop_mult=1., **config):
    return get_language_model(AWD_LSTM, vocab_sz, {**awd_lstm_lm_config, 'emb_sz':emb_sz, 'n_hid':n_hid, 'n_layers':n_layers, **config}, drop_mult)

def grads_of_ours(m):
    "Gradients of the embedding, the biases of the decoder, and each layer's weights in PyTorch's order"
    res = [m.encoder.i_h.weight.grad, m.decoder.h_o.bias.grad]
    for o in m.encoder.rnns:
        if isinstance(o.layer, nn.LSTM): res += [getattr(o.layer, f'{p}_{k}_l0').grad for p in ('weight','bias') for k in ('ih','hh')]
        else: res += [LSTM._reorder(getattr(getattr(o.layer.cells[0], k), p).grad) for p in ('weight','bias') for k in ('ih','hh')]
    return res

def grads_of_fastai(m):
    res = [m[0].encoder.weight.grad, m[1].decoder.bias.grad]
    for o in m[0].rnns: res += [o.module.weight_ih_l0.grad, o.weight_hh_l0_raw.grad, o.module.bias_ih_l0.grad, o.module.bias_hh_l0.grad]
    return res

def loss(o, w): return (o[0]*w).mean() + o[2].pow(2).mean() + o[1].diff(dim=1).pow(2).mean()

@settings(max_examples=25)
@given(st.sampled_from([AWDLSTMModel,BuiltinAWDLSTMModel]), st.booleans(), st.integers(1, 3), st.integers(1, 4), st.integers(2, 7), st.integers(1, 6), st.integers(1, 6),
       st.floats(0, 2), st.sampled_from([None,1,4]), st.sampled_from([torch.float32, torch.float64]), st.integers(0, 999))
def test_equal_to_fastais(cls, training, n_layers, bs, sl, emb_sz, n_hid, drop_mult, pad, dtype, seed):
    "From the same weights and the same random state: outputs of three batches, the state in between, all gradients, and what is drawn next"
    torch.manual_seed(seed)
    ref = fastai_lm(9, emb_sz, n_hid, n_layers, drop_mult, pad_token=pad).to(dtype).train(training)
    ref.reset()  # its state was made before `to`
    ours,eps = cls.from_fastai(ref),1e-6 if dtype==torch.float32 else 1e-10
    assert ours.training==training and next(ours.parameters()).dtype==dtype
    for k in range(3):
        x,w = torch.randint(0, 9, (bs,sl)),torch.randn(bs, sl, 9, dtype=dtype)
        outs,drawn = [],[]
        for m in (ours,ref):
            m.zero_grad()
            torch.manual_seed(k)
            outs.append(m(x))
            drawn.append(torch.rand(1))
            loss(outs[-1], w).backward()
        assert torch.equal(*drawn)
        for a,b in zip(*outs): torch.testing.assert_close(a, b, rtol=eps, atol=eps)
        for a,b in zip(grads_of_ours(ours), grads_of_fastai(ref)): torch.testing.assert_close(a, b, rtol=eps, atol=eps)
    for a,(h,c) in zip(zip(ours.encoder.h[::2], ours.encoder.h[1::2]), ref[0].hidden):
        torch.testing.assert_close(a, (h,c), rtol=eps, atol=eps)

@pytest.mark.parametrize('name', ['embed_drop','input_drop','hidden_drops.0','rnns.0','rnns.1','decoder'])
def test_parity_can_fail(name):
    "With any one of the dropouts taken out, training mode is no longer fastai's"
    torch.manual_seed(0)
    ref = fastai_lm(drop_mult=2)
    ours = AWDLSTMModel.from_fastai(ref)
    (ours.decoder.drop if name=='decoder' else ours.encoder.get_submodule(name)).p = 0.
    x,outs = torch.randint(0, 11, (4,5)),[]
    for m in (ours,ref):
        torch.manual_seed(1)
        outs.append(m(x)[0])
    assert (outs[0]-outs[1]).abs().max()>1e-4

def test_encoder_alone():
    "An encoder by itself, and one that was trained a little: its weights are taken from behind the last batch's mask"
    torch.manual_seed(0)
    ref = AWD_LSTM(11, 6, 8, 2)
    ref(torch.randint(0, 11, (4,5))).pow(2).mean().backward()
    torch.optim.SGD(ref.parameters(), 1.).step()
    ours,x = AWDLSTM.from_fastai(ref.eval()),torch.randint(0, 11, (4,5))
    assert not ours.training
    ref.reset()
    torch.testing.assert_close(ours(x), ref(x), rtol=1e-6, atol=1e-6)
    assert (ours.embed_drop.p,ours.input_drop.p,ours.rnns[0].p,ours.hidden_drops[0].p,ours.i_h.padding_idx)==(0.1,0.6,0.5,0.2,1)
    before = ref.encoder.weight.detach().clone()
    with torch.no_grad(): ours.i_h.weight.zero_()
    assert torch.equal(ref.encoder.weight, before)

def test_weights_alone():
    "`load_fastai` leaves the dropouts and the mode as they are"
    m = AWDLSTMModel(11, 8, 2, 0.5, emb_sz=6).eval().load_fastai(fastai_lm())
    assert m.encoder.input_drop.p==0.125 and not m.training

@pytest.mark.parametrize('pad,untrained', [(1,1), (4,4), (None,10)])
def test_padding(pad, untrained):
    "fastai spares its padding token, and without one the last; what is taken over does the same, and ours by itself trains all words"
    x = torch.arange(11)[None]
    for m,which in ((AWDLSTM.from_fastai(AWD_LSTM(11, 6, 8, 2, pad_token=pad)), [untrained]), (AWDLSTM(11, 6, 8, 2), []), (AWDLSTM(11, 6, 8, 2, pad_token=pad), [] if pad is None else [pad])):
        m.eval()(x).sum().backward()
        assert [i for i in range(11) if not m.i_h.weight.grad[i].any()]==which

@pytest.mark.parametrize('ref,match', [
    (lambda: nn.LSTM(6, 8), 'AWD_LSTM, got a LSTM'), (lambda: AWD_LSTM(11, 6, 8, 2, bidir=True), 'two directions'),
    (lambda: AWD_LSTM(12, 6, 8, 2), r'\[11, 6, 8, 6\].* \[12, 6, 8, 6\]'), (lambda: AWD_LSTM(11, 6, 9, 2), r'\[11, 6, 9, 6\]'), (lambda: AWD_LSTM(11, 6, 8, 3), r'\[11, 6, 8, 8, 6\]')])
def test_encoders_that_do_not_fit(ref, match):
    m = AWDLSTM(11, 6, 8, 2)
    before = copy.deepcopy(m.state_dict())
    with pytest.raises(ValueError, match=match): m.load_fastai(ref())
    assert all(torch.equal(v, before[k]) for k,v in m.state_dict().items())

@pytest.mark.parametrize('ref,match', [
    (lambda: AWD_LSTM(11, 6, 8, 2), 'LinearDecoder, got a AWD_LSTM'), (lambda: fastai_lm(tie_weights=False), 'matrix of its own'), (lambda: fastai_lm(out_bias=False), 'no biases'),
    (lambda: fastai_lm(bidir=True), 'two directions'), (lambda: SequentialRNN(nn.LSTM(3, 4), LinearDecoder(3, 4)), 'got a LSTM')])
def test_models_that_cannot_be_taken_over(ref, match):
    with pytest.raises(ValueError, match=match): AWDLSTMModel.from_fastai(ref())

over = 'these weights cannot be taken over: '
@pytest.mark.parametrize('f,want', [
    (lambda: AWDLSTM.from_fastai(nn.LSTM(6, 8)), "these weights can be taken over from fastai's AWD_LSTM, got a LSTM"),
    (lambda: AWDLSTM.from_fastai(AWD_LSTM(11, 6, 8, 2, bidir=True)), over+'the AWD_LSTM reads in two directions, and an AWDLSTM in one'),
    (lambda: AWDLSTM(11, 6, 8, 2).load_fastai(AWD_LSTM(12, 6, 8, 2)), 'vocabulary, embedding and layers must have the sizes [11, 6, 8, 6], but those of the AWD_LSTM are [12, 6, 8, 6]'),
    (lambda: AWDLSTMModel.from_fastai(AWD_LSTM(11, 6, 8, 2)), "these weights can be taken over from fastai's language model, an AWD_LSTM and a LinearDecoder, got a AWD_LSTM"),
    (lambda: AWDLSTMModel.from_fastai(nn.Sequential(AWD_LSTM(11, 6, 8, 2))), "these weights can be taken over from fastai's language model, an AWD_LSTM and a LinearDecoder, got a Sequential"),
    (lambda: AWDLSTMModel.from_fastai(fastai_lm(tie_weights=False)), over+'the decoder has a matrix of its own'), (lambda: AWDLSTMModel.from_fastai(fastai_lm(out_bias=False)), over+'the decoder has no biases'),
    (lambda: DropConnect(nn.Linear(3, 4), 0.1), 'a Linear has no weights from state to state'), (lambda: AWDLSTM(11, 4, 5, 2, init_range=0), '`init_range` must be more than 0, got 0'),
    (lambda: AWDLSTM(11, 4, 5, 2, pad_token=11), '`pad_token` must be one of the 11 tokens, 0 to 10, or None, got 11'), (lambda: AWDLSTMModel(11, 5, 2, -1), '`drop_mult` must be a number of at least 0, got -1'),
    (lambda: AWDLSTMModel(11, 5, 2, True), '`drop_mult` must be a number of at least 0, got True'),
    *((lambda o=o: AWDLSTMModel(11, 5, 2, **{o:2}), f'the probability of dropout `{o}` must lie between 0 and 1, got 2') for o in ('embed_p','input_p','weight_p','hidden_p','output_p')),
    *((lambda o=o: AWDLSTM(11, 4, 5, 2, **{o:True}), f'the probability of dropout `{o}` must lie between 0 and 1, got True') for o in ('embed_p','input_p','weight_p','hidden_p')),
    *((lambda o=o: AWDLSTMModel(11, 5, 2, 3, **{o:0.5}, **{k:0 for k in ('embed_p','input_p','weight_p','hidden_p','output_p') if k!=o}), f'the probability of dropout `{o} × drop_mult` must lie between 0 and 1, got 1.5')
      for o in ('embed_p','input_p','weight_p','hidden_p','output_p')),
    *((lambda i=i: AWDLSTM(*[0 if j==i else 3 for j in range(4)]), f'`{o}` must be a whole number of at least 1, got 0') for i,o in enumerate(('vocab_sz','emb_sz','n_hidden','n_layers')))])
def test_what_is_wrong(f, want):
    with says(ValueError, want): f()

@pytest.mark.parametrize('make,want', [(lambda: AWDLSTM(30, 4, 16, 2), [0.02,0.25,0.2,0.15]), (lambda: AWDLSTMModel(30, 16, 2, emb_sz=4), [0.02,0.25,0.2,0.15,0.1]),
                                       (lambda: AWDLSTMModel(30, 16, 2, 0, 4), [0]*5), (lambda: AWDLSTMModel(30, 16, 2, 0.5, 4, init_range=0.1), [0.01,0.125,0.1,0.075,0.05])])
def test_how_it_starts(make, want):
    torch.manual_seed(0)
    m = make()
    e = getattr(m, 'encoder', m)
    assert [e.embed_drop.p, e.input_drop.p, e.rnns[1].p, e.hidden_drops[0].p, *([m.decoder.drop.p] if m is not e else [])]==want and len(e.rnns)==2 and len(e.hidden_drops)==1
    for w,most in ((e.i_h.weight,0.1), (e.rnns[0].layer.cells[0].ih.weight,0.25), (e.rnns[1].layer.cells[0].hh.bias,0.5)): assert most*0.6<w.max()<=most and -most<=w.min()<-most*0.6
    if m is not e: assert not m.h_o.bias.any() and m.h_o.weight is m.i_h.weight

def test_each_dropout_in_its_place():
    "Without weights from state to state, each token is read alone; and nothing gets from the first layer to the second"
    torch.manual_seed(0)
    m,x = AWDLSTM(11, 4, 5, 3, 0, 0, 0, 0),torch.randint(0, 11, (2,6))
    m.hidden_drops[0].p = 1.
    (_,a),(_,b) = m.scan(x),m.scan((x+1)%11)
    assert torch.equal(a[2], b[2]) and not torch.equal(a[0], b[0])
    got = m.by_layer(a)
    assert len(got)==3 and all(o.keys()=={'hidden','cell'} and torch.equal(o['hidden'], a[2*k][0]) and torch.equal(o['cell'], a[2*k+1][0]) for k,o in enumerate(got))
    layer,inp = LSTM(3, 4),torch.randn(2, 5, 3)
    out = DropConnect(layer, 1.)(inp)[0]
    with torch.no_grad(): layer.cells[0].hh.weight.zero_()
    assert torch.equal(out, layer(inp)[0])

@pytest.mark.parametrize('cls', [AWDLSTM,BuiltinAWDLSTM])
def test_every_digit_is_taken_over(cls):
    "Into a model of less precision too; and nothing is drawn for it"
    ref = AWD_LSTM(11, 6, 8, 2).double()
    with torch.no_grad():
        for p in ref.parameters(): p += 1e-12
    m,state = cls(11, 6, 8, 2),torch.get_rng_state()
    m.load_fastai(ref)
    assert torch.equal(state, torch.get_rng_state()) and torch.equal(m.i_h.weight, ref.encoder.weight)
    for ours,theirs in zip(m.rnns, ref.rnns):
        got = ours.layer.weight_ih_l0 if cls is BuiltinAWDLSTM else ours.layer.cells[0].ih.weight
        assert torch.equal(got, theirs.module.weight_ih_l0 if cls is BuiltinAWDLSTM else LSTM._reorder(theirs.module.weight_ih_l0))

# what each dropout hides

@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(2, 5), st.integers(1, 30), st.floats(0.05, 0.95), st.integers(0, 999))
def test_locked(bs, sl, n, p, seed):
    "The same activations at every step of a row; zero or divided by `1-p`; with the random state of fastai's `RNNDropout`, its very mask"
    x = torch.ones(bs, sl, n)
    torch.manual_seed(seed); out = LockedDropout(p)(x)
    assert (out==out[:,:1]).all()
    torch.testing.assert_close(out[out!=0], torch.full_like(out[out!=0], 1/(1-p)))
    torch.manual_seed(seed)
    assert torch.equal(out, RNNDropout(p)(x))
    assert LockedDropout(p).eval()(x) is x and LockedDropout(0.)(x) is x and not LockedDropout(1.)(x).any()

def test_locked_rows_differ_and_batches_differ():
    torch.manual_seed(0)
    drop,x = LockedDropout(0.5),torch.ones(2, 3, 64)
    a,b = drop(x),drop(x)
    assert not torch.equal(a[0], a[1]) and not torch.equal(a, b)
    assert abs((a==0).float().mean()-0.5)<0.15

def test_whole_words():
    "Rows of the matrix, everywhere in the batch; the gradient of a dropped word is zero"
    torch.manual_seed(0)
    w = torch.ones(400, 3, requires_grad=True)
    out = EmbedDropout(0.3)(w)
    gone = out[:,0]==0
    assert (out==out[:,:1]).all() and abs(gone.float().mean()-0.3)<0.07
    torch.testing.assert_close(out[~gone], torch.full_like(out[~gone], 1/0.7))
    out.sum().backward()
    assert not w.grad[gone].any() and w.grad[~gone].all()
    assert EmbedDropout(0.3).eval()(w) is w

@pytest.mark.parametrize('layer', [LSTM(5, 6, 2), GRU(5, 6), RNN(5, 6), nn.LSTM(5, 6, 2, batch_first=True), nn.GRU(5, 6, batch_first=True)])
def test_weights_are_dropped_once_a_batch(layer):
    "As if the layer had the thinned-out weights, for all steps and rows; the layer's own weights stay whole, and get the gradients"
    torch.manual_seed(0)
    m,x,used = DropConnect(copy.deepcopy(layer), 0.4),torch.randn(3, 7, 5),[]
    drop = m._drop
    m._drop = lambda w: used.append(drop(w)) or used[-1]
    out,_ = m(x)
    thin = copy.deepcopy(layer)
    with torch.no_grad():
        for k,w in zip(m.names, used): thin.get_parameter(k).copy_(w)
    torch.testing.assert_close(out, thin(x)[0])
    out.pow(2).sum().backward()
    for k,w in zip(m.names, used):
        p = m.layer.get_parameter(k)
        assert torch.equal(p, layer.get_parameter(k)) and not p.grad[w==0].any() and p.grad[w!=0].all()
        assert 0.2<(w==0).float().mean()<0.6
        torch.testing.assert_close(w[w!=0], p[w!=0]/0.6)
    assert not torch.equal(m(x)[0], out)  # another batch, another mask
    torch.testing.assert_close(m.eval()(x)[0], layer(x)[0], rtol=0, atol=0)

def test_same_weights_dropped_as_of_the_built_in():
    ref,outs = nn.LSTM(5, 6, batch_first=True),[]
    for layer in (ref,LSTM.from_torch(ref)):
        torch.manual_seed(1)
        outs.append(DropConnect(layer, 0.5)(torch.ones(2, 4, 5))[0])
    torch.testing.assert_close(*outs)

def test_extreme_probabilities():
    "With p = 1 nothing is left, and nothing is NaN; fastai's mask is"
    assert dropout_mask(torch.ones(3), (3,), 1.).isnan().all()
    m = AWDLSTMModel(11, 4, 2, embed_p=1., weight_p=1., hidden_p=1., input_p=1., output_p=1.)
    out = m(torch.randint(0, 11, (2,3)))
    assert all(o.isfinite().all() for o in out) and not out[2].any()
    sum(o.sum() for o in out).backward()
    assert all(p.grad.isfinite().all() for p in m.parameters())

# the model

def test_tied():
    "One matrix, that stays one through steps, moves, copies and loads"
    m = AWDLSTMModel(30, 8, 2)
    ids = lambda m: m.decoder.h_o.weight is m.encoder.i_h.weight
    assert ids(m) and ids(copy.deepcopy(m)) and ids(pickle.loads(pickle.dumps(m))) and ids(m.double()) and ids(m.load_fastai(fastai_lm(30, 8, 8)))
    n = sum(p.numel() for p in m.parameters())
    assert n==30*8 + 30 + 2*(2*4*8*8 + 2*4*8)
    w = m.encoder.i_h.weight.detach().clone()
    m(torch.randint(0, 30, (2,3)))[0].logsumexp(-1).sum().backward()
    torch.optim.SGD(m.parameters(), 0.1).step()
    assert not torch.equal(w, m.decoder.h_o.weight)

def test_starts_as_the_paper_says():
    torch.manual_seed(0)
    m = AWDLSTMModel(200, 64, 2, emb_sz=32)
    assert 0.09<m.encoder.i_h.weight.abs().max()<=0.1 and not m.decoder.h_o.bias.any()
    for o,nh in zip(m.encoder.rnns, (64,32)):
        for p in o.parameters(): assert 0.9*nh**-0.5<p.abs().max()<=nh**-0.5
    assert 1.6<AWDLSTMModel(200, 64, 2, init_range=1.7).encoder.i_h.weight.abs().max()<=1.7

@settings(max_examples=12)
@given(st.integers(1, 3), st.integers(1, 4), st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_state_goes_on(n_layers, bs, lens):
    torch.manual_seed(0)
    m,x = AWDLSTMModel(11, 5, n_layers, emb_sz=4).double().eval(),torch.randint(0, 11, (bs,sum(lens)))
    whole = m(x)[0]
    m.reset()
    torch.testing.assert_close(torch.cat([m(o)[0] for o in x.split(lens, 1)], 1), whole)
    with pytest.raises(ValueError, match=r'call `reset\(\)`'): m(torch.cat([x,x]))
    m.reset()
    assert m(torch.cat([x,x]))[0].shape==(2*bs,sum(lens),11)

def test_gradients_end_with_the_batch():
    m,x = AWDLSTMModel(11, 5, 2),torch.randint(0, 11, (2,3))
    for _ in range(2): m(x)[0].sum().backward()  # into a batch that was freed would be an error
    assert not any(o.requires_grad for o in m.encoder.h)

def saved(m):
    f = io.BytesIO()
    torch.save(m, f)
    return torch.load(io.BytesIO(f.getvalue()), weights_only=False)

@pytest.mark.parametrize('copied', [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), saved])
def test_copies(copied):
    torch.manual_seed(0)
    m,x = AWDLSTMModel(11, 5, 2),torch.randint(0, 11, (2,3))
    m.eval()
    want = m(x)
    other = copied(m)
    assert other.encoder.h is None and m.encoder.h is not None
    for a,b in zip(other(x), want): torch.testing.assert_close(a, b, rtol=0, atol=0)

def test_state_dict():
    m,other = AWDLSTMModel(11, 5, 2).eval(),AWDLSTMModel(11, 5, 2).eval()
    other.load_state_dict(m.state_dict())
    x = torch.randint(0, 11, (2,3))
    torch.testing.assert_close(m(x)[0], other(x)[0], rtol=0, atol=0)
    assert not [k for k in m.state_dict() if 'raw' in k]

def test_text_learner(tmp_path):
    "`TextLearner` trains it with AR and TAR, saves and loads it, and gives its predictions"
    from fastai.data.core import DataLoaders
    from fastai.losses import CrossEntropyLossFlat
    from fastai.metrics import accuracy
    from fastai.text.learner import TextLearner
    from human_lm.training.sequences import FlatSeqs
    from human_lm.stateful import group_chunks
    torch.manual_seed(0)
    ds = group_chunks(FlatSeqs(torch.arange(600)%10, sl=5), 4)
    dls = DataLoaders.from_dsets(ds, ds, bs=4, shuffle=False, drop_last=True, num_workers=0)
    learn = TextLearner(dls, AWDLSTMModel(10, 16, 2, 0.2, init_range=1.), loss_func=CrossEntropyLossFlat(), metrics=accuracy, path=tmp_path)
    with learn.no_bar(), learn.no_logging():
        learn.fit(4, 1e-2)
        first,last = learn.recorder.values[0],learn.recorder.values[-1]
        assert last[1]<first[1] and last[2]>0.8
        learn.save('m')
        loss = learn.validate()[0]
        nn.init.zeros_(learn.model.encoder.i_h.weight)
        assert learn.validate()[0]!=loss
        learn.load('m')
        assert learn.validate()[0]==loss
        assert learn.get_preds()[0].shape[-1]==10
    assert (learn.rnn.raw_out.shape,learn.rnn.out.shape)==((4,5,16),)*2

def test_learner_is_that_of_LMModel7():
    "The chapter's size and batches, the weight decay on all parameters; a seed gives a model"
    run = recipe('AWD-LSTM')
    run = replace(run, sizes={**run.sizes, 'drop_mult':0.5, 'input_p':0.1})
    a,b = run.learner(3),run.learner(3)
    assert isinstance(a.model, AWDLSTMModel) and a.wd_bn_bias
    assert (a.model.encoder.input_drop.p, a.model.decoder.drop.p)==(0.05,0.05)
    assert (a.model.encoder.i_h.weight.shape, len(a.model.encoder.rnns), a.model.encoder.rnns[0].layer.hidden_size)==((30,64),2,64)
    for p,q in zip(a.model.parameters(), b.model.parameters()): assert torch.equal(p, q)
    assert a.dls.bs==64

# bad input

@pytest.mark.parametrize('name', ['embed_p','input_p','weight_p','hidden_p','output_p'])
@pytest.mark.parametrize('p', [-0.1,1.1,float('nan'),True,'0.5',None])
def test_no_probability(name, p):
    with pytest.raises(ValueError, match=f'`{name}` must lie between 0 and 1'): AWDLSTMModel(11, 5, 2, **{name:p})

@pytest.mark.parametrize('f,match', [
    (lambda: AWDLSTMModel(11, 5, 2, 5), r'`input_p × drop_mult` must lie between 0 and 1, got 1.25'), (lambda: AWDLSTMModel(11, 5, 2, -1), '`drop_mult` must be'),
    (lambda: AWDLSTMModel(11, 5, 2, None), '`drop_mult`'), (lambda: AWDLSTMModel(11, 5, 2, float('nan')), '`drop_mult`'), (lambda: AWDLSTM(11, 4, 5, 2, weight_p=2), '`weight_p`'),
    (lambda: AWDLSTMModel(11, 5, 0), '`n_layers`'), (lambda: AWDLSTMModel(11, 5, 2, emb_sz=0), '`emb_sz`'), (lambda: AWDLSTMModel(11, 5, 2, pad_token=11), '0 to 10'),
    (lambda: AWDLSTMModel(11, 5, 2, init_range=0), '`init_range`'), (lambda: DropConnect(nn.Linear(3, 4), 0.1), 'a Linear has no weights from state to state'),
    (lambda: LockedDropout(1.5), 'between 0 and 1'), (lambda: AWDLSTMModel(11, 5, 2)(torch.zeros(3).long()), '`bs × sl`'), (lambda: AWDLSTMModel(11, 5, 2)(torch.zeros(2, 3)), 'token indices')])
def test_bad_input(f, match):
    with pytest.raises(ValueError, match=match): f()

# pictures

def crossed(pic): return sum(o.get_color()=='#D55E00' and len(o.get_xdata())==2 for o in pic.fig.axes[0].lines)//2

@pytest.mark.parametrize('p,share', [(0,0), (1,1)])
def test_masks_are_drawn(p, share):
    assert crossed(draw_locked(2, 3, 4, p))==2*24*share
    assert crossed(draw_dropped_weights(3, p))==36*share
    assert ('Nothing' in draw_dropped_words(['a','b','a'], p).alt)==(not share)

def test_drawing_leaves_the_random_state():
    state = torch.get_rng_state()
    draw_locked(); draw_dropped_weights(); draw_dropped_words(['a','b'])
    assert torch.equal(state, torch.get_rng_state())

def test_model_is_drawn():
    pic = draw_awd_lstm(AWDLSTMModel(30, 8, 3, 0.5))
    assert 'they share a matrix' in pic.alt and 'input dropout (numbers of the embedded words, p = 0.125)' in pic.alt
    assert sum(o.get_text()=='4' for o in pic.fig.axes[0].texts)==3  # two bars and the line below
    with pytest.raises(ValueError, match='LMModel7'): draw_awd_lstm(LMModel7(30, 8, 2, 0.4))
