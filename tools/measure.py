"""Take a measurement: `python tools/measure.py NAME`, or `make measure ARGS=NAME`, writes nbs/measured/NAME.json

What is measured stands in tools/measurements/NAME.py: a docstring that says it and names the notebook that reads the
file; `tasks(n_seeds)`, which gives `{key: (function, keyword arguments)}`, the longest first, with the measurement's
own number for `None`; and `result(done)`, which makes what the file holds from `{key: value}`. The functions stand at
the top of the file, and their values are such as JSON can hold. Tasks run side by side, one a core. What is done is
kept beside the file in NAME.part, so that the same command goes on where it was stopped; when code or settings have
changed since, what they bear on is measured anew.
"""
import ast,hashlib,json,pickle,sys,time
from difflib import get_close_matches
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path

root = Path(__file__).resolve().parent.parent
for o in (root/'tools', root):
    if str(o) not in sys.path: sys.path.insert(0, str(o))

import human_lm
from human_lm.commands.terminal import OneLineParser,whole_number
from human_lm.runs.results import check_writable,provenance,write_whole
from human_lm.runs.workers import TasksFailed,run_all

def measurements():
    "The measurements that there are: file by name"
    return {o.stem:o for o in sorted((root/'tools'/'measurements').glob('*.py'))}

def about(path):
    "What the measurement in file `path` says of itself, in its first paragraph"
    return ' '.join(ast.get_docstring(ast.parse(path.read_text(encoding='utf-8'))).split('\n\n')[0].split())

def key_name(key): return ', '.join(map(str, key)) if isinstance(key, tuple) else str(key)

def code_hash(path, made):
    "One value for the measurement in file `path`, the package, and the versions in `made`: what is done holds for them"
    package = Path(human_lm.__file__).parent
    files = [path, *sorted(o for o in package.rglob('*') if o.suffix in ('.py','.json') and o.name!='_modidx.py')]
    said = [json.dumps(made['versions']).encode(), *(o.read_bytes() for o in files)]
    return hashlib.sha256(b'\0'.join(said)).hexdigest()

def task_hash(task): return hashlib.sha256(pickle.dumps(task)).hexdigest()

class Part:
    "The file of what is done: values by task, good for one state of the code"
    def __init__(self, path, code, tasks):
        self.path,self.code,self.hashes = path,code,{k:task_hash(o) for k,o in tasks.items()}
        try: old = json.loads(path.read_text(encoding='utf-8'))
        except (OSError, ValueError): old = {}
        self.stale = bool(old) and old.get('code')!=code
        self.values = old['done'] if old and not self.stale else {}
        self.done = {k:self.values[h] for k,h in self.hashes.items() if h in self.values}

    def add(self, key, value):
        try: text = json.dumps(value)
        except TypeError as e: raise SystemExit(f'{key_name(key)} gave what JSON cannot hold: {e}')
        self.done[key] = self.values[self.hashes[key]] = json.loads(text)  # as it would be read again after a stop
        write_whole(self.path, json.dumps(dict(code=self.code, done=self.values)))

def take(name, n_seeds=None, n_proc=None, only='*', say=print):
    "Measure `name` and write its file; the exit status"
    path = root/'nbs'/'measured'/f'{name}.json'
    measurement = import_module(f'measurements.{name}')
    made = provenance('make measure ARGS=' + (name if n_seeds is None else f'"{name} --seeds {n_seeds}"'))
    tasks = measurement.tasks(n_seeds)
    chosen = {k:o for k,o in tasks.items() if fnmatchcase(key_name(k), only)}
    if not chosen: raise SystemExit(f'no task of {name} fits {only!r}; {name} --list says which there are')
    path.parent.mkdir(parents=True, exist_ok=True)
    check_writable(path)
    part = Part(path.with_suffix('.part'), code_hash(measurements()[name], made), tasks)
    if part.stale: say('The code has changed since this was begun: all is measured anew.')
    elif part.done: say(f'{len(part.done)} of {len(tasks)} tasks are done already.')
    start = time.monotonic()
    def each(key, value):
        part.add(key, value)
        n,minutes = len(tasks),(time.monotonic()-start)/60
        got = json.dumps(value)
        say(f'{len(part.done):{len(str(n))}} of {n}, {minutes:.1f} min: {key_name(key)}: '
            + (got if len(got)<=80 else f'{got[:79]}…'))
    try: run_all({k:o for k,o in chosen.items() if k not in part.done}, n_proc, each)
    except TasksFailed as e:
        for k,o in e.failed.items(): print(f'\n{key_name(k)}: {o}', file=sys.stderr)
        raise SystemExit(f'{len(e.failed)} of {len(tasks)} tasks failed: the others are kept, '
                         'and the same command tries these again')
    except KeyboardInterrupt:
        print(f'\nstopped with {len(part.done)} of {len(tasks)} tasks done; the same command goes on', file=sys.stderr)
        return 130
    if len(part.done)<len(tasks):
        say(f'{len(part.done)} of {len(tasks)} tasks are done; the file is written when all are')
        return 0
    done = {k:part.done[k] for k in tasks}
    write_whole(path, json.dumps(dict(provenance=made, **measurement.result(done)), indent=1)+'\n')
    part.path.unlink(missing_ok=True)
    say(f'{path.relative_to(root)} is written')
    return 0

def main(args=None):
    "The command; its exit status"
    p = OneLineParser(prog='measure', description='Take a measurement, and write nbs/measured/NAME.json; '
                                                  'a run that was stopped goes on.')
    p.add_argument('name', nargs='?', metavar='NAME', help='which one; --list says which there are')
    p.add_argument('--seeds', type=whole_number('the number of seeds', 1), metavar='N',
                   help="how many seeds, or tries (default: the measurement's own number)")
    p.add_argument('--jobs', type=whole_number('the number of jobs', 1), metavar='N',
                   help='how many processes (default: one a core)')
    p.add_argument('--only', default='*', metavar='PATTERN',
                   help="only the tasks whose key fits, such as 'LMModel6*'; the file is written when all are done")
    p.add_argument('--list', action='store_true', help='list the measurements, or the tasks of NAME')
    a,names = p.parse_args(args),measurements()
    if a.name is None:
        if not a.list: p.error(f"name a measurement: {', '.join(names)}")
        for o,path in names.items(): print(f'{o}: {about(path)}')
        return 0
    if a.name not in names:
        near = get_close_matches(a.name, names, 1, 0.4)
        meant = f' Did you mean {near[0]!r}?' if near else ''
        p.error(f"there is no measurement {a.name!r}.{meant} There are {', '.join(names)}")
    if a.list:
        for k in import_module(f'measurements.{a.name}').tasks(a.seeds): print(key_name(k))
        return 0
    try: return take(a.name, a.seeds, a.jobs, a.only, lambda s: print(s, flush=True))
    except OSError as e: p.error(f'cannot write nbs/measured/{a.name}.json: {e.strerror or e}')

if __name__=='__main__': sys.exit(main())
