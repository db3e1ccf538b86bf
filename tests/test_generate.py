"Writing, counting and the cache: what a reader of the notebooks need not see"
import copy,itertools
from types import SimpleNamespace

import pytest,torch
from hypothesis import given,settings,strategies as st

from human_lm.all import (CacheReader,Count,TokenReader,Vocab,count_length,count_on,generate,hold_out,largest_number,next_number_accuracy,
                      next_numbers,number_ids,text_perplexity,read_rows,spell,tune_cache,measure,batch_rows,chapter_corpus,recipe,chapter_learner,FlatSeqs,Recipe,split_seqs,validation_rows,LMModel1,LMModel2,LMModel3,LMModel4,LMModel5,LMModel6,LMModel7,
                      GRULMModel7)
from conftest import says
from human_lm.text.generate import choose,generate_texts
from human_lm.text.tokens import TextVocab,split_chars,split_words

words = Vocab([o for n in itertools.chain(range(1,30), range(90,120), range(1000,1003), range(10,100,10)) for o in (*spell(n).split(), '.')])
makers = [lambda: LMModel1(len(words), 8), lambda: LMModel2(len(words), 8), lambda: LMModel3(len(words), 8), lambda: LMModel4(len(words), 8),
          lambda: LMModel5(len(words), 8, 2), lambda: LMModel6(len(words), 8, 2), lambda: LMModel7(len(words), 8, 2, 0.5),
          lambda: GRULMModel7(len(words), 8, 2, 0.5)]

@pytest.fixture(params=makers, ids=lambda o: type(o()).__name__)
def model(request):
    torch.manual_seed(0)
    return request.param()

class Script(torch.nn.Module):
    "Writes a text that was given to it, whatever it reads, if what it read is how the text begins"
    def __init__(self, text):
        super().__init__()
        self.text,self.h_o = words.encode(text),torch.nn.Linear(1, len(words))
class ScriptReader(TokenReader):
    "Knows the place by the number of tokens read"
    def reset(self): self.read = 0
    def save(self): return self.read
    def restore(self, saved): self.read = saved
    def __call__(self, ids):
        n = ids.shape[1]
        self.read += n
        return torch.nn.functional.one_hot(self.model.text[self.read-n+1:self.read+1], len(words)).float()[None].expand(len(ids), -1, -1)

def counting_script(start, stop, **wrong):
    "A reader that counts from `start` to `stop`; the numbers named in `wrong`, as in n12='one', are written otherwise"
    return ScriptReader(Script(' '.join(f"{wrong.get(f'n{n}', spell(n))} ." for n in range(start, stop+1))))

def test_traceless(model):
    "Writing leaves mode, state, weights and torch's random state as they were, even when it is broken off"
    if hasattr(model, 'reset'): model(torch.randint(0, len(words), (3,3)))
    model.train()
    list(model.children())[-1].eval()  # a mode of its own
    h,modes,sd,rng = getattr(model, 'h', None),[o.training for o in model.modules()],copy.deepcopy(model.state_dict()),torch.get_rng_state()
    it = generate(model, 'one . two .', words, 5, temperature=1., seed=1)
    next(it)
    assert getattr(model, 'h', None) is h and [o.training for o in model.modules()]==modes
    list(it)
    list(zip(range(2), count_on(model, words, 5, 9)))
    CacheReader(model)(torch.zeros(1, 5, dtype=torch.long))
    assert getattr(model, 'h', None) is h and [o.training for o in model.modules()]==modes
    assert all(torch.equal(v, sd[k]) for k,v in model.state_dict().items()) and torch.equal(rng, torch.get_rng_state())
    assert not model.h_o._forward_pre_hooks

def test_greedy_is_argmax(model):
    "Each token is the likeliest one after all that came before"
    out = list(generate(model, 'one . two .', words, 6))
    ids = words.encode(['one','.','two','.',*out])
    scores = TokenReader(model)(ids[None])[0]
    assert words.decode(scores[3:-1].argmax(-1))==out

@settings(max_examples=30, deadline=None)
@given(st.integers(0, 7), st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(1, 3), st.booleans())
def test_pieces(i, pieces, bs, cached):
    "In pieces or as a whole, with a cache or without: the same scores"
    torch.manual_seed(i)
    m = makers[i]()
    r = CacheReader(m, size=4, lam=0.4) if cached else TokenReader(m)
    x = torch.randint(0, len(words), (bs,sum(pieces)))
    whole = r(x)
    r.reset()
    torch.testing.assert_close(torch.cat([r(o) for o in x.split(pieces, dim=1)], dim=1), whole, rtol=1e-4, atol=1e-5)

