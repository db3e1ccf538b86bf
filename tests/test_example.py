"The example's parts, each on something that can be counted by hand"
import math
from types import SimpleNamespace

import numpy as np
import pytest,torch

from human_lm.all import *
from human_lm.text import example
from human_lm.text.example import *
from human_lm.text.example import example_models,mixed,saved_size
from human_lm.text.ngram import KneserNey
from human_lm.text.own import text_dls,text_learner

pytestmark = pytest.mark.filterwarnings('ignore:the text is small', 'ignore:divide by zero')

ten = 'three four five six seven eight nine ten.'

def module(*paragraphs): return 'x = """'+'\n  \n'.join(paragraphs)+'"""\ny = 1 # """"""\n'

def test_what_is_prose(tmp_path, monkeypatch):
    "Paragraphs of ten words or more that begin and end as sentences do, each once; the eighth file and every eighth after it validate"
    monkeypatch.syspath_prepend(tmp_path)
    for k in range(2):
        (tmp_path/f'prose_{k}'/'tests').mkdir(parents=True)
        (tmp_path/f'prose_{k}'/'__init__.py').touch()
    root = tmp_path/'prose_0'
    no = ['A b '+ten[:-1], 'One '+ten, 'one two '+ten, *(f'One two {o} {ten}' for o in ('>>>','a::','--','\\d','.. '))]
    (root/'a.py').write_text(module('One  two\n   '+ten, *no, 'Zwölf two '+ten, 'One two '+ten)+'"""Two two '+ten+'\n\nOne"""', encoding='utf-8')
    (root/'z.py').write_text(module('One two '+ten, *no, 'Four two '+ten))
    for name in ('c.txt','tests/d.py'): (root/name).write_text(module('Three two '+ten))
    for i in range(17): (tmp_path/'prose_1'/f'{i:02}.py').write_text(module(f'N{i} two '+ten))
    docs = [f'One two {ten}\nZwölf two {ten}\nTwo two {ten}\n', f'Four two {ten}\n', *(f'N{i} two {ten}\n' for i in range(17))]
    assert installed_prose(('prose_0','prose_1'))==([o for i,o in enumerate(docs) if i not in (7,15)], [docs[7],docs[15]])

@pytest.fixture
def prose(monkeypatch):
    res = [f'train {i}' for i in range(13)],['valid']
    monkeypatch.setattr(example, 'installed_prose', lambda: res)
    return res

@pytest.mark.parametrize('tok,most', [('words',3000), ('bpe',1000), ('chars',None)])
def test_loaders(tok, most, prose, monkeypatch):
    calls,(train,valid) = [],prose
    monkeypatch.setattr(example, 'text_dls', lambda *args, **kwargs: calls.append((args, kwargs)))
    example_dls(tok)
    example_dls(tok, 2, 3, True)
    assert calls==[((train,), dict(tok=tok, valid=valid, bs=8, sl=64, max_vocab=most)),
                   (([o for i,o in enumerate(train) if i not in (3,11)],), dict(tok=tok, valid=[train[3],train[11]], bs=2, sl=3, max_vocab=most))]

ids = torch.randint(0, 4, (60,), generator=torch.Generator().manual_seed(0))
counted = SimpleNamespace(train_ds=SimpleNamespace(nums=ids.to(torch.uint8)), valid_ds=SimpleNamespace(nums=ids[:20], n_chars=6), vocab=Vocab('abcd'))

@pytest.mark.parametrize('tok,order', [('words',5), ('bpe',5), ('chars',7)])
def test_counting(tok, order): assert example_counting(counted, tok).tolist()==KneserNey(ids, 4, order).logp(ids[:20])[1:].tolist()

def test_spelling(monkeypatch):
    monkeypatch.setattr(example, 'installed_prose', lambda: (['Ab known bc.','aab'],['bca known','zz']))
    chars = {c:i for i,c in enumerate('\n.abcz')}
    train,valid = ([chars[c] for c in o] for o in ('ab\nbc\n.\naab\n','bca\nzz\n'))
    assert unknown_spelled(Vocab(['known']))==pytest.approx(-KneserNey(train, 6, 5).logp(valid).sum())

def test_perplexities(monkeypatch):
    monkeypatch.setattr(example, 'unknown_spelled', lambda vocab: math.log(8) if vocab is counted.vocab else None)
    logp,want = np.log([0.5,0.25]),dict(token=8**0.5, char=8**(1/6))
    assert example_perplexities(logp, counted, 'bpe')==pytest.approx(want) and example_perplexities(logp, counted, 'words')==pytest.approx({**want, 'char with spelling':2.})

def test_together(): assert mixed(np.log([0.5,1.]), np.log([0.25,0.5])).tolist()==pytest.approx(np.log([0.375,0.75])) and np.exp(mixed(*np.log([[1.],[1.],[0.4]])))==pytest.approx(0.8)

@pytest.fixture(scope='module')
def dls(): return text_dls('the cat sat on the mat . '*20, tok='words', bs=2, sl=4)

