"Long texts are the texts that `spell` spells"
import pytest,torch
from hypothesis import given, strategies as st

from human_lm.all import *

numbers = st.integers(1, 10**12-1)

def plain(*ranges, sep='.'): return number_tokens([spell(n) for r in ranges for n in r], sep)

@given(numbers, st.integers(1, 12), st.sampled_from([1,2,999,1000]), st.integers(1, 5))
def test_streams_are_those_of_the_list(start, n, step, block):
    r = range(start, min(start+n*step, 10**12), step)
    for rng in (r, r[::-1]):
        vocab,nums = number_stream(rng, block=block)
        assert vocab.decode(nums)==list(plain(rng)) and nums.dtype==torch.uint8

def test_the_chapters_text():
    vocab,nums = number_stream(*corpus_files.values())
    tokens = number_tokens(read_lines(human_numbers()))
    assert vocab==Vocab(tokens) and torch.equal(nums.long(), vocab.encode(tokens))

def test_every_number_below_ten_thousand_and_another_separator():
    vocab,nums = number_stream(range(1, 10_000), sep=';')
    assert vocab.decode(nums)==list(plain(range(1, 10_000), sep=';'))

@pytest.mark.parametrize('top,n', [(9,30), (999_999,30), (10**6,31), (10**9,32), (10**12-1,32)])
def test_vocabulary(top, n): assert len(number_vocab(top))==n

def test_vocabulary_unless_one_asks():
    assert number_vocab()==number_vocab(9999, '.')==number_stream(range(1, 9))[0] and '.' in number_vocab()

@pytest.mark.parametrize('scale', [10**3,10**6,10**9])
def test_blocks_that_end_at_a_scale(scale):
    for r in (range(scale-1, scale+1), range(scale, scale-2, -1), range(scale, scale+1)):
        vocab,nums = number_stream(r)
        assert vocab.decode(nums)==list(plain(r))

def test_empty_ranges_are_left_out(): assert torch.equal(number_stream(range(5, 5), range(1, 9))[1], number_stream(range(1, 9))[1])

def test_bar_comes_late(monkeypatch, capsys):
    import fastprogress.fastprogress as fp
    made = []
    class Bar:
        def __init__(self, gen): self.n,self.seen = len(gen),[]; made.append(self)
        def update(self, i): self.seen.append(i)
    monkeypatch.setattr(fp, 'progress_bar', Bar)
    number_stream(range(1, 100), block=10)
    assert not made
    number_stream(range(1, 100), block=10, bar_after=0)
    assert made[0].n==10 and made[0].seen==[0,*range(1, 11)]
    monkeypatch.setattr('human_lm.training.numbers.time.perf_counter', iter([5.,6.,7.,7.5]).__next__)  # after more than two seconds
    number_stream(range(1, 50), block=10)
    assert len(made)==2 and made[1].seen==[0,3,4,5]

@pytest.mark.parametrize('f,says', [
    (lambda: number_stream(), '^there is no number to spell: the ranges are empty$'), (lambda: number_stream(range(0)), 'no number to spell'),
    (lambda: number_stream(range(0, 5)), 'from 1 on, got 0'), (lambda: number_stream(range(5, -5, -1)), 'from 1 on, got -4'),
    (lambda: number_stream(range(10**12, 10**12+1)), '999,999,999,999, got 1,000,000,000,000'),
    (lambda: number_stream(range(1, 5), block=0), '`block` must be a whole number of at least 1, got 0'),
    *[(lambda sep=sep: number_stream(range(1, 5), sep=sep), 'one token that is no word of a number') for sep in ('one', 'hundred', 'million', '', ' ', 'a b', '. ')],
    (lambda: number_vocab(0), '`top` must be a whole number of at least 1, got 0')])
def test_bad_input(f, says):
    with pytest.raises(ValueError, match=says): f()