def test_two_readers(model):
    "Two readers of one model do not disturb each other"
    a,b,x = TokenReader(model),TokenReader(model),torch.randint(0, len(words), (2,8))
    a(x[:,:4]); b(x[:1,:3])
    torch.testing.assert_close(a(x[:,4:]), TokenReader(model)(x)[:,4:], rtol=1e-4, atol=1e-5)

def test_other_rows(model):
    r = TokenReader(model)
    r(torch.zeros(2, 4, dtype=torch.long))
    with pytest.raises(ValueError, match=r'reset\(\)'): r(torch.zeros(1, 4, dtype=torch.long))

def test_error_gives_back():
    "An index that is too large is an error, and the model is as before"
    m = LMModel6(len(words), 8, 2)
    m(torch.zeros(2, 3, dtype=torch.long))
    h = m.h
    with pytest.raises(IndexError): TokenReader(m)(torch.tensor([[len(words)]]))
    assert m.h is h and m.training

def test_sampling():
    m = LMModel7(len(words), 8, 2, 0.5)
    def write(**kw): return list(generate(m, 'one .', words, 30, temperature=2., **kw))
    assert write(seed=3)==write(seed=3)!=write(seed=4)
    assert write(seed=3, top_k=1)==list(generate(m, 'one .', words, 30))
    torch.manual_seed(1); a = write()
    torch.manual_seed(1); assert write()==a  # without a seed of its own, torch's counts

def test_top_k_beyond_vocab():
    g = torch.Generator().manual_seed(0)
    assert {choose(torch.zeros(3), 1., 10, generator=g) for _ in range(60)}=={0,1,2}

@settings(max_examples=30)
@given(st.lists(st.integers(-4, 4), min_size=2, max_size=7), st.integers(1, 8), st.sampled_from([0.,0.3,0.5,0.9,1.]), st.sampled_from([0.,0.2,0.7,1.]),
       st.sampled_from([0.5,1.,2.]))
def test_what_may_be_drawn(scores, top_k, top_p, min_p, temperature):
    "The three filters, longhand, one after the other as in Hugging Face's `generate`"
    probs = (torch.tensor(scores).double()/temperature).softmax(0).tolist()
    left = sorted(range(len(probs)), key=lambda i: (-probs[i],i))[:top_k]
    total = sum(probs[i] for i in left)
    kept,before = [],0.
    for i in left:
        if not kept or before<top_p-1e-12: kept.append(i)
        before += probs[i]/total
    kept = [i for i in kept if probs[i]>=min_p*probs[kept[0]]-1e-12]
    g = torch.Generator().manual_seed(0)
    drawn = {choose(torch.tensor(scores).float(), temperature, top_k, top_p, min_p, g) for _ in range(60)}
    assert {i for i in kept if probs[i]>0.15*sum(probs[j] for j in kept)}<=drawn<=set(kept)

def test_equally_likely_ones_do_not_pass_top_k():
    g = torch.Generator().manual_seed(0)
    assert {choose(torch.tensor([0.,1.,1.,1.]), 1., 2, generator=g) for _ in range(60)}=={1,2}

@pytest.mark.parametrize('bad', [float('nan'), float('inf')])
@pytest.mark.parametrize('temperature', [None, 1.])
def test_scores_that_are_no_numbers(bad, temperature):
    with pytest.raises(ValueError, match='NaN'): choose(torch.tensor([0.,bad,1.]), temperature)
    m = LMModel6(len(words), 4, 1)
    with torch.no_grad(): m.h_o.bias[2] = bad
    with pytest.raises(ValueError, match='NaN'): list(generate(m, 'one', words, 3, temperature=temperature))

def test_failed_read_leaves_no_trace(model):
    "A wrong index is an error each time, and what was read before is gone on from"
    r,good = TokenReader(model),torch.randint(0, len(words), (1,5))
    r(good[:,:4])
    want = TokenReader(model)(good)[:,4:]
    with pytest.raises(IndexError): r(torch.tensor([[len(words)+3]]))
    torch.testing.assert_close(r(good[:,4:]), want, rtol=1e-4, atol=1e-5)

