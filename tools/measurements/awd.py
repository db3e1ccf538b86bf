"""An AWD-LSTM of LMModel7's size with more and less dropout, from several seeds: training loss, validation loss and accuracy after
the last epoch. Read in nbs/12_cells.awd_lstm.ipynb."""
from human_lm.cells.awd_lstm import awd_learner

alone = dict(embed_p=0., input_p=0., weight_p=0., hidden_p=0., output_p=0.4)  # LMModel7's one dropout
large = dict(init_range=3**0.5)  # embeddings with a standard deviation of 1, as LMModel7's start
# what `awd_learner` is called with, and the number of epochs
settings = {
    'drop_mult': {str(o): (dict(drop_mult=o), 15) for o in (0,0.25,0.5,1)},
    'output dropout alone': {'small start': (alone, 15), 'large start': ({**alone,**large}, 15)},
    'one more': {f'{k}_p': ({**alone,**large,f'{k}_p':p}, 15) for k,p in (('embed',0.02), ('input',0.25), ('weight',0.2), ('hidden',0.15))},
    'all five, large start': {str(o): (dict(drop_mult=o, **large), 15) for o in (0,0.25,1)},
    'twice as long, large start': {'output dropout alone': ({**alone,**large}, 30), 'all five': (large, 30)},
}

def last_row(kwargs, n_epoch, seed):
    learn = awd_learner(seed=seed, **kwargs)
    with learn.no_bar(), learn.no_logging(): learn.fit_one_cycle(n_epoch, 1e-2, wd=0.1)
    return [round(o, 4) for o in learn.recorder.values[-1]]

def tasks(n_seeds=None):
    return {(part,name,seed): (last_row, dict(kwargs=kwargs, n_epoch=n_epoch, seed=seed))
            for part,group in reversed(settings.items()) for name,(kwargs,n_epoch) in group.items() for seed in range(n_seeds or 5)}

def result(done):
    "Of each part and setting the rows, seed by seed"
    return {part: {name: [v for k,v in done.items() if k[:2]==(part,name)] for name in group} for part,group in settings.items()}
