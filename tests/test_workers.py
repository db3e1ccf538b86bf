"Tasks side by side in processes: their values, what fails, and that no worker outlives the process that started it"
import os,signal,subprocess,sys,time,warnings
from pathlib import Path

import pytest

from human_lm.runs import workers
from human_lm.runs.workers import TasksFailed,run_all

posix = pytest.mark.skipif(os.name!='posix', reason='needs the signals of a Unix')

# the processes import this module: nothing large at its top
def value(x): return x
def fail(x): raise KeyError(x)
def two_lines(): raise ValueError('first\nsecond')
def leave(status): sys.exit(status)
def killed(): os.kill(os.getpid(), signal.SIGKILL)
def where():
    import torch
    return os.getpid(),torch.get_num_threads(),signal.getsignal(signal.SIGINT)==signal.SIG_IGN
def asleep(folder):
    (Path(folder)/str(os.getpid())).touch()
    time.sleep(600)
def no_pickle(): return lambda: 0

def test_values_in_the_order_of_the_tasks():
    told = []
    tasks = {(c,i): (value, dict(x=f'{c}{i}')) for c in 'ab' for i in range(3)}
    res = run_all(tasks, 2, each=lambda *o: told.append(o))
    assert res=={k:f'{k[0]}{k[1]}' for k in tasks} and list(res)==list(tasks) and sorted(told)==sorted(res.items())

def test_each_process_is_started_once_and_has_one_thread():
    got = list(run_all({i: (where, {}) for i in range(6)}, 1).values())
    assert len(set(got))==1 and got[0][0]!=os.getpid() and got[0][1:]==(1,True)

def test_no_tasks_and_no_processes():
    assert run_all({})=={}
    with pytest.raises(ValueError, match='`n_proc` must be at least 1, got 0'): run_all({'a': (value, dict(x=1))}, 0)
    with pytest.raises(ValueError, match='task a cannot be sent to a process'): run_all({'a': (lambda: 0, {})})

def test_no_more_processes_than_tasks(monkeypatch):
    made = []
    class Counted(workers._Worker):
        def __init__(self):
            made.append(self)
            super().__init__()
    monkeypatch.setattr(workers, '_Worker', Counted)
    run_all({'a': (value, dict(x=1))}, 9)
    assert len(made)==1

def test_what_fails_is_named_and_the_others_keep_their_values():
    "An error, a killed process, one that ends, a value that cannot be sent"
    tasks = {('m',0): (killed, {}), 'gone': (leave, dict(status=3)), 'bad': (fail, dict(x='k')), 'lines': (two_lines, {}), 'odd': (no_pickle, {}),
             'good': (value, dict(x=1))}
    with pytest.raises(TasksFailed) as e: run_all(tasks, 1)
    first = {k:o.splitlines()[0] for k,o in e.value.failed.items()}
    assert e.value.done=={'good':1}
    assert first['m',0].startswith('its process was killed (signal 9)') and first['gone']=='its process ended with status 3'
    assert first['bad']=="KeyError: 'k'" and 'in fail' in e.value.failed['bad'] and first['lines']=='ValueError: first'
    assert set(first)==set(tasks)-{'good'}
    assert str(e.value).startswith('5 of 6 tasks failed: m, 0: its process was killed') and str(e.value).endswith('; and 2 more') and '\n' not in str(e.value)

def test_an_error_in_each_ends_the_workers(tmp_path):
    def each(key, value): raise KeyboardInterrupt
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt): run_all({'a': (value, dict(x=1)), 'b': (asleep, dict(folder=str(tmp_path)))}, 1, each)
    assert time.monotonic()-start<60 and workers.get_context('spawn').active_children()==[]

def none_starts(self): raise OSError(11, 'Resource temporarily unavailable')

def test_without_processes_the_tasks_run_here(monkeypatch):
    monkeypatch.setattr(workers._Worker, '__init__', none_starts)
    with pytest.warns(UserWarning, match='no process could be started'):
        with pytest.raises(TasksFailed, match="1 of 2 tasks failed: b: KeyError: 'k'") as e: run_all({'a': (where, {}), 'b': (fail, dict(x='k'))}, 2)
    assert e.value.done['a'][:2]==(os.getpid(), 1)

def test_fewer_processes_than_asked_for(monkeypatch):
    class One(workers._Worker):
        made = 0
        def __init__(self):
            One.made += 1
            if One.made>1: none_starts(self)
            super().__init__()
    monkeypatch.setattr(workers, '_Worker', One)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert len(set(run_all({i: (where, {}) for i in range(3)}, 3).values()))==1

def dies_at_once(conn): sys.exit(4)

def test_workers_that_die_as_they_start(monkeypatch):
    monkeypatch.setattr(workers, '_work', dies_at_once)
    with pytest.warns(UserWarning, match='no process could be started'): assert run_all({'a': (value, dict(x=1))}, 2)=={'a':1}

script = '''
import sys,warnings
sys.path.insert(0, sys.argv[1])
from human_lm.runs.workers import run_all
from test_workers import asleep
if __name__=='__main__': run_all({i: (asleep, dict(folder=sys.argv[2])) for i in range(2)}, 2)
'''

def is_there(pid):
    "Is there a process `pid` that has not ended?"
    try: os.kill(pid, 0)
    except ProcessLookupError: return False
    try: return Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0]!='Z'  # ended, and not yet fetched by whoever inherited it
    except OSError: return not Path('/proc/self/stat').exists()

def wait_for(f, seconds=90):
    end = time.monotonic()+seconds
    while not f():
        assert time.monotonic()<end, 'waited too long'
        time.sleep(0.05)

@posix
@pytest.mark.parametrize('name', ['SIGINT','SIGTERM','SIGHUP','SIGKILL'])
def test_workers_do_not_outlive_their_parent(tmp_path, name):
    (tmp_path/'pids').mkdir()
    (tmp_path/'script.py').write_text(script)
    p = subprocess.Popen([sys.executable, str(tmp_path/'script.py'), str(Path(__file__).parent), str(tmp_path/'pids')], stderr=subprocess.PIPE)
    try:
        wait_for(lambda: p.poll() is not None or len(list((tmp_path/'pids').iterdir()))==2)
        pids = [int(o.name) for o in (tmp_path/'pids').iterdir()]
        assert len(pids)==2
        p.send_signal(getattr(signal, name))
        p.wait(20)
        wait_for(lambda: not any(map(is_there, pids)), 10)
    finally: p.kill()

def reports(n):
    for i in range(n): workers.report(i)
    return 'done'

@pytest.mark.parametrize('how', ['workers','this process'])
def test_reports(how, monkeypatch):
    "They come in order, before the end of their task, and go nowhere outside of one"
    if how=='this process': monkeypatch.setattr(workers, '_Worker', lambda: (_ for _ in ()).throw(OSError()))
    told = []
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        res = run_all({k: (reports, dict(n=3)) for k in 'ab'}, 2, lambda *o: told.append(o), lambda *o: told.append(o))
        assert res=={'a':'done','b':'done'}==run_all({k: (reports, dict(n=2)) for k in 'ab'}, 1)
    for k in 'ab': assert [v for key,v in told if key==k]==[0,1,2,'done']
    assert workers.report(1) is None
