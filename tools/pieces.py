"""What each piece of the fast way buys, to nbs/measured/pieces.json: one piece at a time is taken away, all variants in turn.

Run it as: make measure ARGS=pieces, or python tools/pieces.py [--repeats N] (about five minutes on a quiet machine)"""
import argparse,json,platform,subprocess,sys,time
from datetime import date
from pathlib import Path

models = ['LMModel1','LMModel4','LMModel6']
pieces = {'none':{}, 'only who listens':'__call__', 'schedule in numbers':'fit_one_cycle', 'freed memory kept':None,
          'plain loss and metric':'loss', 'one call to step':'opt', 'batches in one step':'dls', 'all of them':'all'}

def measure(piece, repeats):
    "Microseconds of this thread's processor time a training batch (the lower decile) of each model, without `piece`"
    import numpy as np,torch,fastai
    from fastai.callback.rnn import ModelResetter
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.losses import CrossEntropyLossFlat
    from fastai.metrics import accuracy
    from fastai.optimizer import Adam
    import human_lm.training.learner as fast
    from human_lm.all import FusedAdam,QuickAccuracy,QuickCrossEntropyLossFlat,QuickLearner
    from human_lm.runs.speed import floor_fit
    import human_lm.runs.speed as benchmark
    torch.set_num_threads(1)
    marks = []
    def mark(model, _):
        if model.training: marks.append(time.thread_time())
    chapter_model = benchmark.chapter_model
    def marked(name):
        model = chapter_model(name)
        model.register_forward_pre_hook(mark)
        return model
    benchmark.chapter_model = marked
    if piece=='freed memory kept': fast.keep_freed = lambda: None
    every,what = piece=='all of them',pieces.get(piece)
    cls = Learner if every else type('Without', (QuickLearner,), {what:getattr(Learner, what)} if what and what.startswith(('__','fit')) else {})
    res = {}
    for name in models:
        runs,run = [],benchmark.chapter_runs[name]
        for _ in range(repeats):
            marks.clear()
            if piece=='bare loop': floor_fit(name, n_epoch=1)
            else:
                dls = benchmark.fast_dls(name)
                if every or what=='dls':
                    dls = DataLoaders.from_dsets(*[list(o.dataset) for o in dls], bs=64, shuffle=False, num_workers=0, drop_last=run.data!='pairs')
                plain = every or what=='loss'
                benchmark.start_run(name, 42)
                model = marked(name)
                learn = cls(dls, model, loss_func=(CrossEntropyLossFlat if plain else QuickCrossEntropyLossFlat)(),
                            metrics=accuracy if plain else QuickAccuracy(), opt_func=Adam if every or what=='opt' else FusedAdam,
                            cbs=[ModelResetter] if hasattr(model, 'reset') else [])
                with learn.no_bar(),learn.no_logging(): learn.fit_one_cycle(1, run.lr)
            runs.append(float(1e6*np.percentile(np.diff(marks), 10)))
        res[name] = runs
    versions = {o.__name__:o.__version__ for o in (torch,fastai)}
    print(json.dumps(dict(us=res, versions=dict(versions, python=platform.python_version()))))

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--repeats', type=int, default=3)
    p.add_argument('--rounds', type=int, default=2)
    p.add_argument('--piece')
    a = p.parse_args()
    if a.piece: sys.exit(measure(a.piece, a.repeats))
    secs = {k:{m:[] for m in models} for k in ('bare loop',*pieces)}
    for _ in range(a.rounds):
        for k in secs:  # a process of its own each: what is kept of freed memory belongs to a process
            out = json.loads(subprocess.run([sys.executable, __file__, '--piece', k, '--repeats', str(a.repeats)], check=True, capture_output=True, text=True).stdout)
            for m,v in out['us'].items(): secs[k][m] += v
            print(k, {m:round(min(v)) for m,v in out['us'].items()}, flush=True)
    commit = subprocess.run(['git','rev-parse','--short','HEAD'], capture_output=True, text=True).stdout.strip()
    res = dict(command='python tools/pieces.py', versions=out['versions'], commit=commit, machine=f'{platform.machine()}, one thread', day=str(date.today()),
               us={k:{m:round(min(o), 1) for m,o in v.items()} for k,v in secs.items()})
    (Path(__file__).parent.parent/'nbs'/'measured'/'pieces.json').write_text(json.dumps(res, indent=1)+'\n')
