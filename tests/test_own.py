"A text of one's own: reading, tokens, rare and unknown ones, loaders and a learner"
import warnings
from pathlib import Path

import pytest,torch
from hypothesis import given, strategies as st

from conftest import says
from human_lm.all import *
from human_lm.text import own
from human_lm.text.own import _documents,_fit_sizes,_Numbers,_pieces,_Source,_spread,text_dls,text_learner,char_perplexity

pytestmark = pytest.mark.filterwarnings('ignore:the text is small')

def test_sources_say_the_same(tmp_path):
    path = tmp_path/'t.txt'
    path.write_bytes(b'\xef\xbb\xbfOne two')  # with the mark that some editors put first
    want = ['one','two']
    assert read_tokens('One two')==read_tokens(b'One two')==read_tokens(path)==want
    assert read_text(path)==read_text(str(path))=='One two'
    assert read_tokens(['One two',path,b'One two'])==['xxbos',*want]*3
    assert read_tokens(o for o in ('One two',))==['xxbos',*want]

def test_documents_of_fastai_begin_once():
    from fastai.text.core import TokenizeWithRules, WordTokenizer
    got = read_tokens(['Go on!','Stop'], TokenizeWithRules(WordTokenizer()))
    assert got==['xxbos','xxmaj','go','on','!','xxbos','xxmaj','stop']

@pytest.mark.parametrize('source,error,match', [
    ('', ValueError, 'the text is empty'), (' \n\t', ValueError, 'the text is empty'), (b'', ValueError, 'the text is empty'), ([], ValueError, 'list of documents is empty'),
    (b'caf\xe9', ValueError, 'not UTF-8: byte 3 is 0xe9'), (['a',' '], ValueError, 'document 1: the text is empty'),
    (['a',b'\xff'], ValueError, 'document 1 is not UTF-8: byte 0'), ([['a']], TypeError, 'document 0 must be a text.*list'), ([3], TypeError, 'document 0.*int')])
def test_bad_sources(source, error, match):
    with pytest.raises(error, match=match): read_tokens(source)

def test_bad_files(tmp_path):
    path = tmp_path/'t.txt'
    path.write_bytes('café'.encode('latin-1'))
    with pytest.raises(ValueError, match='t.txt is not UTF-8: byte 3 is 0xe9'): read_tokens(path)
    path.write_bytes(b'')
    with pytest.raises(ValueError, match='t.txt is empty'): read_tokens(path)
    with pytest.raises(ValueError, match='t.txt is empty'): read_tokens(tmp_path)
    with pytest.raises(IsADirectoryError, match='is a folder'): read_tokens(['a',tmp_path])
    with pytest.raises(ValueError, match="is the name of a file or folder: pass Path"): read_tokens(str(path))
    path.unlink()
    with pytest.raises(ValueError, match='no text file'): read_tokens(tmp_path)
    with pytest.raises(FileNotFoundError, match='no.txt'): read_tokens(tmp_path/'no.txt')

@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 60), st.sampled_from([0.5,0.6,0.8]))
def test_loaders(bs, sl, extra, pct):
    "Rows go on from batch to batch, targets are the next token, and both parts keep to their own side of the cut"
    toks = [str(i) for i in range(int((bs*sl+2)/(1-pct))+1+extra)]
    dls = text_dls(toks, Vocab(toks), bs=bs, sl=sl, pct=pct)
    cut = int(len(toks)*pct)
    for dl,lo,hi in ((dls.train,0,cut), (dls.valid,cut,len(toks))):
        batches = [(x.cpu(),y.cpu()) for x,y in dl]
        assert batches and all(x.shape==y.shape==(bs,sl) and torch.equal(y, x+1) for x,y in batches)
        xs = torch.cat([x for x,_ in batches], 1)
        assert torch.equal(xs[:,1:], xs[:,:-1]+1) and len(xs.unique())==xs.numel()
        assert lo==xs.min() and xs.max()+1<hi

def test_vocabulary_knows_the_training_part_alone():
    dls = text_dls(['a','b']*40+['c']*20, bs=1, sl=4)
    assert dls.vocab.words==['xxunk','xxbos','a','b']
    assert all((y==0).all() for _,y in dls.valid)
    assert text_dls(['a','b']*40+['c']*20, bs=1, sl=4, min_freq=41).vocab.words==['xxunk','xxbos']
    assert len(text_dls(['a','b']*40+['c']*20, bs=1, sl=4, max_vocab=3).vocab)==3

