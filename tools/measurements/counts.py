"""The recipe of the network that points on other counts: by twos, downwards, in German, in French and in digits.
Read in nbs/63_counting.pointer.ipynb."""
import re,time
from dataclasses import dataclass
from functools import lru_cache

import torch
from num2words import num2words

from human_lm.counting.measures import as_reader
from human_lm.counting.pointer import pointer
from human_lm.data import Vocab,spell
from human_lm.runs.recipes import Recipe
from human_lm.training.sequences import FlatSeqs

def english(n): return spell(n).split()
def french(n): return re.split('[ -]', num2words(n, lang='fr'))
def digits(n): return list(str(n))

@lru_cache(maxsize=None)
def _german_parts():
    "What German numbers are put together from, the longest first"
    small = {num2words(n, lang='de') for n in (*range(1, 20), *range(20, 100, 10))}
    return '|'.join(sorted({*small, 'ein','und','hundert','tausend'}, key=len, reverse=True))

def german(n):
    "A German number is one word; here it is cut into those that it is put together from"
    word = num2words(n, lang='de')
    parts = re.findall(_german_parts(), word)
    assert ''.join(parts)==word, (word, parts)
    return parts

counts = {  # words of a number; the numbers that are learnt; those that are asked for
    'one by one': (english, range(1, 8084), range(8084, 10_000)),
    'by twos': (english, range(2, 8083, 2), range(8084, 10_000, 2)),
    'downwards': (english, range(9999, 2082, -1), range(2082, 999, -1)),
    'in German': (german, range(1, 8084), range(8084, 10_000)),
    'in French': (french, range(1, 8084), range(8084, 10_000)),
    'in digits': (digits, range(1, 8084), range(8084, 10_000))}

def tokens(words, numbers): return [w for n in numbers for w in (*words(n), '.')]

@dataclass(frozen=True)
class CountRecipe(Recipe):
    "A recipe for one of `counts`"
    count:str=''

    @property
    def learnt(self): return tokens(*counts[self.count][:2])
    def vocab(self): return Vocab(self.learnt)
    def seqs(self, part='final'): return (FlatSeqs(self.vocab().encode(self.learnt), self.sl, vocab=self.vocab()),)*2
    def model(self, vocab_sz=None): return Recipe.model(self, len(self.vocab()))

def recipe_of(count):
    "`pointer` for another count: it reads as many words behind the finger as the longest number has"
    words,learnt,asked = counts[count]
    vocab = Vocab(tokens(words, learnt))
    sizes = dict(pointer.sizes, sep=vocab.w2i['.'], n_read=max(len(words(n)) for n in (*learnt, *asked)))
    return CountRecipe(**{**vars(pointer), 'sizes':sizes}, count=count)

def asked_for(model, vocab, count):
    "Numbers that are written wrong, given the true count before each; and how the first of them begins"
    (words,learnt,asked),before = counts[count],20
    ids = vocab.encode(tokens(words, [*learnt[-before:], *asked]))
    reader = as_reader(model)
    guesses = torch.cat([reader(o[None])[0].argmax(-1) for o in ids.split(512)])
    said,true = vocab.decode(guesses),vocab.decode(ids)
    wrong,mistake,i = [],None,len(tokens(words, learnt[-before:]))
    for n in asked:
        number = [*words(n), '.']
        bad = [k for k in range(len(number)) if said[i+k-1]!=true[i+k]]
        if bad: wrong.append(n)
        if bad and mistake is None: mistake = [n, ' '.join([*number[:bad[0]], said[i+bad[0]-1]])]
        i += len(number)
    return wrong, mistake

def one_count(count, seed):
    "Trained on one of `counts`: what it writes wrong of what it was not shown, and how many numbers it counts alone"
    run,(_,learnt,asked) = recipe_of(count),counts[count]
    learn,start = run.learner(seed, fast=True, part='final'),time.process_time()
    with learn.no_bar(), learn.no_logging(): run.fit(learn)
    seconds = round(time.process_time()-start, 1)
    wrong,mistake = asked_for(learn.model, run.vocab(), count)
    return dict(learnt=[learnt[0],learnt[-1]], asked=[asked[0],asked[-1]], n=len(asked), wrong=wrong, mistake=mistake,
                count_length=asked.index(wrong[0]) if wrong else len(asked), seconds=seconds)

def tasks(n_seeds=None):
    return {(count,seed): (one_count, dict(count=count, seed=seed)) for count in counts for seed in range(n_seeds or 3)}

def result(done):
    "Of each count the numbers that are wrong, and the other figures, seed by seed"
    def seeds(count):
        runs = [v for k,v in done.items() if k[0]==count]
        return {m: [o[m] for o in runs] for m in runs[0]}
    return {count: seeds(count) for count in counts}
