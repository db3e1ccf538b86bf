"An n-gram model that counts, against one that is counted by hand and one with dictionaries"
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from conftest import few,says
from human_lm.text.ngram import KneserNey,_discounts,_found

pytestmark = pytest.mark.filterwarnings('ignore:divide by zero')  # where a discount is zero, so is the probability of what never came

def plain(train, text, vocab_sz, order):
    "The same, longhand: a `dict` of counts for each length, and one token after the other (Chen and Goodman, 1998, section 4.1.6)"
    counts = {order:{}}
    for i in range(len(train)-order+1):
        g = tuple(train[i:i+order])
        counts[order][g] = counts[order].get(g, 0)+1
    for k in range(order-1, 0, -1):
        counts[k] = {}
        for g in counts[k+1]: counts[k][g[1:]] = counts[k].get(g[1:], 0)+1
    def discount(k, c):
        n1,n2,n3,n4 = (max(list(counts[k].values()).count(i), 1) for i in (1,2,3,4))
        y = n1/(n1+2*n2)
        d = [0, 1-2*y*n2/n1, 2-3*y*n3/n2, 3-4*y*n4/n3]
        return min(max(d[min(c,3)], 0), min(c,3))
    def prob(history, w, k):
        if not k: return 1/vocab_sz
        h = tuple(history[len(history)-k+1:])
        after = {g[-1]:c for g,c in counts[k].items() if g[:-1]==h}
        lower,total = prob(history, w, k-1),sum(after.values())
        if not total: return lower
        return (after.get(w, 0)-discount(k, after.get(w, 0)) + lower*sum(discount(k, c) for c in after.values()))/total
    return [math.log(p) if (p := prob(text[:i], w, min(i+1, order))) else -math.inf for i,w in enumerate(text)]

@few(40)
@given(st.integers(1, 4), st.integers(1, 5), st.data())
def test_agrees_with_a_plain_one(order, vocab_sz, data):
    tokens = st.integers(0, vocab_sz-1)
    train,text = data.draw(st.lists(tokens, min_size=order, max_size=60)),data.draw(st.lists(tokens, max_size=9))
    np.testing.assert_allclose(KneserNey(train, vocab_sz, order).logp(text), plain(train, text, vocab_sz, order), rtol=1e-9)

def test_a_long_text():
    "All discounts are at work, and tokens that never came have a probability too"
    rng = np.random.default_rng(0)
    train,text = (rng.geometric(0.3, n).clip(max=9).tolist() for n in (600,60))
    for order in (1,2,3): np.testing.assert_allclose(KneserNey(train, 12, order).logp([*text,11,0]), plain(train, [*text,11,0], 12, order), rtol=1e-9)

def test_by_hand():
    "Both orders of a b a, from the counts on paper"
    m = KneserNey([0,1,0], 3, 2)
    # pairs ab and ba, once each; before a stood b alone, before b a alone: every count is 1
    d1 = 1-2*(2/(2+2*1))*1/2  # n1 = 2, and n2 = 0 is taken for 1
    uni = [((1-d1)+2*d1/3)/2]*2+[2*d1/3/2]
    after_a = [d1*uni[0], (1-d1)+d1*uni[1], d1*uni[2]]
    np.testing.assert_allclose(np.exp(m.logp([0,1])), [uni[0],after_a[1]])
    np.testing.assert_allclose([np.exp(m.logp([0,w]))[1] for w in range(3)], after_a)
    assert _discounts(np.array([1,1,2,3,3,4])).tolist()==[0, 0.5, 0, 2] and _found(np.array([3,4,9]), np.array([3,5]), np.array([7,8])).tolist()==[7,0,0]
    assert _found(np.array([3]), np.array([]), np.array([])).tolist()==[0]

@given(st.integers(1, 5), st.lists(st.integers(0, 3), min_size=5, max_size=40), st.lists(st.integers(0, 3), max_size=6))
def test_probabilities_add_up_to_one(order, train, before):
    m = KneserNey(train, 4, order)
    assert sum(np.exp(m.logp([*before,w])[-1]) for w in range(4))==pytest.approx(1)

def test_texts_too_short_for_the_order():
    m = KneserNey([0,1,1,0,1], 2)
    assert m.order==5 and m.logp([]).shape==(0,) and m.logp([1]).shape==(1,)
    assert m.logp([0,1,1]).tolist()==m.logp([0,1,1,0,1,0])[:3].tolist() and m.logp(np.array([1,0], np.uint8)).tolist()==m.logp([1,0]).tolist()

@pytest.mark.parametrize('ids,vocab_sz,order,want', [
    ([0,1], 2, 3, 'a text of 2 tokens has no n-grams of 3'), ([0]*20, 2**31, 2, None), ([0]*20, 2**31+1, 2, 'n-grams of 2 tokens out of 2147483649 are too long: use an `order` of at most 1'),
    ([0]*70, 1, 62, None), ([0]*70, 2, 63, 'n-grams of 63 tokens out of 2 are too long: use an `order` of at most 62'), ([0]*9, 5, 21, 'n-grams of 21 tokens out of 5 are too long: use an `order` of at most 20'),
    ([0,2], 2, 1, 'the text must be one row of token indices from 0 to 1'), ([-1,0], 2, 1, 'the text must be one row of token indices from 0 to 1'),
    ([[0,1]], 2, 1, 'the text must be one row of token indices from 0 to 1'), ([], 2, 1, 'a text of 0 tokens has no n-grams of 1'), ([0,1], 2, 2, None),
    ([0], 0, 1, '`vocab_sz` must be a whole number of at least 1, got 0'), ([0], 1, 0, '`order` must be a whole number of at least 1, got 0')])
def test_what_can_be_counted(ids, vocab_sz, order, want):
    if want is None:
        assert KneserNey(ids, vocab_sz, order).order==order
        return
    with says(ValueError, want): KneserNey(ids, vocab_sz, order)
