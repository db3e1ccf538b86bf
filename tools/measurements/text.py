"""Language models on a megabyte of English, with words and with byte pairs, beside counting and beside fastai's own:
perplexity per token and per character, seconds of one core and losses, from several seeds.
Read in nbs/56_text.example.ipynb."""
from human_lm.text.example import example_models,example_run

def tasks(n_seeds=None):
    runs = [(name,tok,seed) for seed in range(n_seeds or 3) for tok in ('bpe','words') for name in example_models]
    counted = [('counting',tok,0) for tok in ('chars','bpe','words')]  # nothing in it is drawn
    return {k: (example_run, dict(zip(('name','tok','seed'), k))) for k in (*runs, *counted)}

def result(done):
    "Of each model and tokeniser the runs, seed by seed"
    def names(tok): return dict.fromkeys(k[0] for k in done if k[1]==tok)
    return {tok: {name: [v for k,v in done.items() if k[:2]==(name,tok)] for name in names(tok)}
            for tok in ('words','bpe','chars')}
