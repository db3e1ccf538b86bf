"""The chapter's models timed four ways, on one thread and on a thread a core; the way from numbers to batches as the
text grows; and the wait for the whole chapter. `--seeds` says how many measurements of each, an epoch long (3). It
wants a quiet machine. Read in nbs/73_commands.benchmark.ipynb."""
import json,os,subprocess,sys,tempfile
from pathlib import Path

def benchmark(repeats):
    "What `human_lm_bench` writes; in a process of its own, for a worker of this measurement has one thread"
    code = 'import sys; from human_lm.commands.benchmark import human_lm_bench; human_lm_bench(sys.argv[1:])'
    with tempfile.TemporaryDirectory() as d:
        path = Path(d)/'bench.json'
        args = ['--repeats', str(repeats), '--epochs', '1', '--wait', '1', '--json', str(path)]
        env = {k:v for k,v in os.environ.items() if k not in ('OMP_NUM_THREADS','MKL_NUM_THREADS')}
        subprocess.run([sys.executable, '-W', 'ignore', '-c', code, *args], check=True, env=env)
        return json.loads(path.read_text())

def tasks(n_seeds=None): return {'benchmark': (benchmark, dict(repeats=n_seeds or 3))}

def result(done):
    "Of each model the median seconds of each way; of the whole chapter; of grouping, growing texts, and the wait"
    return done['benchmark']