def test_stops():
    m = LMModel4(len(words), 4)
    whole = list(generate(m, 'one', words, 60, temperature=3., seed=0))
    t = whole[9]
    assert list(generate(m, 'one', words, 60, temperature=3., seed=0, eos_token=t))==whole[:whole.index(t)+1]
    pair = ' '.join(whole[7:9])
    for stop in (pair, ['never there',pair]):
        got = list(generate(m, 'one', words, 60, temperature=3., seed=0, stop_strings=stop))
        assert pair in ' '.join(got) and pair not in ' '.join(got[:-1]) and got==whole[:len(got)]

def test_repetition_penalty():
    "As in Hugging Face's: positive scores of tokens that were there are divided, negative ones multiplied, those of the prompt too"
    m = LMModel4(len(words), 4)
    with torch.no_grad():
        for p in m.parameters(): p.zero_()
        m.h_o.bias[:4] = torch.tensor([3.,2.9,2.,1.])
    assert words.encode(list(generate(m, 'one', words, 4))).tolist()==[0]*4
    start = words[5]
    # 3 and 2.9 become 1, 0.97; then 2, 1.33 … and 1 stays the largest that was not there
    assert words.encode(list(generate(m, start, words, 4, repetition_penalty=3.))).tolist()==[0,1,2,0]
    assert words.encode(list(generate(m, [start,words[0]], words, 2, repetition_penalty=3.))).tolist()==[1,2]
    with torch.no_grad(): m.h_o.bias[:] = -1.
    assert words.encode(list(generate(m, words[0], words, 2, repetition_penalty=2.))).tolist()==[1,2]

def test_several_prompts(model):
    "A row's text is the one that it would write alone, whatever stands beside it"
    prompts = ['one . two .', 'ninety nine .', 'three . four . five .']
    for kw in (dict(), dict(temperature=1.5, top_p=0.9), dict(temperature=1., eos_token='.')):
        got = generate_texts(model, prompts, words, 6, seed=4, **kw)
        assert got==[' '.join(generate(model, o, words, 6, seed=4+i, **kw)) for i,o in enumerate(prompts)]
    assert generate_texts(model, [], words)==[] and generate_texts(model, prompts, words, 0)==['']*3

def test_several_prompts_need_a_list_and_a_model():
    m = LMModel4(len(words), 4)
    with pytest.raises(TypeError, match='a list of prompts'): generate_texts(m, 'one', words)
    with pytest.raises(TypeError, match='got a CacheReader'): generate_texts(CacheReader(m), ['one'], words)

def test_unknown_words_are_named():
    v = TextVocab(split_words.split('the license and the law, the license'), 1, tok=split_words)
    m = LMModel4(len(v), 4)
    with pytest.warns(UserWarning, match="lacks 'zzz', 'qqq' of the prompt") as said: list(generate(m, 'The ZZZ license zzz qqq', v, 2))
    assert len(said)==1
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert list(generate(m, 'The License', v, 5))==list(generate(m, ['the','license'], v, 5))

def test_unknown_is_never_written():
    v = Vocab(['xxunk','a','b'])
    m = LMModel4(3, 4)
    with torch.no_grad(): m.h_o.bias[0] = 100
    assert 'xxunk' not in list(generate(m, 'a', v, 20)) + list(generate(m, 'a', v, 20, temperature=1., seed=0))

def test_endless():
    assert len(list(itertools.islice(generate(LMModel4(len(words), 4), 'one', words, None), 70)))==70

@pytest.mark.parametrize('kw,error,text', [
    (dict(prompt='one zillion'), ValueError, 'zillion'), (dict(prompt=[]), ValueError, 'empty'), (dict(temperature=-1), ValueError, 'positive'),
    (dict(temperature=0), ValueError, 'positive'), (dict(temperature='hot'), ValueError, 'positive'), (dict(temperature=float('inf')), ValueError, 'positive'),
    (dict(top_k=2), ValueError, 'temperature'), (dict(temperature=1, top_k=1.5), ValueError, 'top_k'), (dict(n=2.), ValueError, '`n`'),
    (dict(temperature=1, top_p=-0.1), ValueError, '`top_p` must lie between 0 and 1'), (dict(temperature=1, top_p=1.1), ValueError, '`top_p`'), (dict(top_p=0.5), ValueError, 'needs a `temperature`'),
    (dict(temperature=1, min_p=2), ValueError, '`min_p`'), (dict(repetition_penalty=0), ValueError, '`repetition_penalty`'), (dict(repetition_penalty='x'), ValueError, '`repetition_penalty`'),
    (dict(eos_token='end'), ValueError, 'never come'), (dict(stop_strings=''), ValueError, 'not empty'), (dict(stop_strings=[3]), ValueError, 'not empty'),
    (dict(vocab=None), TypeError, 'a learner has its own'), (dict(vocab='one'), TypeError, '`vocab` must be the vocabulary'), (dict(vocab=Vocab(['one','.'])), ValueError, '2')])
