"""What the network that points can do: choices on text held out of the training text, five seeds on the validation
text, and how far they count beyond it. Read in nbs/63_counting.pointer.ipynb."""
import time
from dataclasses import replace
from pathlib import Path

from human_lm.counting.measures import count_on,next_numbers,read_rows
from human_lm.counting.pointer import pointer
from human_lm.runs.recipes import batch_rows,chapter_corpus,hold_out,validation_rows
from human_lm.text.save import save_lm

weights = Path(__file__).resolve().parents[2]/'nbs'/'measured'/'pointer.safetensors'  # of seed 0, for the pictures
starts = (8084, 9000, 9900, 9990)  # where it begins to count alone
held_out = {'the recipe': pointer, 'reads over the separator': replace(pointer, sizes={**pointer.sizes, 'sep':None})}

def train(run, seed, part):
    "A model trained as `run` says, and the seconds of one core that it took"
    learn,start = run.learner(seed, fast=True, part=part),time.process_time()
    with learn.no_bar(), learn.no_logging(): run.fit(learn)
    return learn.model, round(time.process_time()-start, 1)

def wrong(model, vocab, start, stop): return [n for n,o in next_numbers(model, vocab, start, stop).items() if not o]

def count(model, vocab, start):
    "As `count_length` up to 99,999, but faster: up to its first mistake it writes what stands in the true count"
    for first in range(start, 100_000, 2000):
        bad = wrong(model, vocab, first, min(first+1999, 99_999))
        if bad: return [bad[0]-start, bad[0], next(count_on(model, vocab, bad[0], bad[0])).words]
    return [99_999-start+1, None, None]

def measures(model, stream, rows, start, stop):
    "Those of `measure`, but for how far it counts; and the numbers that are wrong"
    vocab,_ = chapter_corpus()
    read,bad = read_rows(model, stream, *rows),wrong(model, vocab, start, stop)
    return dict(accuracy=read.hits.float().mean().item(), perplexity=read.nll.mean().exp().item(),
                next_number_accuracy=1-len(bad)/(stop-start+1), wrong=bad)

def held(name, seed):
    "Trained on the numbers to 6,082, and asked for those from 6,083 to 7,999"
    run,text = held_out[name],hold_out(*chapter_corpus())
    model,seconds = train(run, seed, 'held out')
    return dict(measures(model, text.held, batch_rows(run.seqs('held out')[1]), text.start, 7999), seconds=seconds)

def final(seed):
    "Trained on the whole training text: measures on the validation text, and how far it counts, from each start"
    vocab,nums = chapter_corpus()
    model,seconds = train(pointer, seed, 'final')
    if seed==0: save_lm(model, weights, vocab)
    counts = {start: count(model, vocab, start) for start in starts}
    length,*mistake = counts[8084]
    return dict(measures(model, nums, validation_rows(), 8084, 9999), seconds=seconds,
                count_length=min(length, 1916), mistake=mistake if length<1916 else [None,None],
                parameters=sum(p.numel() for p in model.parameters()), counts=counts)

def tasks(n_seeds=None):
    n = n_seeds or 10
    return {**{('final',seed): (final, dict(seed=seed)) for seed in range(n)},
            **{('held out',name,seed): (held, dict(name=name, seed=seed))
               for name in held_out for seed in range(min(n, 3))}}

def result(done):
    "`held_out`: every measure of each recipe, seed by seed; `final`: those of the recipe on the validation text"
    def seeds(*key):
        runs = [v for k,v in done.items() if k[:-1]==key]
        return {m: [o[m] for o in runs] for m in runs[0]}
    return dict(held_out={name: seeds('held out', name) for name in held_out}, final=seeds('final'))
