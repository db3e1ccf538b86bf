"""Every notebook and every test, as `make test` runs them: `python tools/run_tests.py`, with options for pytest

It does what `nbdev_test` and `pytest` do, in less time: the longest notebooks begin, so that no core waits for one in
the end."""
import os,subprocess,sys,time
from pathlib import Path

root = Path(__file__).resolve().parent.parent
if str(root) not in sys.path: sys.path.insert(0, str(root))
# the notebooks that take longest
longest = ('index','10_cells.layers','15_cells.dropouts','52_text.own','61_counting.cache','73_commands.benchmark')

def run_notebooks():
    "Run all notebooks, the longest first; those that failed"
    from fastcore.parallel import parallel
    from nbdev.config import get_config
    from nbdev.doclinks import nbglob
    from nbdev.test import test_nb
    from human_lm.runs.results import n_cores
    config = get_config()
    paths = sorted((o.absolute() for o in nbglob(as_path=True)),
                   key=lambda o: (longest.index(o.stem) if o.stem in longest else len(longest), o))
    start = time.monotonic()
    res = parallel(test_nb, paths, do_print=True, skip_flags=config.tst_flags.split(), basepath=config.config_path,
                   n_workers=n_cores(), pause=0.01)
    for path,(_,secs) in sorted(zip(paths, res), key=lambda o: -o[1][1]): print(f'{path.name}: {secs:.0f} secs')
    print(f'{len(paths)} notebooks in {time.monotonic()-start:.0f} s')
    return [o.name for o,(ok,_) in zip(paths, res) if not ok]

def main(args):
    "Run all of it; the exit status"
    from human_lm.runs.results import n_cores
    os.chdir(root)
    failed = run_notebooks()
    # xdist's own `auto` takes two threads of a core for one
    how = ['-n', str(n_cores()), '--dist', 'worksteal']
    status = subprocess.run([sys.executable, '-m', 'pytest', *how, *args]).returncode
    if failed: print('these notebooks failed:', *failed, file=sys.stderr)
    return 1 if failed else status

if __name__=='__main__': sys.exit(main(sys.argv[1:]))
