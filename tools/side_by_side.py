"""Many runs of one model at once, side by side in one tensor: the same training as one after another, in a fraction
of the time.

The weights of the runs are stacked, every product is one for all of them, and each run has a rate of its own. Nothing
passes from one run to another: the loss is the sum of theirs, and Adam moves every number by itself. Not a
measurement; others use it."""
import torch
import torch.nn.functional as F
from fastai.torch_core import norm_bias_params

from human_lm.lstm import LMModel6
from human_lm.multilayer import LMModel5
from human_lm.regularize import LMModel7
from human_lm.stateful import KeepsState,LMModel4
from human_lm.training.learner import keep_freed,up_and_down

def _linear(x, w, b): return torch.baddbmm(b[:,None], x, w.mT)  # runs × rows × …

def lstm_cell(i, f, new, o, c):
    "Output and cell state from the four gates, before their nonlinearities, and from the last cell state"
    c = f.sigmoid()*c + i.sigmoid()*new.tanh()
    return o.sigmoid()*c.tanh(), c

class SideBySide:
    "Runs of a `Recipe`, one for each of `seeds`; its model may name another nonlinearity `act`, or another `cell`"
    def __init__(self, recipe, seeds):
        self.recipe,self.models = recipe,[]
        for seed in seeds:
            recipe.start(seed)
            self.models.append(recipe.model())
        m = self.model = self.models[0]
        weights = [dict(o.named_parameters()) for o in self.models]
        self.ps = {k: torch.stack([o[k].detach() for o in weights]).requires_grad_() for k in weights[0]}
        exempt = {id(o) for o in norm_bias_params(m)} if not recipe.wd_biases else ()  # fastai does not decay biases
        self.decays = {k for k,p in m.named_parameters() if id(p) not in exempt}
        self.keeps,self.text = isinstance(m, KeepsState),isinstance(m, LMModel7)
        self.every = isinstance(m, (LMModel4,LMModel5))
        self.act = getattr(m, 'act', torch.tanh if getattr(getattr(m, 'rnn', None), 'mode', '')=='RNN_TANH' else F.relu)
        self.cell = getattr(m, 'cell', lstm_cell)
        self.h = None

    def reset(self): self.h = None

    def _layer(self, k, x, h, c):
        "Layer `k` over all steps of `x`, runs × steps × rows × inputs"
        wi,bi,wh,bh = (self.ps[f'rnn.{o}_l{k}'] for o in ('weight_ih','bias_ih','weight_hh','bias_hh'))
        n,steps,rows,_ = x.shape
        gates_in,outs = _linear(x.flatten(1, 2), wi, bi).unflatten(1, (steps,rows)),[]
        for t in range(steps):
            g = gates_in[:,t] + _linear(h, wh, bh)
            if c is None: h = self.act(g)
            else: h,c = self.cell(*g.chunk(4, -1), c)
            outs.append(h)
        return torch.stack(outs, 1), h, c

    def __call__(self, x, training=False):
        "Scores, runs × steps × rows × tokens, activations before and after dropout; LMModel2 and LMModel3: one step"
        ps,n = self.ps,len(self.models)
        rows,steps = x.shape
        one_hot = F.one_hot(x.T, ps['i_h.weight'].shape[1]).to(ps['i_h.weight'])
        emb = (one_hot.flatten(0, 1).expand(n, -1, -1) @ ps['i_h.weight']).unflatten(1, (steps,rows))
        nh,raw = emb.shape[-1],None
        if 'h_h.weight' in ps:
            h,outs = emb.new_zeros(n, rows, nh) if self.h is None else self.h,[]
            for t in range(steps):
                h = self.act(_linear(h+emb[:,t], ps['h_h.weight'], ps['h_h.bias']))
                outs.append(h)
            out = torch.stack(outs, 1) if self.every else h[:,None]
            if self.keeps: self.h = h.detach()
        else:
            out,kept = emb,[]
            for k in range(self.model.rnn.num_layers):
                zero = emb.new_zeros(n, rows, nh)
                h,c = self.h[k] if self.h else (zero, zero if isinstance(self.model, LMModel6) else None)
                out,h,c = self._layer(k, out, h, c)
                kept.append((h.detach(), None if c is None else c.detach()))
            self.h = kept
            raw = out
            if self.text and training: out = F.dropout(out, self.model.drop.p)
        w = ps['i_h.weight' if self.text else 'h_o.weight']  # LMModel7 uses one matrix twice
        return _linear(out.flatten(1, 2), w, ps['h_o.bias']).unflatten(1, (-1,rows)), raw, out

    def fit(self,
        dls, # Data loaders
        lrs=None, # Largest rate of each run; that of the recipe if None
        each=None, # Called with the number of the batch after each
        n_epoch=None, # Stop after so many epochs; those of the recipe if None
    ): # Accuracy of each run on the validation part of `dls`, after the last epoch
        "fastai's `fit_one_cycle`, as the recipe says"
        keep_freed()
        r,batches,k = self.recipe,[list(dl) for dl in dls],0
        n,wd = r.n_epoch*len(batches[0]),0.01 if r.wd is None else r.wd
        lr,mom = up_and_down(0.25, 1/25, 1., 1e-5),up_and_down(0.25, *r.moms)
        top = torch.tensor(lrs or [r.lr]*len(self.models))
        avgs = {o: (torch.zeros_like(p), torch.zeros_like(p)) for o,p in self.ps.items()}
        for epoch in range(n_epoch or r.n_epoch):
            self.reset()
            for x,y in batches[0]:
                out,raw,dropped = self(x, training=True)
                loss = F.cross_entropy(out.flatten(0, 2), self._targets(y).flatten(), reduction='sum')/y.numel()
                if r.alpha is not None:
                    runs = len(self.models)  # a mean of each run
                    loss = loss + r.alpha*runs*dropped.pow(2).mean() + r.beta*runs*(raw[:,1:]-raw[:,:-1]).pow(2).mean()
                loss.backward()
                self._step(lr(k/n)*top, mom(k/n), wd, avgs, k+1)
                k += 1
                if each: each(k)
        return self.accuracy(batches[1])

    def _targets(self, y): return (y.T if y.ndim==2 else y[None]).expand(len(self.models), -1, -1)

    @torch.no_grad()
    def _step(self, lr, b1, wd, avgs, k):
        for o,p in self.ps.items():
            (m,v),g,rate = avgs[o],p.grad,lr.view(-1, *[1]*(p.ndim-1))
            if o in self.decays: p.mul_(1-rate*wd)
            m.lerp_(g, 1-b1)
            v.mul_(0.99).addcmul_(g, g, value=0.01)
            p.sub_((v/(1-0.99**k)).sqrt_().add_(1e-5).reciprocal_().mul_(m).mul_(rate/(1-b1**k)))
            p.grad = None

    @torch.no_grad()
    def accuracy(self, batches):
        "Share of right answers of each run"
        self.reset()
        hits = [(self(x)[0].argmax(-1)==self._targets(y)).flatten(1).float().mean(1)*len(x) for x,y in batches]
        self.reset()
        return (sum(hits)/sum(len(x) for x,_ in batches)).tolist()

    def unstack(self):
        "The models, each with its weights"
        for i,m in enumerate(self.models):
            with torch.no_grad():
                for k,p in m.named_parameters(): p.copy_(self.ps[k][i])
        return self.models
