"""Every notebook and every test, as `make test` runs them: `python tools/run_tests.py`, with options for pytest

It does what `nbdev_test` and `pytest` do, in less time. The longest notebooks begin, so that no core waits for one in
the end. And what several of them fit, the same model from the same random state, is fit once: the first leaves weights,
table and random state in a folder that lives as long as this command. By itself a notebook or a test fits everything.
"""
import hashlib,os,subprocess,sys,tempfile,time
from dataclasses import fields
from pathlib import Path

root = Path(__file__).resolve().parent.parent
if str(root) not in sys.path: sys.path.insert(0, str(root))
# the notebooks that take longest, and index first: it fits what others use too
longest = ('index','10_cells.layers','15_cells.dropouts','52_text.own','61_counting.cache','73_commands.benchmark')

def fit_key(run, learn, n_epoch, cbs):
    "A name for all that the fit of `learn` depends on; `None` for one that is not shared"
    import torch
    model = learn.model
    def said(o): return f'{o.__module__}.{o.__qualname__}' if hasattr(o, '__qualname__') else repr(o)
    what = [type(learn), type(model), *map(type, learn.cbs), type(learn.loss_func), learn.wd_bn_bias, n_epoch,
            *(len(o.dataset) for o in learn.dls), *(getattr(run, f.name) for f in fields(run))]
    what = '\n'.join(map(said, what))
    # a class of a notebook's own, a function without a name, an object that says nothing of itself
    if not type(model).__module__.startswith('human_lm.') or '<' in what: return
    # a callback that does more than to look on
    if any(o.startswith(('before_','after_')) and o!='after_epoch' for cb in cbs for o in vars(type(cb))): return
    state = [torch.get_rng_state(), *model.state_dict().values()]
    if any(o.device.type!='cpu' for o in state): return
    return hashlib.sha256(b'\0'.join([what.encode(), *(o.numpy().tobytes() for o in state)])).hexdigest()

def shared(fit, folder):
    "`Recipe.fit`, which takes over from `folder` what another process has fit in the same way"
    def shared_fit(self, learn, n_epoch=None, **kwargs):
        import torch
        from fastcore.foundation import L
        from filelock import FileLock
        cbs = L(kwargs.get('cbs'))
        key = fit_key(self, learn, n_epoch, cbs) if kwargs.keys()<={'cbs'} else None
        if key is None: return fit(self, learn, n_epoch, **kwargs)
        path = Path(folder)/key
        with FileLock(f'{path}.lock'):
            if not path.exists():
                fit(self, learn, n_epoch, **kwargs)
                torch.save(dict(weights=learn.model.state_dict(), rows=[list(o) for o in learn.recorder.values],
                                training=learn.model.training, random=torch.get_rng_state()), path)
                return learn
        got = torch.load(path)
        learn.model.load_state_dict(got['weights'])
        learn.model.train(got['training'])
        for cb in cbs: cb.learn = learn
        for learn.epoch in range(len(got['rows'])):
            learn.recorder.values = got['rows'][:learn.epoch+1]
            for cb in cbs: cb.after_epoch()
        torch.set_rng_state(got['random'])
        return learn
    return shared_fit

def share_fits(folder):
    "Share fits with the other processes that name this folder, from now on"
    from human_lm.runs.recipes import Recipe
    if Recipe.fit.__name__!='shared_fit': Recipe.fit = shared(Recipe.fit, folder)

def run_notebook(path, folder, **kwargs):
    "Run the cells of a notebook, as `nbdev_test` does: whether all went well, and the seconds"
    from nbdev.test import test_nb
    share_fits(folder)
    return test_nb(path, do_print=True, **kwargs)

def run_notebooks(folder):
    "Run all notebooks, the longest first; those that failed"
    from fastcore.parallel import parallel
    from nbdev.config import get_config
    from nbdev.doclinks import nbglob
    from human_lm.runs.results import n_cores
    config = get_config()
    paths = sorted((o.absolute() for o in nbglob(as_path=True)),
                   key=lambda o: (longest.index(o.stem) if o.stem in longest else len(longest), o))
    start = time.monotonic()
    res = parallel(run_notebook, paths, folder=folder, skip_flags=config.tst_flags.split(), basepath=config.config_path,
                   n_workers=n_cores(), pause=0.01)
    for path,(_,secs) in sorted(zip(paths, res), key=lambda o: -o[1][1]): print(f'{path.name}: {secs:.0f} secs')
    print(f'{len(paths)} notebooks in {time.monotonic()-start:.0f} s')
    return [o.name for o,(ok,_) in zip(paths, res) if not ok]

def main(args):
    "Run all of it; the exit status"
    from human_lm.runs.results import n_cores
    os.chdir(root)
    with tempfile.TemporaryDirectory() as folder:
        failed = run_notebooks(folder)
        env = {**os.environ, 'HUMAN_LM_FITS':folder}
        # xdist's own `auto` takes two threads of a core for one
        how = ['-n', str(n_cores()), '--dist', 'worksteal']
        status = subprocess.run([sys.executable, '-m', 'pytest', *how, *args], env=env).returncode
    if failed: print('these notebooks failed:', *failed, file=sys.stderr)
    return 1 if failed else status

if __name__=='__main__':
    # a notebook that has run leaves another `__main__` behind, so the workers find `run_notebook` by this module's name
    import run_tests
    sys.exit(run_tests.main(sys.argv[1:]))
