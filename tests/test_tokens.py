"Tokenisers and vocabularies: nothing of a word is lost, whatever the script, and text comes back"
import pickle,sys,unicodedata
from collections import Counter
from functools import partial

import pytest
from hypothesis import given, strategies as st

from conftest import says
from human_lm.text.tokens import *
from human_lm.text.tokens import TextTok,as_tok

texts = st.text(st.sampled_from('ab cé.,\n'), max_size=60)

@given(st.text(max_size=40))
def test_words_lose_white_space_alone(text):
    got = split_words.split(text)
    assert ''.join(got)==''.join(text.lower().split()) and not any(o.isspace() or not o for o in got)

def test_words():
    assert next(iter(split_words(["Grüße, 2 Äpfel--don't\n"])))==['grüße',',','2','äpfel','-','-','don',"'",'t']

@pytest.mark.parametrize('word', ['é','naïve','हिन्दी','தமிழ்','ภาษาไทย','עִבְרִית','العَرَبِيَّة','می\u200cخواهم','Việt','日本語','ქართული'])
@pytest.mark.parametrize('form', ['NFC','NFD'])
def test_words_of_any_script_stay_whole(word, form):
    word = unicodedata.normalize(form, word)
    assert split_words.split(f'({word}, {word}!)')==['(',word.lower(),',',word.lower(),'!',')']

@given(st.lists(st.sampled_from(['it','well','3','5']), min_size=1, max_size=8))
def test_words_join_to_what_is_cut_the_same(words):
    assert split_words.split(split_words.join(words))==words

def test_what_a_reader_expects():
    for o in ('a cat, a dog (or two); "so", he said: don\'t!', "that's 3.14 of $5", 'a well-known and/or [so-called] thing…', "'it' is `x`"):
        assert split_words.join(split_words.split(o))==o
    assert split_words.join(['xxbos','a','.','xxbos','xxbos','b'])=='a.\n\nb' and split_words.join([])==''

@given(st.text(max_size=60))
def test_characters_lose_nothing(text): assert split_chars.join(split_chars.split(text))==text

def test_fastai_rules_are_undone():
    tok = FastaiTok()
    for o in ("Don't STOP. Go on!!!! Now now now now", 'The cat, Tom. The EU, it\'s "so".'): assert tok.join(tok.split(o))==o
    assert [len(o) for o in tok(['One two.','Go'])]==[4,2]
    again = pickle.loads(pickle.dumps(tok))
    assert again.split('One Two')==tok.split('One Two')==['xxmaj','one','xxmaj','two']

@pytest.fixture(scope='module')
def pairs(): return BPETok(400).train(['the cat sat on the mat, the dog lay in the fog. '*20])

@given(text=st.text(st.characters(exclude_categories=['Cs']), max_size=60))
def test_byte_pairs_lose_nothing(pairs, text):
    if bos in text: return
    v = TextVocab.of(pairs.words, pairs)
    ids = v.encode(text)
    assert v.to_text(ids)==text and ids.tolist()==pairs.engine.encode(text).ids and len(ids)<=len(text.encode())

def test_byte_pairs(pairs):
    assert 'Ġthe' in pairs.split('on the mat') and len(pairs.words)<=400 and pairs.words[0]==bos
    assert list(pairs(['a','the cat']))==[['a'],['the','Ġcat']]
    for o in (pickle.loads(pickle.dumps(pairs)), BPETok(**pairs.state())): assert o.split('the cat')==['the','Ġcat']
    other = pairs.train(['zz zz '*50])
    assert other.split(' zz')==['Ġzz']!=pairs.split(' zz') and repr(other)!=repr(BPETok())
    with pytest.raises(ValueError, match='not been learnt yet'): BPETok().split('a')
    with pytest.raises(ValueError, match='at least 257'): BPETok(256)

@pytest.mark.parametrize('tok', ['words','chars','fastai',split_words,WordTok])
def test_named(tok):
    assert isinstance(as_tok(tok), TextTok) and as_tok(tok).split('a')[-1]=='a'

def test_functions():
    tok = as_tok(lambda items: (o.split('-') for o in items))
    assert tok.split('a-b')==['a','b'] and 'lambda' in repr(tok) and list(tok(['a-b','c']))==[['a','b'],['c']]
    for nothing in (lambda items: [], lambda items: iter(())):
        with pytest.raises(ValueError, match='gave nothing for a text'): as_tok(nothing).split('a')
    with pytest.raises(ValueError, match="no tokeniser 'word': choose from 'words', 'chars', 'fastai', 'bpe'"): as_tok('word')
    with pytest.raises(TypeError, match='got a int'): as_tok(3)
    with pytest.raises(NotImplementedError, match='must define `split`'): TextTok().split('a')

@given(st.lists(st.sampled_from('abcdefgh'), max_size=60), st.integers(1, 5), st.integers(3, 12))
def test_vocabulary_agrees_with_a_naive_one(tokens, min_freq, max_vocab):
    v = TextVocab(tokens, min_freq, max_vocab)
    kept = sorted((-tokens.count(w),w) for w in set(tokens) if tokens.count(w)>=min_freq)[:max_vocab-2]
    assert v.words==['xxunk','xxbos',*(w for _,w in kept)] and len(v)<=max_vocab
    ids = v.encode([*tokens,'new'])
    assert ids.tolist()==[v.words.index(o) if o in v.words else 0 for o in [*tokens,'new']]
    assert v.decode(ids)==[o if o in v else 'xxunk' for o in [*tokens,'new']]
    assert v.unknown([*tokens,'new'])==[o for o in dict.fromkeys(tokens) if o not in v]+['new']
    assert v==TextVocab(Counter(tokens), min_freq, max_vocab)==TextVocab.of(v.words)