def test_bad_generate(kw, error, text):
    with pytest.raises(error, match=text): generate(**{**dict(model=LMModel4(len(words), 4), vocab=words, prompt='one'), **kw})

@pytest.mark.parametrize('kw,want', [
    (dict(prompt=''), 'the prompt is empty: give at least one token to go on from'), (dict(stop_strings=['']), '`stop_strings` must be texts that are not empty'),
    (dict(top_k=2), '`top_k` chooses what may be drawn, so it needs a `temperature`, such as 1'), (dict(top_p=0.), '`top_p` chooses what may be drawn, so it needs a `temperature`, such as 1'),
    (dict(min_p=0.), '`min_p` chooses what may be drawn, so it needs a `temperature`, such as 1'), (dict(repetition_penalty=float('inf')), '`repetition_penalty` must be a positive number, got inf; 1 is none'),
    (dict(model=LMModel1(len(words), 4), prompt='one two'), 'the prompt has 2 tokens, but this model reads 3 at once: give it at least 3'),
    (dict(vocab=Vocab('ab')), f'the model knows {len(words)} tokens, but the vocabulary has 2: use the one that it was trained with'), (dict(n=True), '`n` must be a whole number of at least 0, or None, got True')])
def test_what_is_wrong(kw, want):
    with says(ValueError, want): generate(**{**dict(model=LMModel4(len(words), 4), vocab=words, prompt='one'), **kw})

def test_what_is_wrong_with_models_and_prompts():
    m = LMModel4(len(words), 4)
    with says(TypeError, '`vocab` must be the vocabulary that the model was trained with, got a str; a learner has its own'): generate(m, 'one', 'one')
    with says(TypeError, '`prompts` must be a list of prompts, got a text: for a single one there is `generate`'): generate_texts(m, 'one', words)
    with says(ValueError, '`n` must be a whole number of at least 0, or None, got -1'): generate_texts(m, ['one'], words, -1)
    with says(ValueError, 'the scores are no numbers (NaN) or infinite, so there is no likeliest token: training has failed, or the model was damaged; train it anew, with a smaller learning rate'):
        choose(torch.tensor([0.,float('nan')]))

def test_the_ends_of_what_may_be_drawn():
    "A tiny temperature and filters at the ends of their range are no mistakes"
    assert choose(torch.tensor([1.,3.]), 5e-324)==1
    assert {choose(torch.zeros(2), 1., top_p=0.5) for _ in range(20)}=={0} and {choose(torch.zeros(2), 1., min_p=1) for _ in range(40)}=={0,1}
    m = LMModel4(len(words), 4)
    greedy = list(generate(m, 'one', words, 9))
    for kw in (dict(top_p=0), dict(min_p=1)): assert list(generate(m, 'one', words, 9, temperature=9., seed=0, **kw))==greedy
    for kw in (dict(top_p=1), dict(min_p=0)): assert list(generate(m, 'one', words, 9, temperature=9., seed=0, **kw))==list(generate(m, 'one', words, 9, temperature=9., seed=0))

def scored(*bias, vocab=words):
    "A model with these scores, whatever it reads; -99 for the other tokens"
    m = LMModel4(len(vocab), 1)
    with torch.no_grad():
        for p in m.parameters(): p.zero_()
        m.h_o.bias.fill_(-99.)[:len(bias)] = torch.tensor(bias)
    return m

def test_small_scores_are_made_worse_too():
    assert words.encode(list(generate(scored(0.5, 0.4), words[0], words, 2, repetition_penalty=3.))).tolist()==[1,0]

def test_stops_where_the_text_says_so():
    "The text that the vocabulary makes of the tokens, which have no space between them here"
    v = TextVocab.of(list('abc'), split_chars)
    m = scored(1., 1., 1., vocab=v)
    for stop in ('c','ab','abc'):
        whole = ''.join(generate(m, 'a', v, 60, temperature=1., seed=0))
        assert ''.join(generate(m, 'a', v, 60, temperature=1., seed=0, stop_strings=stop))==whole[:whole.index(stop)+len(stop)]

def test_texts_alone():
    "One prompt is a list too; fifty tokens, none of them unknown"
    v = TextVocab.of(['xxunk','a','b'])
    assert generate_texts(scored(9., 3., vocab=v), ['b'], v)==[' '.join('a'*50)]
    m = scored(0., 9.)
    m.dls = SimpleNamespace(vocab=words)  # a model that knows its loaders is no learner
    assert list(generate(m, 'one', n=2))==[words[1]]*2

