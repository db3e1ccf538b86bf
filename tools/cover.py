"""What share of the package's lines the tests and the notebooks' cells run: `python tools/cover.py`, or `make coverage`

Exported cells define their functions in the notebook once more, where running them says nothing about the module.
So the names of the module take their place."""
import json,os,subprocess,sys,tempfile
from pathlib import Path

root = Path(__file__).resolve().parent.parent

def cells(nb):
    "Sources of the code cells in file `nb`, `None` for one that is exported, and the module that those make"
    nb = json.loads(nb.read_text(encoding='utf-8'))
    code = [''.join(c['source']) for c in nb['cells'] if c['cell_type']=='code']
    mod = next((o.split()[-1] for o in code if o.startswith('#| default_exp')), None)
    code = [o for o in code if not o.startswith(('#| default_exp','#| eval: false'))]
    return [None if o.startswith('#| export') else o for o in code], mod

def run_notebook(nb):
    "Run the cells of file `nb` in its folder, as a person would"
    from importlib import import_module
    import matplotlib
    matplotlib.use('agg')
    from IPython.core.interactiveshell import InteractiveShell
    os.chdir(nb.parent)
    shell = InteractiveShell.instance()
    srcs,mod = cells(nb)
    for src in srcs:
        if src is not None: shell.run_cell(src).raise_error()
        else: shell.push({k:v for k,v in vars(import_module(f'human_lm.{mod}')).items() if not k.startswith('__')})

def main():
    "Measure, and print a line for each module; status 1 below 95 %"
    with tempfile.TemporaryDirectory() as d:
        path = os.pathsep.join([str(root), *filter(None, [os.environ.get('PYTHONPATH')])])
        env = {**os.environ, 'COVERAGE_FILE':str(Path(d)/'data'), 'PYTHONPATH':path}
        def coverage(*args, **kwargs):
            return subprocess.run([sys.executable, '-m', 'coverage', *args], cwd=root, env=env, **kwargs).returncode
        measure = ['run', '-p', '--source=human_lm', '--omit=human_lm/_modidx.py']
        failed = [] if coverage(*measure, '-m', 'pytest')==0 else ['pytest']
        for nb in sorted((root/'nbs').glob('*.ipynb')):
            if coverage(*measure, __file__, str(nb), stdout=subprocess.DEVNULL): failed.append(nb.name)
        coverage('combine', '-q')
        low = coverage('report', '-m', '--fail-under=95')
    if failed: print('these did not run to their end, which makes the figures too small:', *failed)
    return bool(low or failed)

if __name__=='__main__':
    if len(sys.argv)>1: run_notebook(Path(sys.argv[1]).resolve())
    else: sys.exit(main())