@pytest.mark.parametrize('tokens,kwargs,error,match', [
    ([], {}, ValueError, "training part has 0 of the text's 0 tokens"), (['one'], {}, ValueError, 'too few for a batch of 1 rows × 8 tokens, which takes 10'),
    (['one'], dict(bs=64, sl=64), ValueError, 'too few for a batch of 64 rows × 64 tokens, which takes 4098'),
    (['a']*20, dict(bs=2, sl=4), ValueError, "validation part has 4 of the text's 20 tokens"),
    (['a']*100, dict(bs=0), ValueError, '`bs`'), (['a']*100, dict(sl=1.5), ValueError, '`sl`'), (['a']*100, dict(pct=1), ValueError, '`pct`'),
    ('a text', {}, ValueError, 'too few'), ('bok.txt', {}, ValueError, r"too few.*longer text; to read a file pass Path\('bok.txt'\)$"), (['a']*100, dict(tok='word'), ValueError, 'no tokeniser'), (list('abc')*30, dict(bs=1, sl=4, vocab=Vocab('ab')), ValueError, "'c' is not in this vocabulary of 2 tokens, which has no 'xxunk'")])
def test_bad_loaders(tokens, kwargs, error, match):
    with pytest.raises(error, match=match): text_dls(tokens, **kwargs)

def test_too_short_by_one_token():
    "The error names the least that will do, and that will do"
    text_dls(['a']*20, bs=2, sl=4, pct=0.5)
    with pytest.raises(ValueError, match='training part has 9 .*takes 10'): text_dls(['a']*19, bs=2, sl=4, pct=0.5)

@pytest.mark.parametrize('build', [
    lambda n: LMModel4(n, 16), lambda n: LMModel5(n, 16, 1), lambda n: LMModel6(n, 16, 1), lambda n: LMModel7(n, 16, 1, 0.1),
    lambda n: GRULMModel7(n, 16, 1, 0.1), lambda n: AWDLSTMModel(n, 16, 1, 0.1), lambda n: PointerLMModel(n, 16)])
def test_learner(build):
    "A text that repeats itself is learnt, whatever the model; the metrics are those of the loss"
    from fastai.torch_core import set_seed
    set_seed(1)
    dls = text_dls(list('abcd')*250, bs=4, sl=8, min_freq=1)
    learn = text_learner(dls, build(len(dls.vocab)))
    with learn.no_bar(), learn.no_logging(): learn.fit(3, 2e-2)
    _,loss,acc,ppl = learn.recorder.values[-1]
    assert acc>0.9 and ppl==pytest.approx(torch.tensor(loss).exp().item(), rel=1e-4)

def test_learner_takes_what_a_learner_takes():
    from fastai.callback.core import Callback
    from fastai.metrics import accuracy
    class Mine(Callback): pass
    dls = text_dls(list('abcd')*50, bs=2, sl=4)
    learn = text_learner(dls, LMModel6(len(dls.vocab), 4, 1), cbs=[Mine()], metrics=accuracy, lr=0.5)
    assert hasattr(learn, 'mine') and hasattr(learn, 'model_resetter') and len(learn.metrics)==1 and learn.lr==0.5
    reg = text_learner(dls, LMModel7(len(dls.vocab), 4, 1, 0.1)).rnn_regularizer
    assert (reg.alpha,reg.beta)==(2,1)
    reg = text_learner(dls, LMModel7(len(dls.vocab), 4, 1, 0.1), alpha=0.5, beta=0).rnn_regularizer
    assert (reg.alpha,reg.beta)==(0.5,0) and not hasattr(text_learner(dls, LMModel7(len(dls.vocab), 4, 1, 0.1), alpha=0, beta=0), 'rnn_regularizer')
    for m in (LMModel1(9, 4), LMModel2(9, 4), LMModel3(9, 4)):
        with pytest.raises(TypeError, match=f'{type(m).__name__} predicts once a row'): text_learner(dls, m)

@given(st.text(st.sampled_from('ab \n'), max_size=80), st.integers(1, 20))
def test_pieces_are_the_text(text, n):
    assert ''.join(_pieces(text, n))==text and all(_pieces(text, n))

def test_files_are_read_in_pieces(tmp_path):
    path,text = tmp_path/'t.txt','Grüße an\r\nalle! '*40_000
    path.write_bytes(b'\xef\xbb\xbf'+text.encode())
    pieces = list(_pieces(path))
    assert len(pieces)>1 and ''.join(pieces)==text and all(o[-1] in '\n' or o[-1]=='!' for o in pieces[:-1])
    assert read_tokens(path)==read_tokens(text)
    path.write_bytes(text.encode()+b'caf\xe9')
    with pytest.raises(ValueError, match=f't.txt is not UTF-8: byte {len(text.encode())+3} is 0xe9'): read_tokens(path)