def test_warning_names_the_word():
    v = TextVocab('aaa')
    with pytest.warns(UserWarning) as said: generate(LMModel4(3, 4), 'b', v)
    assert str(said[0].message)=="the vocabulary lacks 'b' of the prompt: the model reads 'xxunk' there"

def test_scripted_count():
    "A reader that is known to be right, or wrong in one place, is found to be just that"
    assert count_length(counting_script(1, 29), words, 5, 29, before=4)==Count(25, None, None)
    assert next_number_accuracy(counting_script(1, 29), words, 5, 29, before=4)==1
    off = counting_script(1, 29, n12='eleven')
    assert count_length(off, words, 5, 29, before=4)==Count(7, 12, 'eleven')
    assert [n for n,right in next_numbers(off, words, 5, 29, before=4).items() if not right]==[12]
    seen = list(count_on(off, words, 5, 29, before=4))
    assert [o.number for o in seen]==list(range(5, 30)) and [o.number for o in seen if not o.right]==[12]

def test_too_long_or_short_is_wrong():
    "A number that goes on where it should end is wrong, and so is one that ends too soon"
    assert count_length(counting_script(1, 29, n22='twenty two six'), words, 20, 29).number==22
    assert count_length(counting_script(1, 29, n22='twenty'), words, 20, 29).number==22
    assert not next_numbers(counting_script(1, 29, n22='twenty one'), words, 20, 29)[22]

def test_count_never_ends_without_separator():
    m = LMModel4(len(words), 4)
    with torch.no_grad():
        for p in m.parameters(): p.zero_()
        m.h_o.bias[words.w2i['one']] = 1
    assert count_length(m, words, 5, 9)==Count(0, 5, ' '.join(['one']*12))

def test_long_numbers_are_written_to_their_end(monkeypatch):
    "However many words a number has; and one that goes on beyond them is wrong, and stops"
    n = 21_777_776
    monkeypatch.setitem(globals(), 'words', Vocab([*words, 'million', *(o for i in range(n-2, n+3) for o in spell(i).split())]))
    right = ScriptReader(Script(' . '.join(spell(i) for i in range(n-2, n+3))+' .'))
    assert count_length(right, words, n, n+2, before=2)==Count(3, None, None)
    wrong = ScriptReader(Script(' . '.join([spell(n-2), spell(n-1), spell(n)+' one'*9])))
    assert count_length(wrong, words, n, n+2, before=2)==Count(0, n, spell(n)+' one')

@settings(max_examples=20, deadline=None)
@given(st.integers(0, 7), st.integers(2, 20), st.integers(0, 9), st.integers(1, 6))
def test_written_as_read(i, start, n, before):
    "One pass over the true count tells what writing number by number tells"
    torch.manual_seed(i)
    m = makers[i]()
    with torch.no_grad(): m.h_o.bias[words.w2i['.']] += 0.3
    assert [o.right for o in count_on(m, words, start, start+n, before)]==list(next_numbers(m, words, start, start+n, before).values())

@pytest.mark.parametrize('start,stop,text', [(9,8,'no numbers'), (1,5,'2 or more'), (0,5,'2 or more'), (2.,5,'start'), ('2',5,'start'), (True,5,'start'), (5,None,'stop'), (2,10**6,'million|thousand')])
def test_bad_range(start, stop, text):
    m = LMModel4(len(words), 4)
    if stop==10**6: start = stop-1
    with pytest.raises(ValueError, match=text): next_numbers(m, words, start, stop)

def test_perplexity():
    m = LMModel4(len(words), 4)
    with torch.no_grad():
        for p in m.h_o.parameters(): p.zero_()
    ids = number_ids(words, 1, 20)
    assert text_perplexity(m, ids)==pytest.approx(len(words), rel=1e-4)
    with torch.no_grad(): m.h_o.bias[words.w2i['.']] = 60
    share = (ids[1:]==words.w2i['.']).float().mean().item()
    rows = read_rows(m, ids)
    assert rows.hits.float().mean().item()==pytest.approx(share)
    assert rows.nll.shape==rows.hits.shape==(1,len(ids)-1)