@pytest.mark.parametrize('name,cls,made', [
    ('LMModel6', LMModel6, dict(n_hidden=128, n_layers=1)), ('LMModel7', LMModel7, dict(n_hidden=128, n_layers=1, p=0.01)),
    ('AWD-LSTM', BuiltinAWDLSTMModel, dict(n_hidden=128, n_layers=1, drop_mult=0.1, init_range=0.5, emb_sz=None))])
def test_models(name, cls, made, dls):
    learn = example_models[name](dls)
    assert type(learn.model) is cls and {k:learn.model.made_with[k] for k in made}==made and learn.model.made_with['vocab_sz']==len(dls.vocab)
    assert learn.dls is dls and not hasattr(learn, 'rnn_regularizer')
    assert example_models[name](dls, n_hidden=3, n_layers=2).model.made_with=={**learn.model.made_with, 'n_hidden':3, 'n_layers':2}

def test_fastais_model_is_ours(dls):
    "Of the same sizes, with the same dropouts"
    for kw in (dict(), dict(n_hidden=6, n_layers=2, drop_mult=0.5), dict(n_hidden=6, n_layers=3, emb_sz=4)):
        theirs,ours = example_models["fastai's AWD-LSTM"](dls, **kw),example_models['AWD-LSTM'](dls, **kw)
        a,b = BuiltinAWDLSTMModel.from_fastai(theirs.model.cpu()),ours.model
        assert [o.shape for o in a.parameters()]==[o.shape for o in b.parameters()]
        ps = [[o.p for o in m.modules() if hasattr(o, 'p')] for m in (a,b)]
        assert ps[0]==pytest.approx(ps[1]) and not hasattr(theirs, 'rnn_regularizer') and [o.name for o in theirs.metrics]==['accuracy','perplexity'] and theirs.dls is dls
        assert theirs.model[1].output_dp.p==pytest.approx(b.decoder.drop.p)

def test_how_they_are_trained():
    calls = []
    learn = SimpleNamespace(fit_one_cycle=lambda *args, **kwargs: calls.append((args, kwargs)))
    example_fit(learn)
    example_fit(learn, 3, 0.5)
    assert calls==[((n,lr), dict(pct_start=0.1, wd=0.1)) for n,lr in ((2,2e-2), (3,0.5))]

@pytest.mark.parametrize('make', [lambda: LMModel6(4, 3, 1), lambda: LMModel7(4, 3, 1, 0.5)])
def test_what_a_network_expects(make):
    torch.manual_seed(0)
    m = make()
    m(ids[None])
    for sl in (512,7,58,59):
        got = example_logp(m, ids, sl) if sl!=512 else example_logp(m, ids)
        assert not m.training and got.dtype==np.float64
        m.eval().reset()
        scores = m(ids[None])
        want = (scores[0] if isinstance(scores, tuple) else scores)[0].log_softmax(-1)[range(59),ids[1:]]
        np.testing.assert_allclose(got, want.detach().numpy(), rtol=1e-5)
        m.train()

def test_size_of_a_file(dls, tmp_path):
    learn = text_learner(dls, LMModel4(len(dls.vocab), 3))
    save_lm(learn, tmp_path/'m')
    assert saved_size(learn)==(tmp_path/'m').stat().st_size

@pytest.mark.parametrize('name', ['tiny',"fastai's tiny"])
@pytest.mark.parametrize('n', [49,120])
def test_a_run(name, n, dls, monkeypatch):
    seen,made = [],[]
    def build(dls, **kwargs):
        seen.append((torch.initial_seed(), kwargs))
        made.append(text_learner(dls, LMModel4(len(dls.vocab), 3)))
        return made[-1]
    def fit(learn, *args):
        seen.append(args)
        learn.recorder.losses,learn.recorder.values = [torch.tensor(i/7) for i in range(n)],[[0.1,0.23456,0.3]]*2
    def loaders(*args):
        seen.append(args)
        return dls
    for k,o in dict(example_models={name:build}, example_fit=fit, example_dls=loaders, time=SimpleNamespace(process_time=iter([5.,7.26,1.,1.5]).__next__), unknown_spelled=lambda vocab: 9.).items(): monkeypatch.setattr(example, k, o)
    count = example_counting(dls, 'words')
    assert example_run('counting', 'words')==example_perplexities(count, dls, 'words') and seen.pop() == ('words',8,64,False)
    got = example_run(name, 'words')
    logp,each = example_logp(made[0].model, dls.valid_ds.nums.long()),2 if n==120 else 1
    both = example_perplexities(mixed(logp, count), dls, 'words')['char']
    assert got=={**example_perplexities(logp, dls, 'words'), 'seconds':2.3, 'n_batches':n, 'mixed':both, 'train':[round(i/7, 3) for i in range(n)][each-1::each], 'valid':[0.2346]*2,
                 'n_params':sum(o.numel() for o in made[0].model.parameters()), 'bytes':None if name!='tiny' else saved_size(made[0])}
    example_run(name, 'words', 3, True, 4, 5, 6, 0.7, n_hidden=9)
    assert seen==[('words',8,64,False), (0,{}), (2,2e-2), ('words',4,5,True), (3,dict(n_hidden=9)), (6,0.7)]
