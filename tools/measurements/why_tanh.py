"""Why plain layers with tanh do worse than with ReLU on this text: one and two layers, and controls that change one
thing at a time (range, shape, start); accuracy on both texts, gradients over steps back, size of the state. Read in
nbs/03_multilayer.ipynb."""
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from human_lm.runs.recipes import chapter_corpus,recipe,validation_rows
from side_by_side import SideBySide

far = 64  # tokens to read when gradients are looked at
steps = (1,3,7,15,31,63)  # back from the last; training sees 15

def wide_tanh(x): return 8*torch.tanh(x/8)
def hard_tanh(x): return F.hardtanh(x)
def wide_hard_tanh(x): return F.hardtanh(x, -8., 8.)
def clipped_relu(x): return x.clamp(0., 1.)
def wide_clipped_relu(x): return x.clamp(0., 8.)

acts = {'tanh':torch.tanh, 'ReLU':F.relu, 'ReLU up to 1':clipped_relu, 'ReLU up to 8':wide_clipped_relu,
        'tanh from -8 to 8':wide_tanh, 'straight from -1 to 1':hard_tanh, 'straight from -8 to 8':wide_hard_tanh}
kinds = {  # nonlinearity, layers, what the weights from state to state start as
    'tanh, 1 layer':('tanh',1,None), 'tanh, 2 layers':('tanh',2,None),
    'ReLU, 1 layer':('ReLU',1,None), 'ReLU, 2 layers':('ReLU',2,None),
    **{f'{o}, 1 layer':(o,1,None) for o in list(acts)[2:]},
    'tanh, 1 layer, identity':('tanh',1,'identity'),
    'tanh, 1 layer, orthogonal':('tanh',1,'orthogonal'), 'ReLU, 1 layer, orthogonal':('ReLU',1,'orthogonal'),
}

def change(model, act, start):
    "Another nonlinearity, and another start of the weights from state to state"
    model.act = acts[act]
    with torch.no_grad():
        for k in range(model.rnn.num_layers):
            w = getattr(model.rnn, f'weight_hh_l{k}')
            if start=='identity': w.copy_(torch.eye(64))
            if start=='orthogonal': nn.init.orthogonal_(w)

def recipe_of(kind):
    "LMModel5's run with a nonlinearity, layers and a start of `kind`"
    act,n_layers,start = kinds[kind]
    return replace(recipe('LMModel5'), after=(), sizes=dict(n_hidden=64, n_layers=n_layers),
                   init=partial(change, act=act, start=start))

def walk(many, x):
    "Top layer of each run while it reads the rows `x`: what goes into its nonlinearity, and its states, token by token"
    n,ps,before,states = len(many.models),many.ps,[],[]
    h = [torch.zeros(n, len(x), 64, requires_grad=True) for _ in range(many.model.rnn.num_layers)]
    for w in x.T:
        inp = ps['i_h.weight'][:,w]
        for k in range(len(h)):
            wi,bi,wh,bh = (ps[f'rnn.{o}_l{k}'] for o in ('weight_ih','bias_ih','weight_hh','bias_hh'))
            g = torch.baddbmm(bi[:,None], inp, wi.mT) + torch.baddbmm(bh[:,None], h[k], wh.mT)
            h[k] = inp = many.act(g)
        before.append(g)
        states.append(inp)
    return before, states

def look(many):
    "Of each run, on validation rows: gradient of the last token's loss by steps back, flat activations, size of states"
    stream,(starts,_) = chapter_corpus()[1],validation_rows()
    rows = stream[torch.tensor(starts)[:,None]+torch.arange(far+1)].long()
    before,states = walk(many, rows[:,:-1])
    scores = torch.baddbmm(many.ps['h_o.bias'][:,None], states[-1], many.ps['h_o.weight'].mT)
    targ = rows[:,-1].repeat(len(many.models))
    loss = F.cross_entropy(scores.flatten(0, 1), targ, reduction='sum')  # the rows do not meet
    grads = torch.autograd.grad(loss, states[::-1])
    length = torch.stack([g.norm(dim=-1).mean(-1) for g in grads], 1)  # runs × steps back
    g = torch.stack(before[16:], 1).detach().requires_grad_()
    h = many.act(g)
    slope, = torch.autograd.grad(h.sum(), g)
    return dict(gradient=[[float(f'{v:.3g}') for v in o] for o in (length/length[:,:1]).tolist()],
                flat=[round(v, 4) for v in (slope<0.1).float().flatten(1).mean(1).tolist()],
                length=[round(v, 3) for v in h.norm(dim=-1).flatten(1).mean(1).tolist()],
                largest=[round(v, 3) for v in h.abs().flatten(1).amax(1).tolist()])

def run(kind, n_seeds):
    "Train `kind` from each seed"
    many = SideBySide(recipe_of(kind), range(n_seeds))
    before,dls = look(many),many.recipe.dls(fast=True)
    accs = many.fit(dls)
    train = many.accuracy(list(dls.train))
    return dict(accuracy=accs, train_accuracy=train, before=before, after=look(many), places=places(many, dls.valid))

place_names = ('number of thousands','thousand','number of hundreds','hundred','the rest','separator')

@torch.no_grad()
def places(many, dl):
    "Accuracy of each run by what the target is in its number"
    vocab = chapter_corpus()[0]
    xs,ys = (torch.cat(o, dim=1) for o in zip(*dl))
    many.reset()
    hits = many(xs)[0].argmax(-1)==ys.T
    many.reset()
    words = {'.':5, 'thousand':1, 'hundred':3}
    digits = set('one two three four five six seven eight nine'.split())
    kind = torch.full(ys.T.shape, 4)
    for j,row in enumerate(ys.tolist()):
        for i,w in enumerate(vocab.decode(row)):
            nxt = vocab[row[i+1]] if i+1<len(row) else None
            if w in words: kind[i,j] = words[w]
            elif w in digits and nxt=='thousand': kind[i,j] = 0
            elif w in digits and nxt=='hundred': kind[i,j] = 2
    return {name: [round(o, 4) for o in hits[:,kind==i].float().mean(1).tolist()] for i,name in enumerate(place_names)}

def tasks(n_seeds=None):
    longest = sorted(kinds, key=lambda o: kinds[o][1], reverse=True)
    return {k: (run, dict(kind=k, n_seeds=n_seeds or 5)) for k in longest}

def short(o):
    "What `look` gave, with the gradients of every run `steps` back only, and all of their geometric mean"
    runs = torch.tensor(o['gradient']).clamp(min=1e-30)
    mean = runs.log().mean(0).exp().tolist()
    return {**o, 'gradient':[[g[i] for i in steps] for g in o['gradient']],
            'mean_gradient':[float(f'{v:.3g}') for v in mean]}

def result(done):
    r = recipe('LMModel5')
    return dict(n_epoch=r.n_epoch, lr=r.lr, steps_back=list(steps),
                kinds={k: {**done[k], **{when:short(done[k][when]) for when in ('before','after')}} for k in kinds})
