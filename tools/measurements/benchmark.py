"""The chapter's models timed four ways, and the way from numbers to batches as the text grows; `--seeds` says how many
measurements of each (5). Read in nbs/73_commands.benchmark.ipynb."""
import json,tempfile
from pathlib import Path

from human_lm.commands.benchmark import human_lm_bench
from human_lm.runs.results import n_cores

def benchmark(repeats):
    "What `human_lm_bench` writes, with a thread a core"
    with tempfile.TemporaryDirectory() as d:
        path = Path(d)/'bench.json'
        human_lm_bench(['--repeats', str(repeats), '--threads', str(n_cores()), '--json', str(path)])
        return json.loads(path.read_text())

def tasks(n_seeds=None): return {'benchmark': (benchmark, dict(repeats=n_seeds or 5))}

def result(done):
    "Of each model the median seconds of each way; of the whole chapter; of grouping, and of growing texts"
    return done['benchmark']