@given(st.lists(st.text(st.sampled_from('ab \n.'), max_size=30).map(lambda o: 'x'+o), min_size=1, max_size=4), st.floats(0.1, 0.9))
def test_split_loses_nothing(docs, pct):
    "Every character is in one of the two parts, no word is cut if there is white space, and a document begins once"
    whole = _Source(docs, True)
    train,valid = ([(i,new,t) for i,new,t in o] for o in whole.split(pct))
    assert ''.join(t for *_,t in train+valid)==''.join(docs)
    assert [i for i,new,_ in train+valid if new]==list(range(len(docs)))
    assert len(''.join(t for *_,t in train))<=sum(map(len, docs))*pct

same = 'The cat sat on the mat, and the dog lay in the fog. '*40
def numbers(dls): return [dls.vocab.decode(o.nums.long()) for o in (dls.train_ds,dls.valid_ds)]

def test_loaders_from_anywhere(tmp_path):
    import pandas as pd
    for i in (2,1): (tmp_path/f'{i}.txt').write_text(same)
    (tmp_path/'notes.md').write_text('not a text file')
    docs = [same,same]
    want = numbers(text_dls(docs))
    assert want[0][0]=='xxbos' and sum(want, []).count('xxbos')==2
    for source in (tmp_path, [tmp_path/'1.txt',same.encode()], pd.DataFrame({'text':docs})['text'], (o for o in docs)): assert numbers(text_dls(source))==want
    one = numbers(text_dls(same))
    for source in (tmp_path/'1.txt', same.encode()): assert numbers(text_dls(source))==one
    assert sum(one, [])==list(read_tokens(same))
    with pytest.raises(TypeError, match=r"one column of the table, such as df\['text'\]"): text_dls(pd.DataFrame({'text':docs}))
    with pytest.raises(TypeError, match='document 1 must be a text or a `Path`, got a float'): text_dls(pd.Series([same,float('nan')], dtype=object))

def test_tokens_bring_their_tokeniser():
    for dls in (text_dls(read_tokens(same)), text_dls(same), text_dls(same, vocab=text_dls(same).vocab)): assert dls.vocab.encode('THE Cat.').tolist()==dls.vocab.encode(['the','cat','.']).tolist()
    assert text_dls(list(read_tokens(same))).vocab.tok is None

@pytest.mark.parametrize('tok', ['words','chars','fastai','bpe'])
def test_validation_text_of_its_own(tok):
    "It teaches nothing: neither words nor byte pairs"
    dls = text_dls(same, tok=tok, valid='Zebra! '*60, max_vocab=300)
    assert dls.valid_ds.n_chars==420 and 'zebra' not in dls.vocab and 'ĠZebra' not in dls.vocab
    assert sum(map(len, numbers(text_dls(same, tok=tok, max_vocab=300))))>=len(dls.train_ds.nums)-3