def test_rows_in_pieces():
    m,ids = LMModel5(len(words), 8, 1),number_ids(words, 1, 29)
    a,b = (read_rows(m, ids, [0,7,20], 15, piece=o) for o in (4,100))
    assert torch.equal(a.hits, b.hits) and torch.allclose(a.nll, b.nll, atol=1e-5)
    with pytest.raises(ValueError, match='do not fit'): read_rows(m, ids, [len(ids)-5], 5)
    with pytest.raises(ValueError, match='do not fit'): read_rows(m, ids, [-1], 5)

def test_cache_repeats():
    "A cache learns a text that repeats itself, which the model has never seen"
    torch.manual_seed(0)
    m = LMModel5(len(words), 16, 1)
    text = words.encode('one seven two . four nine three ten '*12)
    bare,cached = (read_rows(o, text).hits[0,-40:].float().mean().item() for o in (m, CacheReader(m, theta=20., lam=0.95)))
    assert bare<0.5 and cached==1.

def test_cache_size():
    "What lies further back than `size` is forgotten"
    m = LMModel5(len(words), 8, 1)
    a,b = (words.encode(o+' one two . three four') for o in ('five six seven', 'nine ten eight'))
    r = CacheReader(m, size=3, lam=0.9, theta=0.)
    for ids in (a,b):
        r.reset()
        p = r(ids[None])[0,-1].exp()
        # theta 0: the last three next-tokens share the cache evenly
        assert [p[words.w2i[o]].item()>0.29 for o in ('two','.','three','four')]==[False,True,True,True]

def test_tune_finds_what_helps():
    torch.manual_seed(0)
    m = LMModel5(len(words), 16, 1)
    text = words.encode('one seven two . four nine three ten '*20)
    best,nll = tune_cache(m, text, [0], len(text)-1)
    assert best['lam']==0.8 and nll[best['theta'],best['lam']]==min(nll.values())
    with pytest.raises(ValueError, match='cannot be cut'): hold_out(words, words.encode('one . two .'), 2, 5)

def test_as_many_tokens_as_asked():
    m = LMModel4(len(words), 4)
    whole = list(generate(m, 'one', words))
    assert len(whole)==50
    for n in (0,1,7): assert list(generate(m, 'one', words, n))==whole[:n]

def test_a_reader_is_used_as_it_is():
    "A cache that a person brings is asked, and starts anew"
    torch.manual_seed(0)
    m = LMModel5(len(words), 8, 1)
    text = 'one two three four '*3
    reader = CacheReader(m, theta=100., lam=0.99)
    reader(words.encode('nine ten nine ten nine ten nine ten')[None])
    out = list(generate(reader, text+'one', words, 3))
    assert out==['two','three','four']!=list(generate(m, text+'one', words, 3))

def test_temperature():
    "Cold, the likeliest always; hot, all alike; and scores that are too large for the exponential do no harm"
    def drawn(scores, t): return [choose(torch.tensor(scores), t, generator=torch.Generator().manual_seed(i)) for i in range(300)]
    assert set(drawn([0.,1.], 0.05))=={1}
    assert 110<sum(drawn([0.,1.], 100.))<190
    assert 50<300-sum(drawn([0.,1.], 1.))<110  # 1/(1+e) of 300 is 81
    assert set(drawn([1e30,2e30], 1e-8))=={1}

def test_measures_are_those_of_the_parts():
    torch.manual_seed(0)
    reader,ids,rows = counting_script(1, 29, n17='ten'),number_ids(words, 1, 29),([0], 40)
    class Fresh(ScriptReader):
        def __init__(self): self.model,self.read = reader.model,0
    m = LMModel5(len(words), 8, 1)
    read = read_rows(m, ids, *rows)
    res = measure(m, words, ids, rows, 5, 9)
    assert res==dict(accuracy=read.hits.float().mean().item(), perplexity=read.nll.mean().exp().item(),
                     next_number_accuracy=next_number_accuracy(m, words, 5, 9), count_length=0, mistake=[5, next(count_on(m, words, 5, 9)).words])
    assert text_perplexity(m, ids, starts=[0], length=40)==res['perplexity']!=text_perplexity(m, ids)
    res = measure(Fresh(), words, ids, rows, 2, 29)
    assert (res['count_length'],res['mistake'])==(15, [17,'ten']) and res['next_number_accuracy']==27/28

@pytest.mark.parametrize('n,bs,sl', [(1000,4,16), (66,4,16), (130,2,5)])
def test_batch_rows_are_those_of_group_chunks(n, bs, sl):
    seqs = FlatSeqs(torch.arange(n), sl)
    starts,each = batch_rows(seqs, bs)
    seqs = seqs.group_chunks(bs)
    assert starts==[seqs[j][0][0].item() for j in range(bs)] and each==len(seqs)//bs*sl

