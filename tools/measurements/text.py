"""Language models on a megabyte of English, with words and with byte pairs, beside counting and beside fastai's own:
perplexity per token and per character, seconds of one core, losses and the saved file's size, from several seeds.
Read in nbs/56_text.example.ipynb."""
from human_lm.text.example import example_models,example_run

# words for the networks of this package: fastai's is compared with ours on byte pairs
runs = [*((name,'bpe') for name in example_models), *((name,'words') for name in ('LMModel6','LMModel7','AWD-LSTM'))]

def tasks(n_seeds=None):
    keys = [(name,tok,seed) for seed in range(n_seeds or 3) for name,tok in runs]
    keys += [('counting',tok,0) for tok in ('chars','bpe','words')]  # nothing in it is drawn
    return {k: (example_run, dict(zip(('name','tok','seed'), k))) for k in keys}

def result(done):
    "Of each tokeniser and model the runs, seed by seed"
    names = ('counting', *example_models)
    return {tok: {name: found for name in names if (found := [v for k,v in done.items() if k[:2]==(name,tok)])}
            for tok in ('words','bpe','chars')}
