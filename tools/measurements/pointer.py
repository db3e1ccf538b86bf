"""What the network that points can do, from five seeds, on the validation text and beyond it; and without each of its
parts, on text held out of the training text. Read in nbs/63_counting.pointer.ipynb."""
import time
from dataclasses import replace

import torch

from human_lm.cells.pointer import PointerLMModel
from human_lm.counting.measures import count_length,measure,next_numbers
from human_lm.counting.pointer import pointer
from human_lm.runs.recipes import batch_rows,chapter_corpus,hold_out,validation_rows

class NoSuccessor(PointerLMModel):
    "Says a word of its own, or an earlier one again"
    def parts(self, x):
        o = super().parts(x)
        shares = o.shares*torch.tensor([1.,1.,0.])
        return o._replace(shares=shares/shares.sum(-1, keepdim=True))

class OnlyOwn(PointerLMModel):
    "Says a word of its own only, and may point at others to know which"
    def parts(self, x):
        o = super().parts(x)
        return o._replace(shares=torch.tensor([1.,0.,0.]).expand_as(o.shares))

def apart(model):
    "Draw the query anew, so that it no longer starts as the key"
    model.query.reset_parameters()

def sized(run, **sizes): return replace(run, sizes={**run.sizes, **sizes})

def without():
    "The recipe, and what is left of it without each of its parts"
    return {'the recipe': pointer, 'no successor': replace(pointer, model_cls=NoSuccessor),
            'no successor, no copy': replace(pointer, model_cls=OnlyOwn),
            'reads one word on, not six': sized(pointer, n_read=1),
            'query and key start apart': replace(pointer, init=apart), 'no noise': sized(pointer, noise=0.),
            'cross-entropy': replace(pointer, loss=None)}

starts = (8084, 9000, 9900, 9990)  # where it begins to count alone

def train(run, seed, part):
    learn,start = run.learner(seed, fast=True, part=part),time.process_time()
    with learn.no_bar(), learn.no_logging(): run.fit(learn)
    return learn.model, round(time.process_time()-start, 1)

def wrong(model, vocab, start, stop): return [n for n,o in next_numbers(model, vocab, start, stop).items() if not o]

def held_out(run, seed):
    "Measures on the numbers that were held out of the training text, and what is wrong in what was learnt"
    vocab,nums = chapter_corpus()
    held,(model,seconds) = hold_out(vocab, nums),train(run, seed, 'held out')
    got = measure(model, vocab, held.held, batch_rows(run.seqs('held out')[1]), held.start, 7999)
    return dict(got, seconds=seconds, wrong=wrong(model, vocab, held.start, 7999)[:50],
                wrong_in_training=wrong(model, vocab, 22, held.start-1)[:50])

def final(seed):
    "Trained on the whole training text: measures on the validation text, and how far it counts, from each start"
    vocab,nums = chapter_corpus()
    model,seconds = train(pointer, seed, 'final')
    counts = {start: count_length(model, vocab, start, 99_999) for start in starts}
    return dict(measure(model, vocab, nums, validation_rows()), seconds=seconds,
                parameters=sum(p.numel() for p in model.parameters()), wrong=wrong(model, vocab, 8084, 9999),
                counts={start: list(o) for start,o in counts.items()})

def tasks(n_seeds=None):
    n = n_seeds or 5
    return {**{('final','pointer',seed): (final, dict(seed=seed)) for seed in range(n)},
            **{('without',name,seed): (held_out, dict(run=run, seed=seed))
               for seed in range(min(n, 2)) for name,run in without().items()}}

def result(done):
    "`final`: every measure, seed by seed; `without`: those of the recipe and of it without each part"
    def seeds(part, name):
        runs = [v for k,v in done.items() if k[:2]==(part,name)]
        return {m: [o[m] for o in runs] for m in runs[0]}
    return dict(final=seeds('final', 'pointer'), without={name: seeds('without', name) for name in without()})