def test_batch_rows_of_the_chapter_and_of_too_little():
    assert batch_rows(FlatSeqs(torch.zeros(2+64*16).long()))==([16*j for j in range(64)], 16)
    with pytest.raises(ValueError, match='63 samples do not fill one batch of 64'): batch_rows(FlatSeqs(torch.zeros(1+64*16).long()))

def test_what_is_held_out():
    "The numbers to train with end before the first that is held out, and those end with the last"
    vocab,nums = chapter_corpus()
    def says(ids): return ' '.join(vocab.decode(ids))
    h = hold_out(vocab, nums)
    assert (h.start,h.stop)==(6083,8082) and torch.equal(torch.cat([h.train,h.held]), nums[:len(h.train)+len(h.held)])
    assert says(h.train[-5:])==spell(6082)+' .' and says(h.held[:4])==spell(6083) and says(h.held[-5:])==spell(8082)+' .'
    h = hold_out(vocab, nums, 2, 2)
    assert (says(h.train),says(h.held),h.start,h.stop)==('one .','two .',2,2)
    assert says(hold_out(vocab, nums, 9990, 9998).held[-7:])==spell(9998)+' .'
    for start,stop in ((1,5), (5,4), (5,8000), (8001,8100), (5,10000)):
        with pytest.raises(ValueError, match=f'before {start}, and those from {start} to {stop}'): hold_out(vocab, nums, start, stop)

@pytest.mark.parametrize('name,sl', [('LMModel1',3), ('LMModel3',3), ('LMModel6',16)])
def test_held_out_run(name, sl):
    "The chapter's run of a model, on the part to train with, from the seed"
    h,run = hold_out(*chapter_corpus()),recipe(name)
    def held(seed): return run.learner(seed, fast=True, part='held out')
    learn = held(3)
    for dl,part in zip(learn.dls, (h.train,h.held)):
        assert torch.equal(dl.dataset.nums.long(), part) and (dl.dataset.sl,dl.bs,dl.dataset.last)==(sl,64,sl==3)
    assert isinstance(learn.dls.train.dataset.starts, range)==(name=='LMModel1')
    assert torch.equal(learn.model.i_h.weight, chapter_learner(name, 3).model.i_h.weight)
    assert not torch.equal(learn.model.i_h.weight, held(0).model.i_h.weight)

def test_tuning_reads_the_rows_and_the_size_that_it_is_given():
    m,ids = LMModel5(len(words), 8, 1),number_ids(words, 1, 29)
    best,nll = tune_cache(m, ids, [0,5], 20, size=3)
    assert best['size']==3 and tune_cache(m, ids, [0], 5)[0]['size']==300
    for t,l in ((0.1,0.), (30.,0.8)):
        assert nll[t,l]==pytest.approx(read_rows(CacheReader(m, t, l, 3), ids, [0,5], 20).nll.mean().item())

def test_a_cache_remembers_what_was_saved():
    "Going back brings back what was read last, too"
    torch.manual_seed(0)
    r = CacheReader(LMModel5(len(words), 8, 1), theta=5., lam=0.5)
    ids = words.encode('one two . one two . one')[None]
    r(ids[:,:3])
    saved,want = r.save(),r(ids[:,3:])
    r(words.encode('nine nine nine')[None])
    r.restore(saved)
    assert torch.equal(r(ids[:,3:]), want)

def test_numbers_before_are_read():
    "How many, each measure is told"
    asked = []
    class Counting(TokenReader):
        def reset(self):
            super().reset()
            asked.append(0)
        def __call__(self, ids):
            asked[-1] += ids.shape[1]
            return super().__call__(ids)
    torch.manual_seed(0)
    reader = Counting(LMModel5(len(words), 8, 1))
    def read(f, *args):
        asked.clear()
        f(reader, words, 25, *args)
        return max(asked)
    def first(*args): return next(count_on(*args))
    assert read(first, 26)==read(first, 26, 20)!=read(first, 26, 21)
    for f,stop in ((next_numbers,26), (next_number_accuracy,26)):
        assert [read(f, stop, n) for n in (1,3)]==[len(number_ids(words, 25-n, 26))-1 for n in (1,3)] and read(f, stop)==read(f, stop, 20)<read(f, stop, 21)

