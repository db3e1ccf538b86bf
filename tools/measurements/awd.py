"""An AWD-LSTM of LMModel7's size with more and less dropout, from several seeds: training loss, validation loss
and accuracy after the last epoch. Read in nbs/15_cells.dropouts.ipynb."""
from dataclasses import replace

from human_lm.runs.recipes import recipe

alone = dict(embed_p=0., input_p=0., weight_p=0., hidden_p=0., output_p=0.4)  # LMModel7's one dropout
large = dict(init_range=3**0.5)  # embeddings with a standard deviation of 1, as LMModel7's start
one_more = dict(embed_p=0.02, input_p=0.25, weight_p=0.2, hidden_p=0.15)
# what the model is called with besides its sizes, and the number of epochs
settings = {
    'drop_mult': {str(o): (dict(drop_mult=o), 15) for o in (0,0.25,0.5,1)},
    'output dropout alone': {'small start': (alone, 15), 'large start': ({**alone,**large}, 15)},
    'one more': {k: ({**alone,**large,k:p}, 15) for k,p in one_more.items()},
    'all five, large start': {str(o): (dict(drop_mult=o, **large), 15) for o in (0,0.25,1)},
    'twice as long, large start': {'output dropout alone': ({**alone,**large}, 30), 'all five': (large, 30)},
}

def last_row(kwargs, n_epoch, seed):
    run = recipe('AWD-LSTM')
    run = replace(run, sizes={**run.sizes, **kwargs}, n_epoch=n_epoch)
    learn = run.learner(seed)
    with learn.no_bar(), learn.no_logging(): run.fit(learn)
    return [round(o, 4) for o in learn.recorder.values[-1]]

def tasks(n_seeds=None):
    return {(part,name,seed): (last_row, dict(kwargs=kwargs, n_epoch=n_epoch, seed=seed))
            for part,group in reversed(settings.items()) for name,(kwargs,n_epoch) in group.items()
            for seed in range(n_seeds or 5)}

def result(done):
    "Of each part and setting the rows, seed by seed"
    return {part: {name: [v for k,v in done.items() if k[:2]==(part,name)] for name in group}
            for part,group in settings.items()}
