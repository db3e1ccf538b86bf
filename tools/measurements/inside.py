"""What is inside LMModel4 to LMModel7 over several seeds: gradients within the sixteen steps that training sees and
further back, gates by word over many rows, and the mistakes on the validation text by their place in the number. Read
in nbs/24_pictures.trained.ipynb."""
import torch

from human_lm.data import corpus_files,spell
from human_lm.pictures.trained import predictions,step_norms
from human_lm.runs.reader import reference_reader
from human_lm.runs.recipes import chapter_corpus,recipe,validation_rows

steps = (1,3,7,15,31,63)  # steps back from the last token; training sees 15

def tokens_of_numbers():
    "For every token of the stream: its number, which part of it it is, and whether that differs from the number before"
    res = []
    for n in [o for r in corpus_files.values() for o in r]:
        words = [*spell(n).split(), '.']
        for i,w in enumerate(words):
            nxt = words[i+1] if i+1<len(words) else ''
            if w in ('.','thousand','hundred'): part,new = w,False
            elif nxt=='thousand': part,new = 'thousands',n%1000==0
            elif nxt=='hundred':  part,new = 'hundreds',n%100==0
            elif w.endswith('ty'): part,new = 'tens',n%10==0
            else: part,new = 'ones',True
            res.append((n, part, new))
    return res[:-1]

def gradients(model, rows):
    "Gradient of the last token's loss `steps` back, as a share of that at the last token: top layer, hidden state"
    _,g = step_norms(model, rows[:,:64], rows[:,64])['hidden']
    g = g[-1]
    return [float(f'{(g[-1-k]/g[-1]).item():.3g}') for k in steps]

@torch.no_grad()
def gates(model, rows, vocab):
    "Mean opening of each gate by kind of word, each layer, over all rows from their 17th token on"
    res,inp = [],model.i_h(rows)
    kind = torch.full((len(vocab),), 3)
    for i,w in enumerate(('.','thousand','hundred')): kind[vocab.w2i[w]] = i
    kind = kind[rows[:,16:]]
    for k in range(model.rnn.num_layers):
        wi,wh,bi,bh = (getattr(model.rnn, f'{o}_l{k}') for o in ('weight_ih','weight_hh','bias_ih','bias_hh'))
        h,c,seen,outs = *inp.new_zeros(2, len(rows), model.rnn.hidden_size),[],[]
        for x in inp.unbind(1):
            i,f,g,o = (x@wi.T + bi + h@wh.T + bh).chunk(4, 1)
            i,f,o = i.sigmoid(),f.sigmoid(),o.sigmoid()
            c = f*c + i*g.tanh()
            h = o*c.tanh()
            seen.append(torch.stack([i.mean(1), f.mean(1), o.mean(1)]))
            outs.append(h)
        inp,seen = torch.stack(outs, 1),torch.stack(seen[16:], 2)  # 3 × rows × tokens
        res.append({gate: {w: round(seen[j][kind==i].mean().item(), 4)
                           for i,w in enumerate(('.','thousand','hundred','other words'))}
                    for j,gate in enumerate(('input','forget','output'))})
    return res

def mistakes(targ, pred):
    "By part of the number, whether it has changed, and thousand: targets and mistakes; and what is said instead"
    (starts,_),vocab,where = validation_rows(),chapter_corpus()[0],tokens_of_numbers()
    count,said = {},{}
    for start,ts,ps in zip(starts, targ.tolist(), pred.tolist()):
        for k,(t,p) in enumerate(zip(ts, ps)):
            n,part,new = where[start+1+k]
            key = 'first six of a row' if k<6 else f"{part}{', new' if new and part!='ones' else ''}; {n//1000},000s"
            o = count.setdefault(key, [0,0])
            o[0] += 1
            o[1] += t!=p
            if t!=p and k>=6:
                key = f'{part}: {vocab[t]} taken for {vocab[p]}'
                said[key] = said.get(key, 0)+1
    return dict(count=dict(sorted(count.items())), said=dict(sorted(said.items(), key=lambda o: -o[1])[:12]))

def run(name, seed):
    "Train `name` from `seed` as the chapter does, and look at it before and after"
    (vocab,stream),(starts,length),plan = chapter_corpus(),validation_rows(),recipe(name)
    rows = stream[torch.tensor(starts)[:,None]+torch.arange(length)].long()
    learn = plan.learner(seed, fast=True)
    res = dict(gradient_before=gradients(learn.model, rows))
    with learn.no_bar(), learn.no_logging(): plan.fit(learn)
    model = learn.model.eval()
    targ,pred = predictions(model, learn.dls.valid)
    hits = (targ==pred).float()
    res.update(accuracy=hits.mean().item(), gradient_after=gradients(model, rows),
               by_place=[round(o, 4) for o in hits.mean(0)[:64].tolist()],
               after_16=hits[:,16:].mean().item(), **mistakes(targ, pred))
    if name in ('LMModel6','LMModel7'): res.update(gates=gates(model, rows, vocab))
    return res

def tasks(n_seeds=None):
    return {f'{name} {seed}': (run, dict(name=name, seed=seed))
            for name in ('LMModel7','LMModel6','LMModel5','LMModel4') for seed in range(n_seeds or 5)}

def result(done):
    res = {}
    for k,v in done.items(): res.setdefault(k.split()[0], []).append(v)
    reader = reference_reader(chapter_corpus()[1], *validation_rows()).mean(0)
    return dict(steps_back=list(steps), reader_by_place=[round(float(o), 4) for o in reader[:64]], models=res)