def test_rows_that_do_not_fit():
    m,ids = LMModel4(len(words), 4),number_ids(words, 1, 9)
    assert read_rows(m, ids, [3]).hits.shape==read_rows(m, ids, [3,1]).hits[:1].shape==(1,len(ids)-4)
    for kw,want in ((dict(length=0), '`length` must be'), (dict(piece=0), '`piece` must be'),
                    (dict(starts=[1,2,3,30], length=5), rf'^rows of 6 tokens, starting at \[1, 2, 3\] …, do not fit in a stream of {len(ids)}$')):
        with pytest.raises(ValueError, match=want): read_rows(m, ids, **kw)
    for start,stop,want in ((0,5,'`start` must be'), (5,5.,'`stop` must be'), (5,4,'^there are no numbers from 5 to 4$')):
        with pytest.raises(ValueError, match=want): number_ids(words, start, stop)

def test_rows_to_validate_with():
    assert validation_rows(8, 5)==batch_rows(split_seqs(FlatSeqs(chapter_corpus()[1], 5))[1], 8)

def test_the_plain_way_unless_one_asks(monkeypatch):
    monkeypatch.setattr(Recipe, 'learner', lambda self, *how: how)
    assert chapter_learner('LMModel1')==(42,False) and chapter_learner('LMModel1', 7, True)==(7,True)

def test_largest_number():
    "Up to the first with a word that is not there"
    new = {spell(n).split()[-1]:n for n in (*range(1, 20), *range(20, 100, 10), 100, *(1000**k for k in range(1, 12)))}
    assert len(new)==39 and largest_number(Vocab(new))==1000**12-1
    for w,n in new.items(): assert largest_number(Vocab(new.keys()-{w}))==n-1

def test_measures_as_they_are_unless_one_asks(monkeypatch):
    "From 8,084 to 9,999, after twenty numbers"
    asked = []
    monkeypatch.setattr('human_lm.counting.measures.count_on', lambda *args: (asked.append(args), [])[1])
    monkeypatch.setattr('human_lm.counting.measures.next_number_accuracy', lambda *args: (asked.append(args), 1.)[1])
    assert count_length('model', words, 9000)==Count(1000, None, None) and asked==[('model',words,9000,9999,20)]
    m,rows = LMModel4(len(words), 4),(number_ids(words, 1, 9), ([0],5))
    for args,want in (((),(8084,9999)), ((7,8),(7,8))):
        asked.clear()
        measure(m, words, *rows, *args)
        assert asked==[(m,words,*want,20), (m,words,*want)]

@given(st.integers(1, 6), st.sampled_from([0.,0.3,2.]), st.sampled_from([0.,0.25,0.9]), st.lists(st.integers(1, 5), min_size=1, max_size=4))
@settings(max_examples=30)
def test_cache_agrees_with_a_naive_one(size, theta, lam, pieces):
    "A place at a time: the tokens that followed the last `size` activations, weighed by how alike they are to this one"
    torch.manual_seed(0)
    m,ids,kept = LMModel5(len(words), 8, 1).eval(),torch.randint(0, len(words), (2,sum(pieces))),[]
    hook = m.h_o.register_forward_pre_hook(lambda _,x: kept.append(x[0].detach()))
    with torch.no_grad(): want = m(ids).softmax(-1)
    hook.remove()
    m.reset()
    for row,acts in enumerate(kept[0]):
        for t in range(1, ids.shape[1]):
            before = list(range(max(0, t-size), t))
            weights = torch.stack([(theta*acts[t]@acts[i]).exp() for i in before])
            cached = torch.zeros(len(words))
            for i,w in zip(before, weights/weights.sum()): cached[ids[row,i+1]] += w
            want[row,t] = (1-lam)*want[row,t]+lam*cached
    r = CacheReader(m, theta, lam, size)
    got = torch.cat([r(o) for o in ids.split(pieces, 1)], 1)
    torch.testing.assert_close(got.exp(), want, rtol=1e-4, atol=1e-6)

def test_cache_unless_one_asks():
    r = CacheReader(LMModel5(len(words), 8, 1))
    assert (r.theta,r.lam,r.size)==(0.3,0.1,300)

@pytest.mark.parametrize('kw,says', [(dict(theta=-0.1), '`theta`.*got -0.1'), (dict(theta=float('inf')), '`theta`.*got inf'), (dict(lam=-0.1), '`lam`.*got -0.1'),
                                     (dict(lam=1.), '`lam`.*got 1.0'), (dict(size=0), 'size'), (dict(model=torch.nn.Linear(2, 2)), 'a Linear has no output layer')])
def test_bad_cache(kw, says):
    with pytest.raises(ValueError, match=says): CacheReader(**{'model':LMModel5(len(words), 8, 1), **kw})
