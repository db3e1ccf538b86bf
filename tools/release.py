"""Build the package as it would be published, check it, and try it in an empty environment: `make release`

The wheel is installed without the development requirements, as a user would, and trains LMModel1."""
import os,shutil,subprocess,sys,tempfile,venv
from pathlib import Path

root = Path(__file__).resolve().parent.parent

def run(*args, **kwargs):
    print('+', *[str(o).replace(str(root), '.') for o in args], flush=True)
    subprocess.run([str(o) for o in args], check=True, **kwargs)

def main():
    dist = root/'dist'
    shutil.rmtree(dist, ignore_errors=True)
    with tempfile.TemporaryDirectory() as d:
        tools,user = Path(d)/'tools',Path(d)/'user'
        for o in (tools,user): venv.create(o, with_pip=True)
        scripts = 'Scripts' if os.name=='nt' else 'bin'
        run(tools/scripts/'python', '-m', 'pip', 'install', '--quiet', 'build', 'twine')
        run(tools/scripts/'python', '-m', 'build', '--outdir', dist, root)
        run(tools/scripts/'python', '-m', 'twine', 'check', '--strict', *sorted(dist.iterdir()))
        run(user/scripts/'python', '-m', 'pip', 'install', '--quiet', next(dist.glob('*.whl')))
        empty = Path(d)/'empty'
        empty.mkdir()
        env = {k:v for k,v in os.environ.items() if k not in ('PYTHONPATH','VIRTUAL_ENV')}
        run(user/scripts/'human_lm_reproduce', '--models', '1', cwd=empty, env=env)

if __name__=='__main__': sys.exit(main())
