"The runner of measurements, with a toy: it goes on where it was stopped, and measures anew what has changed"
import json,os,shutil,signal,subprocess,sys,time
from pathlib import Path

import pytest

root = Path(__file__).resolve().parent.parent
toy = '''"""A toy that doubles numbers. Read nowhere.

Not in the list."""
import os,time
from pathlib import Path

folder = Path(os.environ['TOY'])

def double(x):
    with open(folder/'log', 'a') as f: f.write(f'{x}\\n')
    if x==13 and not (folder/'luck').exists(): raise ValueError('no luck')
    return dict(twice=2*x)

def wait():
    (folder/'waiting').touch()
    while not (folder/'go').exists(): time.sleep(0.05)

def odd(): return {1,2}

def tasks(n_seeds=None): return {**{('double',i): (double, dict(x=i+0)) for i in range(n_seeds or 2)}, 'wait': (wait, {})}

def result(done): return dict(sum=sum(v['twice'] for k,v in done.items() if k!='wait'))
'''

@pytest.fixture
def place(tmp_path):
    "A project with the runner and one measurement"
    (tmp_path/'tools'/'measurements').mkdir(parents=True)
    shutil.copy(root/'tools'/'measure.py', tmp_path/'tools')
    (tmp_path/'tools'/'measurements'/'toy.py').write_text(toy)
    (tmp_path/'other').mkdir()
    return tmp_path

def start(place, *args):
    env = {**os.environ, 'TOY':str(place/'other'), 'PYTHONPATH':str(root)}
    return subprocess.Popen([sys.executable, str(place/'tools'/'measure.py'), *args], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

def run(place, *args):
    p = start(place, *args)
    out,err = p.communicate(timeout=120)
    return p.returncode,out,err

def log(place): return sorted(map(int, (place/'other'/'log').read_text().split()))
def figures(place): return json.loads((place/'nbs'/'measured'/'toy.json').read_text())
def change(place, a, b): (place/'tools'/'measurements'/'toy.py').write_text(toy.replace(a, b))

@pytest.mark.skipif(os.name!='posix', reason='needs the signals of a Unix')
@pytest.mark.parametrize('name,status', [('SIGKILL',-9), ('SIGINT',130)])
def test_goes_on_where_it_was_stopped(place, name, status):
    p = start(place, 'toy', '--jobs', '1')
    end = time.monotonic()+100
    while not (place/'other'/'waiting').exists() and p.poll() is None and time.monotonic()<end: time.sleep(0.05)
    p.send_signal(getattr(signal, name))
    out,err = p.communicate(timeout=60)
    assert p.returncode==status and '2 of 3' in out and not (place/'nbs'/'measured'/'toy.json').exists()
    if name=='SIGINT': assert err.strip()=='stopped with 2 of 3 tasks done; the same command goes on'
    (place/'other'/'go').touch()
    status,out,err = run(place, 'toy')
    assert (status,err)==(0,'') and out.startswith('2 of 3 tasks are done already.\n3 of 3, ')
    assert out.endswith('nbs/measured/toy.json is written\n'.replace('/', os.sep)) and log(place)==[0,1]
    made = figures(place)
    assert made.pop('sum')==2 and list(made)==['provenance'] and made['provenance']['command']=='make measure ARGS=toy'
    assert [o.name for o in (place/'nbs'/'measured').iterdir()]==['toy.json']

def test_what_has_changed_is_measured_anew(place):
    "With --only some are done; more seeds keep them; a changed setting or function does not"
    status,out,_ = run(place, 'toy', '--only', 'double*')
    assert status==0 and out.endswith('2 of 3 tasks are done; the file is written when all are\n')
    (place/'other'/'go').touch()
    status,out,_ = run(place, 'toy', '--seeds', '3', '--only', 'double*')
    assert out.startswith('2 of 4 tasks are done already.\n') and log(place)==[0,1,2]
    change(place, 'return dict(twice=2*x)', 'return dict(twice=3*x)')
    status,out,_ = run(place, 'toy', '--seeds', '3')
    assert status==0 and out.startswith('The code has changed since this was begun: all is measured anew.\n1 of 4, ')
    assert log(place)==[0,0,1,1,2,2] and figures(place)['sum']==9
    assert figures(place)['provenance']['command']=='make measure ARGS="toy --seeds 3"'

def test_other_settings():
    from measure import task_hash
    assert task_hash((max, dict(a=1)))==task_hash((max, dict(a=1)))!=task_hash((max, dict(a=2)))!=task_hash((min, dict(a=2)))

def test_a_task_that_fails(place):
    "It is named, the others are kept, and the next run tries it again"
    change(place, "**{('double',i): (double, dict(x=i+0))", "('bad',13): (double, dict(x=13)), **{('double',i): (double, dict(x=i+0))")
    (place/'other'/'go').touch()
    status,out,err = run(place, 'toy', '--jobs', '1')
    assert status==1 and 'bad, 13: ValueError: no luck' in err and err.splitlines()[-1].startswith('1 of 4 tasks failed') and '3 of 4' in out
    assert not (place/'nbs'/'measured'/'toy.json').exists()
    (place/'other'/'luck').touch()
    status,out,err = run(place, 'toy')
    assert (status,err)==(0,'') and out.startswith('3 of 4 tasks are done already.') and log(place)==[0,1,13,13] and figures(place)['sum']==28

def test_a_value_that_json_cannot_hold(place):
    change(place, "'wait': (wait, {})", "'wait': (odd, {})")
    status,_,err = run(place, 'toy')
    assert status==1 and err=='wait gave what JSON cannot hold: Object of type set is not JSON serializable\n'

def test_what_is_asked_for(place):
    for args,want in ((['tay'], "there is no measurement 'tay'. Did you mean 'toy'? There are toy"), ([], 'name a measurement: toy'),
                      (['toy','--seeds','0'], 'the number of seeds must be a whole number of at least 1')):
        status,out,err = run(place, *args)
        assert status==2 and out=='' and want in err and len(err.splitlines())==1
    assert run(place, '--list')[:2]==(0, 'toy: A toy that doubles numbers. Read nowhere.\n')
    assert run(place, 'toy', '--list')[:2]==(0, 'double, 0\ndouble, 1\nwait\n')
    status,out,err = run(place, 'toy', '--only', 'x*')
    assert status==1 and err=="no task of toy fits 'x*'; toy --list says which there are\n"
    (place/'nbs'/'measured'/'toy.json').mkdir(parents=True)
    status,out,err = run(place, 'toy')
    assert status==2 and 'cannot write nbs/measured/toy.json' in err and len(err.splitlines())==1

@pytest.mark.parametrize('path', sorted((root/'tools'/'measurements').glob('*.py')), ids=lambda o: o.stem)
def test_each_measurement_names_the_notebooks_that_read_it(path):
    from measure import about
    import re
    read = re.findall(r'nbs/[\w.]+\.ipynb', about(path))
    assert read, f'{path.name} does not say which notebook reads it'
    for o in read:
        assert (root/o).exists(), f'{path.name} names {o}, which is not there'
        assert path.stem in (root/o).read_text(encoding='utf-8'), f'{o} does not read {path.stem}.json'

@pytest.mark.parametrize('path', sorted((root/'tools'/'measurements').glob('*.py')), ids=lambda o: o.stem)
def test_each_measurement_can_begin(path):
    "Its imports are there, and it has tasks"
    from measure import import_module
    m = import_module(f'measurements.{path.stem}')
    assert callable(m.tasks) and callable(m.result)
