"""LMModel6 trained in one process and in two that share its rows, from several seeds: the accuracy after the last
epoch. Read in nbs/33_training.processes.ipynb."""
import json,os,socket,tempfile
from pathlib import Path

from human_lm.runs.workers import run_all

def one_process(rank, world, port, args):
    "One process of those that train together, told who it is as `torchrun` would"
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world),
                      MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    from human_lm.commands.processes import train_in_processes
    train_in_processes(args)

def train_together(world, n_seeds):
    "What `human_lm.commands.processes` writes when `world` processes train"
    with tempfile.TemporaryDirectory() as d, socket.socket() as free:
        path = Path(d)/'figures.json'
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
        free.close()
        args = ['--model', 'LMModel6', '--seeds', str(n_seeds), '--json', str(path)]
        run_all({i: (one_process, dict(rank=i, world=world, port=port, args=args)) for i in range(world)}, world)
        return json.loads(path.read_text())

def tasks(n_seeds=None):
    return {f'{world} processes': (train_together, dict(world=world, n_seeds=n_seeds or 3)) for world in (2,1)}

def result(done):
    "`runs`: the model, the number of processes and the accuracies, with one process and with two"
    return dict(runs=[done['1 processes'], done['2 processes']])
