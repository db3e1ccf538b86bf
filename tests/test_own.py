"A text of one's own: reading, tokens, rare and unknown ones, loaders and a learner"
from collections import Counter

import pytest,torch
from hypothesis import given, strategies as st

from human_lm.all import *

texts = st.text(st.sampled_from('ab cé.,\n'), max_size=60)

@given(texts)
def test_characters_lose_nothing(text):
    if text: assert ''.join(read_tokens(text, split_chars))==text
    else:
        with pytest.raises(ValueError, match='is empty'): read_tokens(text, split_chars)

@given(texts)
def test_words_lose_white_space_alone(text):
    got = next(iter(split_words([text])))
    assert ''.join(got)==''.join(text.lower().split()) and not any(o.isspace() or not o for o in got)
    if got: assert read_tokens(text)==got
    else:
        with pytest.raises(ValueError, match='is empty'): read_tokens(text)

def test_words():
    assert next(iter(split_words(["Grüße, 2 Äpfel--don't\n"])))==['grüße',',','2','äpfel','-','-','don',"'",'t']

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
    (['a',b'\xff'], ValueError, 'document 1: .*not UTF-8'), ([['a']], TypeError, 'document 0 must be a text.*list'), ([3], TypeError, 'document 0.*int')])
def test_bad_sources(source, error, match):
    with pytest.raises(error, match=match): read_tokens(source)

def test_bad_files(tmp_path):
    path = tmp_path/'t.txt'
    path.write_bytes('café'.encode('latin-1'))
    with pytest.raises(ValueError, match='t.txt is not UTF-8: byte 3 is 0xe9'): read_tokens(path)
    path.write_bytes(b'')
    with pytest.raises(ValueError, match='t.txt is empty'): read_tokens(path)
    with pytest.raises(IsADirectoryError, match='is a folder'): read_tokens(tmp_path)
    with pytest.raises(FileNotFoundError, match='no.txt'): read_tokens(tmp_path/'no.txt')

@given(st.lists(st.sampled_from('abcdefgh'), max_size=60), st.integers(1, 5), st.integers(3, 12))
def test_vocabulary_agrees_with_a_naive_one(tokens, min_freq, max_vocab):
    v = TextVocab(tokens, min_freq, max_vocab)
    kept = sorted((-tokens.count(w),w) for w in set(tokens) if tokens.count(w)>=min_freq)[:max_vocab-2]
    assert v.words==['xxunk','xxbos',*(w for _,w in kept)] and len(v)<=max_vocab
    ids = v.encode([*tokens,'new'])
    assert ids.tolist()==[v.words.index(o) if o in v.words else 0 for o in [*tokens,'new']]
    assert v.decode(ids)==[o if o in v else 'xxunk' for o in [*tokens,'new']]

def test_vocabulary_keeps_what_fastai_keeps():
    "Apart from fastai's other special tokens and the fake ones that fill up to a multiple of eight"
    from fastai.text.data import make_vocab
    tokens = 'a a a a b b b c c xxbos d d d d d'.split()
    theirs = make_vocab(Counter(tokens), min_freq=3)
    ours = TextVocab(tokens)
    assert [o for o in theirs if not o.startswith('xx')]==ours.words[2:]==['d','a','b'] and theirs[:1]==ours.words[:1]

def test_vocabulary_defaults_and_words_of_its_own():
    v = TextVocab(['xxunk']*5+['xxbos']*5+['a']*3+['b']*2)
    assert v.words==['xxunk','xxbos','a'] and v.encode('a b xxbos').tolist()==[2,0,1]
    assert len(TextVocab(map(str, [o for o in range(60001) for _ in range(3)])))==60000

@pytest.mark.parametrize('kwargs,match', [({'min_freq':0},'`min_freq`'), ({'max_vocab':2},'`max_vocab` must be more than 2'), ({'max_vocab':'9'},'`max_vocab`')])
def test_bad_vocabulary(kwargs, match):
    with pytest.raises(ValueError, match=match): TextVocab('ab', **kwargs)

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
    ([], {}, ValueError, "training part has 0 of the text's 0 tokens"), (['one'], {}, ValueError, 'too few for a batch of 64 rows × 64 tokens, which takes 4098'),
    (['a']*20, dict(bs=2, sl=4), ValueError, "validation part has 4 of the text's 20 tokens"),
    (['a']*100, dict(bs=0), ValueError, '`bs`'), (['a']*100, dict(sl=1.5), ValueError, '`sl`'), (['a']*100, dict(pct=1), ValueError, '`pct`'),
    ('a text', {}, TypeError, 'read_tokens'), (list('abc')*30, dict(bs=1, sl=4, vocab=Vocab('ab')), ValueError, "'c' is not in this vocabulary of 2 tokens, which has no 'xxunk'")])
def test_bad_loaders(tokens, kwargs, error, match):
    with pytest.raises(error, match=match): text_dls(tokens, **kwargs)

def test_too_short_by_one_token():
    "The error names the least that will do, and that will do"
    text_dls(['a']*20, bs=2, sl=4, pct=0.5)
    with pytest.raises(ValueError, match='training part has 9 .*takes 10'): text_dls(['a']*19, bs=2, sl=4, pct=0.5)

@pytest.mark.parametrize('build', [lambda n: LMModel4(n, 16), lambda n: LMModel5(n, 16, 1), lambda n: LMModel6(n, 16, 1), lambda n: LMModel7(n, 16, 1, 0.1)])
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
    for m in (LMModel1(9, 4), LMModel2(9, 4), LMModel3(9, 4)):
        with pytest.raises(TypeError, match=f'{type(m).__name__} predicts once a row'): text_learner(dls, m)
