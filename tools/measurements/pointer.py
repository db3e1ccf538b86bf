"""What the network that points can do, from five seeds, on the validation text and beyond it. Read in
nbs/63_counting.pointer.ipynb."""
import time

from human_lm.counting.measures import count_length,measure,next_numbers
from human_lm.counting.pointer import pointer
from human_lm.runs.recipes import chapter_corpus,validation_rows

starts = (8084, 9000, 9900, 9990)  # where it begins to count alone

def train(seed):
    "A model trained as `pointer` says on the whole training text, and the seconds of one core that it took"
    learn,start = pointer.learner(seed, fast=True, part='final'),time.process_time()
    with learn.no_bar(), learn.no_logging(): pointer.fit(learn)
    return learn.model, round(time.process_time()-start, 1)

def wrong(model, vocab, start, stop): return [n for n,o in next_numbers(model, vocab, start, stop).items() if not o]

def final(seed):
    "Trained on the whole training text: measures on the validation text, and how far it counts, from each start"
    vocab,nums = chapter_corpus()
    model,seconds = train(seed)
    counts = {start: count_length(model, vocab, start, 99_999) for start in starts}
    return dict(measure(model, vocab, nums, validation_rows()), seconds=seconds,
                parameters=sum(p.numel() for p in model.parameters()), wrong=wrong(model, vocab, 8084, 9999),
                counts={start: list(o) for start,o in counts.items()})

def tasks(n_seeds=None):
    return {('final',seed): (final, dict(seed=seed)) for seed in range(n_seeds or 5)}

def result(done):
    "`final`: every measure, seed by seed"
    runs = list(done.values())
    return dict(final={m: [o[m] for o in runs] for m in runs[0]})