def test_vocabulary_keeps_what_fastai_keeps():
    "Apart from fastai's other special tokens and the fake ones that fill up to a multiple of eight"
    from fastai.text.data import make_vocab
    tokens = 'a a a a b b b c c xxbos d d d d d'.split()
    theirs = make_vocab(Counter(tokens), min_freq=3)
    ours = TextVocab(tokens)
    assert [o for o in theirs if not o.startswith('xx')]==ours.words[2:]==['d','a','b'] and theirs[:1]==ours.words[:1]

def test_vocabulary_defaults_and_words_of_its_own():
    v = TextVocab(['xxunk']*5+['xxbos']*5+['a']*3+['b']*2)
    assert v.words==['xxunk','xxbos','a'] and v.encode('a b xxbos').tolist()==[2,0,1] and v.join(['a','b'])=='a b'
    assert len(TextVocab(map(str, [o for o in range(60001) for _ in range(3)])))==60000

def test_texts_are_cut_as_the_text_was():
    v = TextVocab(split_words.split('The cat, the cat.'), 1, tok=split_words)
    assert v.encode('THE Cat.').tolist()==v.encode(['the','cat','.']).tolist() and v.to_text(v.encode('THE Cat.'))=='the cat.'

@pytest.mark.parametrize('kwargs,match', [({'min_freq':0},'`min_freq`'), ({'max_vocab':2},'`max_vocab` must be more than 2'), ({'max_vocab':'9'},'`max_vocab`')])
def test_bad_vocabulary(kwargs, match):
    with pytest.raises(ValueError, match=match): TextVocab('ab', **kwargs)

@pytest.mark.parametrize('make,want', [
    (lambda: split_words,'WordTok()'), (lambda: as_tok('chars'),'CharTok()'), (FastaiTok,'FastaiTok()'), (BPETok,'BPETok(8000, 2)'), (lambda: BPETok(257, 3),'BPETok(257, 3)'),
    (lambda: BPETok(257, 4).train(['ab']),'BPETok(257, 4, trained)'), (lambda: as_tok(partial(map, list)),'FunctionTok(partial)'), (lambda: as_tok(sorted),'FunctionTok(sorted)')])
def test_what_they_are_called(make, want): assert repr(make())==want

@pytest.mark.parametrize('f,error,want', [
    (lambda: as_tok('word'), ValueError, "there is no tokeniser 'word': choose from 'words', 'chars', 'fastai', 'bpe', or pass a function"),
    (lambda: as_tok(3), TypeError, 'a tokeniser is a name or a function, got a int'),
    (lambda: as_tok(partial(map, list, [])).split('a'), ValueError, 'the tokeniser partial gave nothing for a text: it should give a list for each'),
    (lambda: type('Mine', (TextTok,), {})().split('a'), NotImplementedError, 'Mine must define `split`'),
    (lambda: BPETok().words, ValueError, 'these byte pairs have not been learnt yet: `train` them on a text'),
    (lambda: BPETok(256), ValueError, "byte pairs start from 256 bytes and 'xxbos': `vocab_sz` must be at least 257, got 256"),
    (lambda: BPETok('a'), ValueError, "`vocab_sz` must be a whole number of at least 1, got 'a'"), (lambda: BPETok(min_freq=0), ValueError, '`min_freq` must be a whole number of at least 1, got 0'),
    (lambda: TextVocab('ab', max_vocab=2), ValueError, '`max_vocab` must be more than 2, the number of special tokens, got 2')])
def test_what_is_wrong(f, error, want):
    with says(error, want): f()

@pytest.mark.parametrize('lacks,f,want', [
    ('tokenizers', BPETok, "byte pairs need Hugging Face's tokenizers: pip install tokenizers"), ('fastai.text.core', lambda: FastaiTok().split('a'), "fastai's tokens need spaCy: pip install spacy")])
def test_what_to_install(lacks, f, want, monkeypatch):
    monkeypatch.setitem(sys.modules, lacks, None)
    with says(ImportError, want): f()

@pytest.mark.parametrize('tokens,want', [
    ('xxrep 3 a b','aaa b'), ('xxwrep 2 a b','a a b'), ('xxrep 3 7 5','777 5'), ('4 a xxrep b 3','4 a b 3'), ('xxmaj a b xxup cd ef','A b CD ef')])
def test_a_rule_holds_for_one_word(tokens, want): assert FastaiTok().join(tokens.split())==want

def test_byte_pairs_keep_their_settings():
    text = ['ab '*9+'cd '*5]
    assert [BPETok(n, k).train(text).words[257:] for n,k in ((400,1),(400,6),(400,9),(400,10),(258,1))]==[['ab','Ġab','cd','Ġcd'],['ab','Ġab'],['ab'],[],['ab']]
    got = BPETok(300, 6).train(text)
    assert repr(BPETok(**got.state()))==repr(got.train(text))==repr(got)=='BPETok(300, 6, trained)' and BPETok(**got.state()).words==got.words
