"""Does the network that points learn other counts too: by twos, downwards, in digits, in German and in French? Read in
nbs/63_counting.pointer.ipynb."""
import re,time
from functools import partial

from num2words import num2words

from fastai.callback.rnn import ModelResetter
from fastai.callback.training import GradientClip

from human_lm.counting.pointer import pointer
from human_lm.counting.measures import read_rows
from human_lm.data import Vocab,spell
from human_lm.text.generate import generate
from human_lm.training.batches import flat_dls
from human_lm.training.learner import ForeachAdam,QuickLearner
from human_lm.training.sequences import FlatSeqs

# longest first, so that `neunzig` is not read as `neun`
_german = sorted('''eins ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn
    sechzehn siebzehn achtzehn neunzehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig und hundert
    tausend'''.split(), key=len, reverse=True)

def english(n): return spell(n).split()
def digits(n): return list(str(n))
def french(n): return num2words(n, lang='fr').replace('-', ' ').split()
def german(n):
    "The parts of one long word: 9,021 is neun tausend ein und zwanzig"
    word = num2words(n, lang='de')
    parts = re.findall('|'.join(_german), word)
    if ''.join(parts)!=word: raise ValueError(f'{word!r} has a part that is not known')
    return parts

# words of a number; numbers to learn; numbers to be read before the first that is asked for, and those asked for
up = range(1, 8084),range(8064, 8084),range(8084, 10_000)
counts = {'by ones': (english,*up), 'by twos': (english, range(2, 8083, 2), range(8044, 8083, 2), range(8084, 9999, 2)),
          'downwards': (english, range(8083, 0, -1), range(9999, 9979, -1), range(9979, 8083, -1)),
          'in digits': (digits,*up), 'in German': (german,*up), 'in French': (french,*up)}

def tokens(words, numbers): return [w for n in numbers for w in (*words(n), '.')]

def train(vocab, ids, seed):
    "A model trained as `pointer` says on `ids`"
    seqs,run = FlatSeqs(ids, pointer.sl),pointer
    run.start(seed)
    learn = QuickLearner(flat_dls(seqs, seqs, run.bs), run.model(len(vocab)), loss_func=run.loss,
                         cbs=[ModelResetter(), GradientClip(run.clip)], moms=run.moms, wd_bn_bias=run.wd_biases,
                         opt_func=partial(ForeachAdam, eps=run.eps))
    with learn.no_bar(), learn.no_logging(): run.fit(learn)
    return learn.model

def one_run(name, seed):
    "The share of the numbers asked for that are written right, how many it counts alone, and its first mistakes"
    words,learnt,before,asked = counts[name]
    text = tokens(words, learnt)
    vocab,start = Vocab(text),time.process_time()
    model = train(vocab, vocab.encode(text), seed)
    seconds = time.process_time()-start
    first,want = tokens(words, before),tokens(words, asked)
    hits = read_rows(model, vocab.encode(first+want)).hits[0,len(first)-1:].tolist()
    ends = [0,*(i+1 for i,w in enumerate(want) if w=='.')]
    right = [all(hits[a:b]) for a,b in zip(ends, ends[1:])]
    same = next((i for i,(a,b) in enumerate(zip(generate(model, first, vocab, n=len(want)), want)) if a!=b), len(want))
    return dict(seconds=round(seconds, 1), vocab=len(vocab), numbers=len(asked),
                next_number_accuracy=sum(right)/len(right), count_length=want[:same].count('.'),
                wrong=[n for n,o in zip(asked, right) if not o][:20])

def tasks(n_seeds=None):
    return {(name,seed): (one_run, dict(name=name, seed=seed)) for seed in range(n_seeds or 2) for name in counts}

def result(done):
    "`counts`: every figure of each count, seed by seed"
    def seeds(name):
        runs = [v for k,v in done.items() if k[0]==name]
        return {m: [o[m] for o in runs] for m in runs[0]}
    return dict(counts={name: seeds(name) for name in counts})