@pytest.mark.parametrize('n', [130,300,1000,5000,60_000,200_000])
def test_sizes_fit_the_text(n):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        dls = text_dls(['a','b']*(n//2))
    assert len(dls.train)>=10 and len(dls.valid)>=1 and bool(said)==(n<52_000)
    if said: assert f'the text is small, {n:,} tokens' in str(said[0].message)
    bs,sl = dls.train.one_batch()[0].shape
    assert (bs==sl==64)==(n>=52_000) and dls.bs==bs
    if n>5000: assert text_dls(['a','b']*(n//2), bs=8, sl=8).train.one_batch()[0].shape==(8,8)
    assert text_dls(['a','b']*(n//2), sl=8).train.one_batch()[0].shape[1]==8 and text_dls(['a','b']*(n//2), bs=2).train.one_batch()[0].shape[0]==2

@pytest.mark.parametrize('n_words,n_rare', [(40,0), (256,0), (257,0), (300,20), (70_000,0), (66_000,500)])
@pytest.mark.parametrize('dtype', ['uint8','int16','int32'])
def test_numbers_agree_with_a_plain_list(n_words, n_rare, dtype):
    "In whatever types they lie while they are read, and whatever they become"
    import numpy as np
    from collections import defaultdict
    from itertools import count
    rng = np.random.default_rng(n_words)
    words = list(map(str, [*range(n_words), *rng.integers(0, n_words+n_rare, 20_000)]))
    known = defaultdict(count().__next__)
    nums = _Numbers((words[i:i+9999] for i in range(0, len(words), 9999)), known)
    plain = np.array([known[o] for o in words])
    assert len(nums)==len(words) and len(nums.buf)==len(words)*(1 if len(known)<=256 else 2) and len(nums.large)==(plain>=65535).sum()
    assert (nums.often(len(known)+2)==np.bincount(plain, minlength=len(known)+2)).all() and nums.often(len(known)).dtype==np.int64
    table = rng.integers(0, 100 if dtype=='uint8' else 30_000, len(known)).astype(dtype)
    got = nums.encoded(table)
    assert str(got.dtype)==f'torch.{dtype}' and (got.numpy()==table[plain]).all()

def test_memory_is_that_of_the_tokens():
    "While a text is read, there is nothing of the size of all its tokens but their numbers"
    import tracemalloc
    words = [f'w{i%5000}' for i in range(1_000_000)]
    tokens = (words[i:i+10_000] for i in range(0, len(words), 10_000))
    from collections import defaultdict
    from itertools import count
    import numpy as np
    known = defaultdict(count().__next__)
    tracemalloc.start()
    try:
        nums = _Numbers(tokens, known)
        nums.often(len(known))
        nums.encoded(np.arange(5000, dtype=np.int16))
        peak = tracemalloc.get_traced_memory()[1]
    finally: tracemalloc.stop()
    assert peak<2*len(words)*1.15+2*2**20  # and room to grow, and pieces

def test_byte_pairs_of_a_large_text_are_learnt_from_pieces_all_over_it():
    source = _Source(['abcd efgh\n'*5]*40, True)
    assert [''.join(_spread(source, n)) for n in (2000,5000)]==['abcd efgh\n'*200]*2
    assert len(''.join(_spread(source, 500)))==500
    train,valid = source.split(0.5)
    assert len(''.join(_spread(train, 500)))==500 and len(''.join(_spread(valid, 1000)))==1000
    uneven = _Source(['abcd '*10]*40, True)  # a space at the end is a piece of its own
    assert 500<=len(''.join(_spread(uneven, 500)))<=550

def test_tokens_take_little_memory():
    dls = text_dls(same*20)
    assert dls.train_ds.nums.dtype==torch.uint8 and len(dls.vocab)<256

@pytest.fixture
def learn(tmp_path):
    dls = text_dls(same, bs=4, sl=8)
    return text_learner(dls, LMModel6(len(dls.vocab), 16, 1), path=tmp_path)

@pytest.mark.filterwarnings('ignore:.*insecure pickle.*', 'ignore:.*optimizer state.*', 'ignore:numpy.core is deprecated')
def test_fastai_ways(learn, tmp_path, capsys, monkeypatch):
    from fastai.callback.tracker import SaveModelCallback,EarlyStoppingCallback
    from fastai.learner import load_learner
    import fastai.callback.schedule  # noqa: F401, gives `fit_one_cycle`
    import human_lm.text.own as own
    tables = []
    monkeypatch.setattr(own, 'display_df', tables.append)
    learn.dls.show_batch(max_n=2)
    assert list(tables[0].columns)==['text','target'] and len(tables[0])==2 and 'the cat sat on the mat' in same.lower() and ' ,' not in tables[0]['text'][0]
    assert tables[0]['text'][0].split()[1:3]==tables[0]['target'][0].split()[:2]
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(2, 1e-2, cbs=[SaveModelCallback(fname='best'), EarlyStoppingCallback()])
        loss,acc,ppl = learn.validate()
        assert ppl==pytest.approx(torch.tensor(loss).exp().item(), rel=1e-4) and 0<=acc<=1
        learn.show_results(max_n=3)
        assert list(tables[1].columns)==['text','target','prediction'] and len(tables[1])==3
        assert learn.lr_find(show_plot=False).valley>0
        preds,targs = learn.get_preds()
        assert preds.shape==(*targs.shape,len(learn.dls.vocab))
    learn.load('best')
    text = learn.predict('The DOG', 6, temperature=0.8, seed=3)
    assert text.startswith('the dog') and text==learn.predict('the dog', 6, temperature=0.8, seed=3) and learn.predict('the dog', 0)=='the dog'
    learn.export('l.pkl')
    again = load_learner(tmp_path/'l.pkl', cpu=str(learn.dls.device)=='cpu')
    assert again.predict('The DOG', 6, temperature=0.8, seed=3)==text and len(again.dls.train_ds)==0
    assert ' '.join(generate(learn, 'the', n=3))==' '.join(generate(learn.model, 'the', learn.dls.vocab, n=3))
    save_lm(learn, tmp_path/'m')
    model,vocab = load_lm(tmp_path/'m')
    assert vocab.join([*vocab.cut('The DOG'), *generate(model, 'The DOG', vocab, 6, temperature=0.8, seed=3)])==text

def test_predict_is_called_as_fastai_s():
    import inspect
    from fastai.text.learner import LMLearner
    theirs,ours = (list(inspect.signature(o.predict).parameters.values()) for o in (LMLearner,TextLMLearner))
    assert [o.name for o in ours[:len(theirs)]]==[o.name for o in theirs]
    assert [o.default for o in ours[:len(theirs)] if o.name!='decoder']==[o.default for o in theirs if o.name!='decoder']

class Bigrams(LMModel4):
    "Knows what follows: token `i` after `i-1`, in three cases of four; and adds what it remembers"
    def forward(self, x):
        self.keep(torch.zeros(len(x), 1)+x.shape[1]+(0 if self.h is None else self.h[0,0]))
        follows = torch.nn.functional.one_hot((x+1)%self.h_o.out_features, self.h_o.out_features).float()
        return follows.mul(0.75-0.25/(self.h_o.out_features-1)).add(0.25/(self.h_o.out_features-1)).log()+self.seen(x)
    def seen(self, x): return 0

def bigrams(cls=Bigrams):
    vocab = TextVocab.of(['xxunk','a','b','c','d'])
    return text_learner(text_dls(list('abcd')*40, vocab, bs=2, sl=4), cls(5, 1))

def test_predict_leaves_out_the_unlikely():
    "`min_p` is a probability, before the temperature; where none is as likely, all stay, with a warning"
    learn = bigrams()
    for t in (1.,9.): assert learn.predict('a', 3, temperature=t, min_p=0.5, no_bar=True)=='a b c d'
    assert {learn.predict('a', temperature=9., no_bar=True, seed=i) for i in range(40)}=={'a a','a b','a c','a d'}
    with pytest.warns(UserWarning, match='no token has a probability of at least 0.9'): learn.predict('a', min_p=0.9, no_bar=True)
    assert learn.predict('d', 1, no_unk=False, min_p=0.5, no_bar=True)=='d xxunk'
    with pytest.warns(UserWarning, match='no token'): assert 'xxunk' not in learn.predict('d', 1, min_p=0.5, no_bar=True)
    for bad in (-0.1,2):
        with pytest.raises(ValueError, match='`min_p` must lie between 0 and 1'): learn.predict('a', min_p=bad)

def test_predict_reads_the_last_word_alone():
    class Counts(Bigrams):
        def seen(self, x):
            read.append((tuple(x.shape), self.h[0,0].item()))
            return 0
    read = []
    learn = bigrams(Counts)
    read.clear()
    learn.predict('a b', 3, no_bar=True, only_last_word=True)
    alone = [o for o in read[2:]]
    assert read[:2]==[((1,1),1.),((1,1),2.)] and alone==[((1,1),1.)]*2
    read.clear()
    learn.predict('a b', 3, no_bar=True)
    assert [o for _,o in read]==[1,2,3,4]

def test_predict_shows_what_a_decoder_makes(capsys):
    from fastai.text.learner import decode_spec_tokens
    dls = text_dls('The cat SAT. '*60, tok='fastai', bs=2, sl=4)
    learn = text_learner(dls, LMModel4(len(dls.vocab), 4))
    assert learn.predict('The cat SAT', 0)==learn.predict('The cat SAT', 0, decoder=decode_spec_tokens)=='The cat SAT'
    assert learn.predict('the cat', 0, decoder=reversed)=='cat the'
    learn.predict('the cat', 2, no_bar=True)
    assert capsys.readouterr().out==''

def test_prediction_with_a_plain_vocabulary():
    dls = text_dls(['a','b','c']*60, Vocab('abc'), bs=2, sl=4)
    assert text_learner(dls, LMModel4(3, 4)).predict('a b', 3, seed=0).startswith('a b ')

def test_learner_knows_the_size():
    dls = text_dls(same)
    with pytest.raises(ValueError, match=f'scores 7 tokens, but the vocabulary of `dls` has {len(dls.vocab)}'): text_learner(dls, LMModel4(7, 4))

def test_char_perplexity(learn):
    "As the loss on the whole validation text in one row, whatever it is read in"
    ds = learn.dls.valid_ds
    m = learn.model.cpu().eval(); m.reset()
    ids = ds.nums.cpu().long()
    with torch.no_grad(): nats = torch.nn.functional.cross_entropy(m(ids[None,:-1])[0], ids[1:], reduction='sum')
    for sl in (512,7,len(ids)-2): assert char_perplexity(learn, sl)==pytest.approx((nats/ds.n_chars).exp().item(), rel=1e-4)
    with pytest.raises(ValueError, match='make the loaders from a text'): char_perplexity(text_learner(text_dls(['a','b']*100), LMModel4(4, 4)))

def test_five_lines(tmp_path, monkeypatch, capsys):
    "The five lines at the top of notebook 52 do what they say, with the names of the front door alone"
    import json,re
    from pathlib import Path
    nb = json.loads((Path(__file__).parent.parent/'nbs'/'52_text.own.ipynb').read_text(encoding='utf-8'))
    lines = re.search(r'```python\n(.*?)```', ''.join(nb['cells'][0]['source']), re.S)[1]
    assert len(lines.strip().splitlines())==5
    (tmp_path/'book.txt').write_text('Once upon a time the cat sat on the mat. '*40)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec('from pathlib import Path\nfrom human_lm import LMModel7,save_lm,text_dls,text_learner', names)
    exec(lines, names)
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith('once upon a time')
    model,vocab = load_lm('book.safetensors')
    assert vocab.cut('Once upon')==['once','upon'] and type(model) is LMModel7

# exactly

a20,sat = ['a']*20,'the cat sat on the mat . '*30
def learner(m, n=4): return text_learner(text_dls(['a','b']*100, TextVocab.of(list('abcdefgh')[:n])), m)

@pytest.mark.parametrize('f,error,want', [
    (lambda: read_tokens(b'caf\xe9'), ValueError, 'the text is not UTF-8: byte 3 is 0xe9; convert it to UTF-8 first'), (lambda: read_tokens([]), ValueError, 'the list of documents is empty: there is nothing to learn from'),
    (lambda: read_tokens(['a',b'\xff']), ValueError, 'document 1 is not UTF-8: byte 0 is 0xff; convert it to UTF-8 first'), (lambda: read_tokens(' '), ValueError, 'the text is empty: there are no tokens in it'),
    (lambda: read_tokens(['a',' ']), ValueError, 'document 1: the text is empty: there are no tokens in it'),
    (lambda: read_tokens(['a',3.]), TypeError, 'document 1 must be a text or a `Path`, got a float; a list of tokens needs no reading'),
    (lambda: text_dls(a20, pct=0), ValueError, '`pct` must lie between 0 and 1, got 0'), (lambda: text_dls(a20, pct=1.), ValueError, '`pct` must lie between 0 and 1, got 1.0'),
    *((lambda o=o: text_dls(a20, **{o:0}), ValueError, f'`{o}` must be a whole number of at least 1, got 0') for o in ('bs','sl','min_freq','max_vocab')),
    (lambda: text_dls(a20, bs=2, sl=4), ValueError, "the validation part has 4 of the text's 20 tokens, too few for a batch of 2 rows × 4 tokens, which takes 10: use a smaller `bs` or `sl`, or a longer text"),
    (lambda: text_dls('abc', bs=1, sl=4), ValueError, "the training part has 1 of the text's 2 tokens, too few for a batch of 1 rows × 4 tokens, which takes 6: use a smaller `bs` or `sl`, or a longer text; to read a file pass Path('abc')"),
    (lambda: text_dls('a b c', bs=1, sl=4), ValueError, "the training part has 2 of the text's 3 tokens, too few for a batch of 1 rows × 4 tokens, which takes 6: use a smaller `bs` or `sl`, or a longer text"),
    (lambda: text_dls(a20, Vocab('b'), 1, 2), ValueError, "the token 'a' is not in this vocabulary of 1 tokens, which has no 'xxunk' either: use a `TextVocab`, or a vocabulary made from this text"),
    *((lambda m=m: learner(m(4, 2)), TypeError, f'{m.__name__} predicts once a row, not after every token: use LMModel4 or a later one') for m in (LMModel1,LMModel3)),
    (lambda: learner(torch.nn.Sequential(torch.nn.Embedding(4, 3), torch.nn.Flatten(), torch.nn.Linear(3, 4))), TypeError, 'Sequential predicts once a row, not after every token: use LMModel4 or a later one'),
    (lambda: learner(LMModel4(7, 2)), ValueError, 'the model scores 7 tokens, but the vocabulary of `dls` has 4: make it with len(dls.vocab)'),
    (lambda: learner(LMModel4(4, 2)).predict('a', min_p=2), ValueError, '`min_p` must lie between 0 and 1, got 2'),
    (lambda: char_perplexity(learner(LMModel4(4, 2))), ValueError, 'how many characters the tokens stand for is not known: make the loaders from a text')])
def test_what_is_wrong(f, error, want):
    with says(error, want): f()

def test_what_is_wrong_with_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with says(ValueError, 'there is no text file (*.txt) in the folder .'): read_tokens(Path('.'))
    for o in ('X','é.txt'):
        Path(o).write_bytes(b'\xff')
        with says(ValueError, f"'{o}' is the name of a file or folder: pass Path('{o}') to read it"): read_tokens(o)
        with says(ValueError, f'{o} is not UTF-8: byte 0 is 0xff; convert it to UTF-8 first'): read_text(o)
        with says(ValueError, f'{o} is not UTF-8: byte 0 is 0xff; convert it to UTF-8 first'): read_tokens(Path(o))
    Path('e.txt').touch()
    with says(ValueError, 'e.txt is empty: there are no tokens in it'): read_tokens(Path('e.txt'))
    with says(ValueError, 'document 1: e.txt is empty: there are no tokens in it'): read_tokens(['a',Path('e.txt')])
    with says(IsADirectoryError, '. is a folder: name one text file, or read its files as a list of documents'): read_text('.')
    # texts, though one could take them for names
    assert read_tokens('.')==['.'] and read_tokens('. .')==['.','.'] and read_tokens('é'*200)==['é'*200] and read_tokens('a\0b')==['a','\0','b']
    for n in (255,256):
        name = './'*100+'n'*(n-200)
        Path(name).touch()
        if n==256: assert _documents(name)==([name],False)
        else:
            with pytest.raises(ValueError, match='is the name of a file'): _documents(name)

@pytest.mark.parametrize('text,n,want', [('ab cd ef',4,['ab',' cd',' ef']), ('ab\ncd ef',4,['ab\n','cd',' ef']), ('a'*100,5,['a'*25]*4), ('a'*20,5,['a'*20]), ('a'*22+' b',5,['a'*22,' b']), ('',5,[]), ('ab',1,['ab'])])
def test_where_pieces_end(text, n, want): assert list(_pieces(text, n))==want

def test_a_piece_has_a_quarter_of_a_million_characters(): assert [len(o) for o in _pieces('a '*150_000)]==[2**18-1,300_000-2**18,1]

@pytest.mark.parametrize('doc,pct,want', [('ab cd ef',0.5,('ab',' cd ef')), ('abcdefgh',0.5,('abcd','efgh')), ('ab\ncdef',0.5,('ab\n','cdef')), ('ab cd ef',0.125,('a','b cd ef'))])
def test_where_a_text_is_split(doc, pct, want): assert tuple(''.join(t for *_,t in o) for o in _Source([doc], False).split(pct))==want

def test_pieces_are_spread_evenly():
    for n,want in ((1,'a'),(2,'ac'),(3,'acd'),(4,'abcd'),(9,'abcd')): assert ''.join(_spread(_Source(list('abcd'), True), n))==want

def test_long_texts_have_a_bar(monkeypatch):
    bars = []
    monkeypatch.setattr(own, 'progress_bar', lambda *args, **kwargs: bars.append((args, kwargs)) or args[0])
    source = _Source(['a b',' c'], False)
    for n in (2**23,2**23+1):
        source.n_chars = n
        assert list(source.tokens(split_words))==[['a'],['b'],['c']]
    assert bars==[((source,), dict(total=3, leave=False))]
    bars.clear()
    assert bigrams().predict('a', 2, temperature=1e-9)=='a b c' and bars[0][1]==dict(total=2, leave=False) and len(bars)==1
    bigrams().predict('a', 0); bigrams().predict('a', 1, no_bar=True)
    assert len(bars)==1

def test_nothing_has_no_numbers():
    from collections import defaultdict
    assert len(_Numbers([], defaultdict(int)))==0 and _Numbers([], defaultdict(int)).often(2).tolist()==[0,0]

@pytest.mark.parametrize('n_train,n_valid,bs,sl,want', [
    (40962,4098,None,None,(64,64)), (40961,4098,None,None,(32,64)), (40962,4097,None,None,(32,64)), (20481,2050,None,None,(32,32)), (5122,514,None,None,(16,32)), (642,66,None,None,(8,8)), (641,66,None,None,(4,8)), (3,3,None,None,(1,8)),
    (5000,5000,8,None,(8,32)), (5000,5000,None,100,(4,100)), (3,3,None,100,(1,100)), (3,3,8,None,(8,8)), (3,3,5,6,(5,6)), (3,3,64,64,(64,64)), (10**6,10**6,None,7,(64,7)), (82,10,None,8,(1,8)), (162,18,None,8,(2,8))])
def test_sizes(n_train, n_valid, bs, sl, want):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        assert _fit_sizes(n_train, n_valid, bs, sl)==want
    assert [str(o.message) for o in said]==([] if want==(bs or 64,sl or 64) else
        [f'the text is small, {n_train+n_valid:,} tokens: batches of {want[0]} rows × {want[1]} tokens; pass `bs` and `sl` for others'])

def test_what_loaders_have():
    dls = text_dls(['a','b']*40+['c']*20, bs=2, sl=4)
    assert dls.vocab.words==['xxunk','xxbos','a','b'] and dls.train_ds.nums.tolist()==[2,3]*40 and dls.valid_ds.nums.tolist()==[0]*20 and dls.valid_ds.n_chars is None
    assert type(dls.train) is type(dls.valid) is own.TextDL and dls.bs==dls.valid.bs==2 and dls.drop_last and not dls.shuffle and not dls.valid.shuffle and dls.vocab.tok is None
    assert dls.train_ds.vocab is dls.valid_ds.vocab is dls.vocab
    dls = text_dls(sat, bs=2, sl=4, valid='The mat! '*10)
    assert dls.vocab.words==['xxunk','xxbos','the','.','cat','mat','on','sat'] and len(dls.train_ds.nums)==210 and dls.valid_ds.nums.tolist()==[2,5,0]*10 and dls.valid_ds.n_chars==90
    assert text_dls(sat, bs=2, sl=4, pct=0.5).valid_ds.n_chars==750-374 and text_dls(sat, bs=2, sl=4).valid_ds.n_chars==751-600
    assert text_dls(['a']*30, bs=2, sl=2, valid=('a','b')*9).valid_ds.nums.tolist()==[2,0]*9
    assert text_dls(['a','a','a','b','b']+['c']*40, bs=1, sl=2).vocab.words==['xxunk','xxbos','c','a'] and text_dls(list('ab'*6), min_freq=1, bs=1, sl=1, pct=0.75).vocab.words==['xxunk','xxbos','a','b']

@pytest.mark.parametrize('n,want', [(256,torch.uint8), (257,torch.int16), (32768,torch.int16), (32769,torch.int32)])
def test_numbers_take_as_little_as_they_can(n, want):
    dls = text_dls([str(n-1),'0']*20, TextVocab.of([str(i) for i in range(n)]), 1, 2)
    assert dls.train_ds.nums.dtype==want and dls.train_ds.nums.tolist()==[n-1,0]*16

def test_most_words(): assert len(text_dls(list(map(str, range(75_010))), min_freq=1).vocab)==60_000

def test_what_a_learner_has():
    m = LMModel7(4, 3, 1, 0.1)
    learn = learner(m)
    reg = learn.rnn_regularizer
    assert (reg.alpha,reg.beta)==(2,1) and learn.opt_func is own.ForeachAdam and type(learn.loss_func) is own.QuickCrossEntropyLossFlat and [o.name for o in learn.metrics]==['accuracy','perplexity']
    assert hasattr(learn, 'fresh_gradients') and hasattr(learn, 'model_resetter') and hasattr(learner(LMModel4(4, 3)), 'model_resetter') and not hasattr(learner(LMModel4(4, 3)), 'rnn_regularizer')
    assert hasattr(text_learner(learn.dls, m, cbs=None), 'fresh_gradients') and m.training and m.h is None

@pytest.mark.parametrize('vocab', [Vocab('ab'),TextVocab.of(['a','b'])])
def test_what_is_shown(vocab, monkeypatch):
    tables = []
    monkeypatch.setattr(own, 'display_df', tables.append)
    dl = text_dls(['a','b']*300, vocab, 12, 2).train
    x,y = dl.one_batch()
    dl.show_batch(); dl.show_batch((y[:3],x[:3])); dl.show_results((x,y), x); dl.show_results((x,y), x, max_n=2)
    assert [(list(o.columns),len(o)) for o in tables]==[(['text','target'],9), (['text','target'],3), (['text','target','prediction'],9), (['text','target','prediction'],2)]
    assert [o.iloc[0].tolist() for o in tables]==[['a b','b a'],['b a','a b'],['a b','b a','a b'],['a b','b a','a b']]
    b = (x,y)
    assert dl.show_batch(b, show=False) is b and len(tables)==4 and torch.equal(dl.show_batch(show=False)[0], x)

def test_predictions_at_the_edge():
    m = LMModel4(2, 1)
    with torch.no_grad():
        for p in m.parameters(): p.zero_()
    learn = learner(m, 2)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for min_p in (0,0.5): assert set(learn.predict('a', 40, min_p=min_p, seed=0, no_bar=True).split())=={'a','b'}
        assert bigrams().predict('d', 1, no_unk=False, min_p=0.5, no_bar=True)=='d xxunk'
    with pytest.warns(UserWarning, match='^no token has a probability of at least 1: use a smaller `min_p`$'): learn.predict('a', min_p=1, no_bar=True)
    learn = bigrams()
    assert learn.predict('a', 40, seed=0, no_bar=True)==learn.predict('a', 40, temperature=1., seed=0, no_bar=True)!=learn.predict('a', 40, temperature=2., seed=0, no_bar=True)
    assert len(learn.predict('a b', no_bar=True).split())==3
