"""What the network that points can do: choices on text held out of the training text, five seeds on the validation
text, and how far they count beyond it. Read in nbs/63_counting.pointer.ipynb and nbs/index.ipynb."""
import time
from dataclasses import replace
from pathlib import Path

from human_lm.counting.measures import count_length,measure,next_numbers
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

def held(name, seed):
    "Trained on the numbers to 6,082: measures on those that are held out, and what is wrong to 7,999"
    vocab,nums = chapter_corpus()
    run,text = held_out[name],hold_out(vocab, nums)
    model,seconds = train(run, seed, 'held out')
    rows = batch_rows(run.seqs('held out')[1])
    return dict(measure(model, vocab, text.held, rows, text.start, 7999), seconds=seconds,
                wrong=wrong(model, vocab, text.start, 7999))

def final(seed):
    "Trained on the whole training text: measures on the validation text, and how far it counts, from each start"
    vocab,nums = chapter_corpus()
    model,seconds = train(pointer, seed, 'final')
    counts = {start: count_length(model, vocab, start, 99_999) for start in starts}
    if seed==0: save_lm(model, weights, vocab)
    return dict(measure(model, vocab, nums, validation_rows()), seconds=seconds,
                parameters=sum(p.numel() for p in model.parameters()), wrong=wrong(model, vocab, 8084, 9999),
                counts={start: list(o) for start,o in counts.items()})

def tasks(n_seeds=None):
    n = n_seeds or 5
    return {**{('final',seed): (final, dict(seed=seed)) for seed in range(n)},
            **{('held out',name,seed): (held, dict(name=name, seed=seed)) for name in held_out for seed in range(min(n, 3))}}

def result(done):
    "`held_out`: every measure of each recipe, seed by seed; `final`: those of the recipe on the validation text"
    def seeds(*key):
        runs = [v for k,v in done.items() if k[:-1]==key]
        return {m: [o[m] for o in runs] for m in runs[0]}
    return dict(held_out={name: seeds('held out', name) for name in held_out}, final=seeds('final'))
