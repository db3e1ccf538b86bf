import contextlib,json,os,signal,subprocess,sys
from dataclasses import replace
from types import SimpleNamespace

import pytest,torch

from human_lm.commands.reproduce import *
from human_lm.runs.published import *
from human_lm.runs.recipes import *
from human_lm.runs.reproduce import *
from human_lm.runs.workers import TasksFailed

posix = pytest.mark.skipif(os.name!='posix', reason='needs the signals of a Unix')

# Ctrl-C is ignored by what a script starts in the background, and so perhaps by these tests; the command should feel it all the same
as_command = '''import signal,sys; from human_lm.commands.reproduce import human_lm_reproduce
signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(human_lm_reproduce(sys.argv[1:]))'''

# Sums are added in the order that the processor's vector units suggest, and LMModel4 notices after three epochs:
# nbs/45_runs.seeds.ipynb shows how far it agrees with which.
n_epochs_4 = 5 if torch.backends.cpu.get_cpu_capability()=='AVX512' else 3

# How far each table agrees with the print; see nbs/40_runs.published.ipynb. LMModel7's start is not known.
@pytest.mark.parametrize('name,n,tol', [('LMModel1',4,1e-4), ('LMModel2',4,1e-4), ('LMModel3',3,1e-4), ('LMModel4',n_epochs_4,1e-4), ('LMModel5',15,1e-3), ('LMModel6',3,1e-4)])
def test_published_figures(name, n, tol):
    res = reproduce_model(name)
    apart = [f'{max(abs(a-b) for a,b in zip(*o)):.1e}' for o in zip(res['rows'], res['published'])]
    assert n_agree(name, res['rows'], tol)>=n, f'torch {torch.__version__} no longer follows the print for {n} epochs; largest differences: {apart}'
    assert len(res['rows'])==len(res['published']) and res['seed']==42
    assert res['agreeing_epochs']==n_agree(name, res['rows'])

def test_baseline_is_exact():
    assert reproduce_baseline()==dict(token='thousand', index=29, accuracy=0.15165200855716662, published=0.15165200855716662)

def test_figures_of_the_data():
    assert len(chapter_corpus()[0])==30 and len(chapter_corpus()[1])==63095
    dls = recipe('LMModel1').dls()
    assert len(dls.train_ds)+len(dls.valid_ds)==21031
    assert len(recipe('LMModel4').dls().valid_ds)*16==12288

def test_the_start_does_not_depend_on_what_ran_before():
    "Another seed starts elsewhere, the same seed at the same place"
    def start(name, seed):
        recipe(name).start(seed)
        return torch.get_rng_state().tolist()
    a = start('LMModel3', 42); torch.randn(5)
    assert start('LMModel3', 42)==a==start('LMModel4', 42)
    assert start('LMModel3', 43)!=a!=start('LMModel2', 42)

def in_turn(tasks, n_proc=None, each=None, during=None):
    "What `run_all` does, in this process"
    done = {}
    for k,(f,kwargs) in tasks.items():
        done[k] = f(**kwargs)
        if each: each(k, done[k])
    return done

@pytest.fixture
def one_process(monkeypatch): monkeypatch.setattr('human_lm.commands.reproduce.run_all', in_turn)

@pytest.fixture(scope='module')
def six(tmp_path_factory):
    "The command as people run it, in processes of its own: its output and its figures"
    path = tmp_path_factory.mktemp('six')/'figures.json'
    path.write_text('old')
    res = subprocess.run([sys.executable, '-c', as_command, '--models', '2,1', '--jobs', '2', '--faithful', '--json', str(path)], capture_output=True, text=True)
    assert res.returncode==0 and res.stderr=='', res.stderr
    return res.stdout,json.loads(path.read_text()),path

def test_the_fast_way_side_by_side_gives_the_plain_tables(six, one_process, capsys):
    "To the last digit, in the chapter's order, whichever ended first"
    out,d,_ = six
    assert human_lm_reproduce('--models 1,2 --plain --faithful'.split())==0
    plain = capsys.readouterr().out
    def tables(s): return [o.rsplit(';', 1)[0] for o in s[s.index('\nLMModel1: '):].splitlines() if 's in all' not in o and not o.startswith(('|','All figures'))]
    assert tables(plain)==tables(out)
    def final(s): return [[c.strip() for c in o.split('|')[:-2]] for o in s.splitlines() if o.startswith('|')]
    assert final(plain)==final(out) and len(final(out))==5

def test_json(six):
    "All figures, in full"
    out,d,path = six
    assert list(d)==['baseline','models','seconds'] and list(d['models'])==['LMModel1','LMModel2'] and d['seconds']>0
    assert d['baseline']['accuracy']==0.15165200855716662
    for name,o in d['models'].items():
        assert o['seed']==42 and o['published']==published_table(name) and o['seconds']>0 and o['lr']==recipe(name).lr
        assert [len(r) for r in o['rows']]==[3]*len(published_table(name)) and n_agree(name, o['rows'])==o['agreeing_epochs']
        assert f"{o['rows'][3][2]:.6f}" in out
    assert os.listdir(path.parent)==['figures.json']

def test_what_is_said_meanwhile(six):
    "A line as each model ends, and none in a terminal's colours"
    out = six[0]
    assert sorted(o.split(': ')[1].split(' in ')[0] for o in out.splitlines()[:2])==['LMModel1','LMModel2'] and '\x1b' not in out
    assert [o.split(':')[0] for o in out.splitlines()[:2]]==['1 of 2','2 of 2']

def test_faithful(six):
    "The published start in words, the epochs that agree in print and in JSON"
    out,d,_ = six
    assert 'start: set_seed(42), then LMModel1 built and fitted (8 passes), then one pass over the validation pairs' in out
    assert 'all 4 epochs agree to 1e-4' in out and '4 of 4' in out and d['models']['LMModel2']['agreeing_epochs']==4

def fake_model(name, seed, fast):
    pub = published_table(name)
    return dict(seed=seed, lr=1., start=f'fast {fast}', rows=[[0., 0., 0.]]*(len(pub)-1)+[[0., 0., seed/8+int(name[-1])/64]], published=pub, agreeing_epochs=0, seconds=1.)

def use_fakes(monkeypatch):
    for o in ('commands.reproduce','runs.seeds'): monkeypatch.setattr(f'human_lm.{o}.reproduce_model', fake_model)

def test_options(monkeypatch, capsys):
    "Seed, way and processes arrive; the longest starts first, and the chapter's order is printed"
    use_fakes(monkeypatch)
    monkeypatch.setattr('human_lm.commands.reproduce.reproduce_baseline', lambda: dict(token='a', index=0, accuracy=0.5, published=0.5))
    asked = []
    monkeypatch.setattr('human_lm.commands.reproduce.run_all', lambda tasks, *args: (asked.append((list(tasks), args[0])), in_turn(tasks, *args))[1])
    assert human_lm_reproduce('--jobs 2 --plain --faithful'.split())==0
    out = capsys.readouterr().out
    assert asked==[([*(f'LMModel{i}' for i in (7,6,5,3,4,2,1)), 'baseline'], 2)] and out.count('start: fast False')==7
    assert [o for o in out.splitlines() if ' epochs at ' in o]==[f'LMModel{i}: {len(published_table(f"LMModel{i}"))} epochs at 1.0, seed 42' for i in range(1, 8)]
    assert 'not known, and its published training loss' in out
    assert human_lm_reproduce('--models 3 --seed 7'.split())==0 and 'LMModel3: 10 epochs at 1.0, seed 7' in capsys.readouterr().out
    assert human_lm_reproduce('--models 1,6 --seeds 2'.split())==0
    assert asked[2]==([('LMModel6',0), ('LMModel1',0), ('LMModel6',1), ('LMModel1',1)], None) and 'start:' not in capsys.readouterr().out

@pytest.mark.parametrize('seeds', [False,True])
def test_a_run_that_fails_is_named_and_the_others_are_kept(monkeypatch, tmp_path, capsys, seeds):
    def fail(tasks, n_proc, each, during):
        bad = ('LMModel6',1) if seeds else 'LMModel6'
        done = in_turn({k:o for k,o in tasks.items() if k!=bad}, n_proc, each)
        raise TasksFailed(done, {bad: 'its process was killed\n\nTraceback'})
    use_fakes(monkeypatch)
    monkeypatch.setattr('human_lm.commands.reproduce.run_all', fail)
    path = tmp_path/'x.json'
    assert human_lm_reproduce(['--models', '5,6', '--json', str(path), *(['--seeds','3'] if seeds else [])])==1
    out,err = capsys.readouterr()
    d,name = json.loads(path.read_text()),'LMModel6, seed 1' if seeds else 'LMModel6'
    assert err==f'human_lm_reproduce: {name} is missing: its process was killed\n' and d['missing']=={name:'its process was killed'}
    if not seeds: assert list(d['models'])==['LMModel5'] and '| LMModel5 ' in out and '| LMModel6 ' not in out
    else:
        assert [d['models'][f'LMModel{i}']['accuracy'] for i in (5,6)]==[[5/64, 13/64, 21/64], [6/64, 22/64]]
        assert [o['of'] for o in d['comparisons']]==[2]

def test_all_fail_alike(monkeypatch, tmp_path, capsys):
    "A folder that cannot be written is said once, and no file is written"
    def fail(tasks, *args): raise TasksFailed({}, dict.fromkeys(tasks, 'OSError: cannot write the Human Numbers\n\nTraceback'))
    monkeypatch.setattr('human_lm.commands.reproduce.run_all', fail)
    assert human_lm_reproduce(['--json', str(tmp_path/'x.json')])==2
    out,err = capsys.readouterr()
    assert out=='' and err=='human_lm_reproduce: cannot write the Human Numbers\n' and os.listdir(tmp_path)==[]

def test_without_processes(monkeypatch, capsys):
    "It says so in a line, and trains in this one"
    def cannot(*args): raise OSError('no process')
    monkeypatch.setattr('human_lm.runs.workers._Worker', cannot)
    use_fakes(monkeypatch)
    assert human_lm_reproduce('--models 1'.split())==0
    out,err = capsys.readouterr()
    assert err=='human_lm_reproduce: no process could be started: the tasks run in this one, one after the other\n' and '| LMModel1 ' in out

def test_in_a_terminal(monkeypatch, one_process, capsys):
    "A live line a model instead of plain lines"
    use_fakes(monkeypatch)
    seen = []
    @contextlib.contextmanager
    def lines(totals, unit):
        seen.append((totals, unit))
        yield lambda *args: seen.append(args)
    monkeypatch.setattr('human_lm.commands.reproduce.live_lines', lines)
    monkeypatch.setattr('sys.stdout.isatty', lambda: True)
    def during(tasks, n_proc, each, during):
        during('LMModel1', (2, 0.25))
        return in_turn(tasks, n_proc, each)
    monkeypatch.setattr('human_lm.commands.reproduce.run_all', during)
    assert human_lm_reproduce('--models 1'.split())==0 and ' of 1: ' not in capsys.readouterr().out
    assert seen==[({'LMModel1':4}, 'epochs'), ('LMModel1', 2, 'accuracy 0.250')]
    monkeypatch.setattr('human_lm.commands.reproduce.run_all', in_turn)
    assert human_lm_reproduce('--models 1 --seeds 2'.split())==0 and ' of 2: ' not in capsys.readouterr().out
    assert seen[2:]==[({'LMModel1':2}, 'seeds'), ('LMModel1', 1, 'seed 0: accuracy 0.016'), ('LMModel1', 2, 'seed 1: accuracy 0.141')]

def test_replay_passes_twice_an_epoch(monkeypatch):
    did = []
    monkeypatch.setattr('human_lm.runs.published.replay_pass', lambda: did.append('pass'))
    replay(lambda: did.append('model'), 3)
    assert did==['model',*['pass']*6]

def test_what_a_run_gives(monkeypatch):
    "The chapter's seed and the fast way unless one asks, and all that is known of it"
    class Learn:
        no_logging = no_bar = contextlib.nullcontext
        recorder = SimpleNamespace(values=published_table('LMModel2')[:1]+[[0.,0.,0.]])
    class Run:
        lr = 0.5
        def learner(self, *how): return (asked.append(how), Learn())[1]
        def fit(self, learn, cbs): assert isinstance(learn, Learn)
        def history(self): return 'from the start'
    monkeypatch.setattr('human_lm.runs.recipes.recipe', lambda name: Run())
    asked = []
    for args,how in (((),(42,True)), ((7,False),(7,False))):
        monkeypatch.setattr('human_lm.runs.reproduce.time.perf_counter', iter([10.,12.3456]).__next__)
        assert reproduce_model('LMModel2', *args)==dict(seed=how[0], lr=0.5, start='from the start', rows=Learn.recorder.values, published=published_table('LMModel2'), agreeing_epochs=1, seconds=2.35)
        assert asked.pop()==how

@pytest.fixture
def short(monkeypatch):
    "LMModel1 and LMModel2 in two epochs of an eighth of the steps, ten times as long each"
    for o in ('LMModel1','LMModel2'): monkeypatch.setitem(recipes, o, replace(recipes[o], n_epoch=2, bs=512, lr=1e-2))

def test_each_epoch_is_reported(monkeypatch, short):
    told = []
    monkeypatch.setattr('human_lm.runs.reproduce.report', told.append)
    rows = reproduce_model('LMModel1', 0)['rows']
    assert len(rows)==2 and told==[(i+1, o[2]) for i,o in enumerate(rows)]

def test_seeds(tmp_path, capsys, one_process, short):
    "Every figure of `--seeds` follows from the accuracies, which are those of the single runs"
    path = tmp_path/'seeds.json'
    assert human_lm_reproduce(['--models', '1,2', '--seeds', '2', '--json', str(path)])==0
    out,d = capsys.readouterr().out,json.loads(path.read_text())
    assert d['seeds']==[0,1] and list(d['models'])==['LMModel1','LMModel2'] and d['comparisons']==[]
    o = d['models']['LMModel1']
    a,b = o['accuracy']
    assert a!=b and [a,b]==[reproduce_model('LMModel1', i)['rows'][-1][2] for i in (0,1)]
    assert (o['least'], o['greatest'], o['published'])==(min(a,b), max(a,b), published_table('LMModel1')[-1][2])
    assert o['mean']==pytest.approx((a+b)/2) and o['std']==pytest.approx(abs(a-b)/2**0.5)
    assert o['n_below']==(a<o['published'])+(b<o['published'])
    assert '4 of 4: ' in out and f"| {o['mean']:.3f} |" in out

@pytest.mark.parametrize('args,match', [
    (['--models','8'], "no model '8'; choose from 1,2,3,4,5,6,7"), (['--models','1,x'], "no model 'x'"), (['--models',''], 'no model is named'),
    (['--seed','soon'], "'soon'"), (['--seed','-1'], "'-1'"), (['--seed','1.5'], "'1.5'"),
    (['--seed','4294967296'], "'4294967296'"), (['--seeds','0'], "'0'"), (['--seeds','-3'], "'-3'"), (['--seeds','ten'], "'ten'"), (['--seeds','2.5'], "'2.5'"),
    (['--faithful','--seed','7'], 'not allowed with'), (['--seed','42','--faithful'], 'not allowed with'), (['--faithful','--seeds','3'], 'not allowed with'), (['--seed','1','--seeds','3'], 'not allowed with'),
    (['--jobs','0'], 'at least 1'), (['--jobs','two'], "'two'"), (['--json','no/such/folder/x.json'], 'cannot write'), (['--json','.'], 'cannot write'), (['--colour'], '--colour')])
def test_bad_arguments(args, match, capsys, monkeypatch):
    "One line that says what is wrong, status 2, and nothing is trained"
    monkeypatch.setattr('human_lm.commands.reproduce.run_all', lambda *a, **k: pytest.fail('trained'))
    with pytest.raises(SystemExit) as e: human_lm_reproduce(args)
    out,err = capsys.readouterr()
    assert e.value.code==2 and out=='' and err.count('\n')==1
    assert err.startswith('human_lm_reproduce: ') and match in err

def test_a_read_only_file_is_left_alone(tmp_path, capsys, monkeypatch):
    path = tmp_path/'x.json'
    path.write_text('mine')
    monkeypatch.setattr('human_lm.runs.results.os.access', lambda p, mode: False)  # what chmod does for everyone but root
    with pytest.raises(SystemExit): human_lm_reproduce(['--json', str(path)])
    assert 'read-only' in capsys.readouterr().err and path.read_text()=='mine'

def test_failure_while_writing(tmp_path, capsys, monkeypatch, one_process):
    "A disk that fills up at the end leaves the old file, and says so"
    path = tmp_path/'x.json'
    path.write_text('old')
    def full(*a): raise OSError(28, 'No space left on device')
    use_fakes(monkeypatch)
    monkeypatch.setattr('human_lm.runs.results.os.replace', full)
    with pytest.raises(SystemExit) as e: human_lm_reproduce(['--models', '1', '--json', str(path)])
    assert e.value.code==2 and 'No space left' in capsys.readouterr().err
    assert path.read_text()=='old' and os.listdir(tmp_path)==['x.json']

@posix
@pytest.mark.parametrize('sig,args,first', [('SIGINT','--models 1,7','1 of 2'), ('SIGTERM','--models 1 --seeds 50','1 of 50')])
def test_signal_while_the_workers_train(tmp_path, sig, args, first):
    "It ends soon, and so do they; a word about it, and no file"
    p = subprocess.Popen([sys.executable, '-c', as_command, *args.split(), '--jobs', '2', '--json', str(tmp_path/'x.json')], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert p.stdout.readline().strip().startswith(first)
    n = getattr(signal, sig)
    p.send_signal(n)
    out,err = p.communicate(timeout=60)  # returns when every process that holds the pipes has ended
    assert p.returncode==128+n and err=='human_lm_reproduce: interrupted, no file was written\n'
    assert os.listdir(tmp_path)==[]

def test_help(capsys):
    with pytest.raises(SystemExit) as e: human_lm_reproduce(['--help'])
    out = capsys.readouterr().out
    assert e.value.code==0 and all(o in out for o in ('--models', '--faithful', '--seed', '--seeds', '--plain', '--jobs', '--json'))

def test_unknown_names():
    for f in (chapter_learner, recipe, reproduce_model, published_table):
        with pytest.raises(ValueError, match='LMModel8'): f('LMModel8')

def test_n_agree():
    rows = [o[:] for o in published_table('LMModel1')]
    rows[2][1] += 2e-4
    assert n_agree('LMModel1', rows)==2 and n_agree('LMModel1', rows, 1e-3)==4 and n_agree('LMModel1', rows[:1])==1
    assert n_agree('LMModel1', rows[2:])==0 and n_agree('LMModel1', rows, 0)==2

def test_all_models_that_have_a_table_are_named():
    with pytest.raises(ValueError, match="^no table was published for 'x'; there is one for LMModel1, LMModel2, LMModel3, LMModel4, LMModel5, LMModel6, LMModel7$"): published_table('x')

def test_tables_of_runs_to_the_letter():
    "Each figure in its column; the first column flush left, the others flush right"
    rows,published = [[1.5,2.25,0.25], [1.,2.,0.5], [0.5,12.,0.75]],[[1.25,2.5,0.125], [1.,2.,0.375], [0.75,1.5,0.5]]
    lines = ['        train_loss              valid_loss                accuracy', 'epoch    published       here    published       here    published       here',
             '    0     1.250000   1.500000     2.500000   2.250000     0.125000   0.250000', '    1     1.000000   1.000000     2.000000   2.000000     0.375000   0.500000',
             '    2     0.750000   0.500000     1.500000  12.000000     0.500000   0.750000']
    def run(n): return dict(published=published, rows=rows, agreeing_epochs=n, seconds=2.34)
    for n,said in ((1,'the first 1 of 3'), (3,'all 3')): assert epoch_table('LMModel1', run(n)).split('\n')==[*lines, f'{said} epochs agree to 1e-4; 2.3 s']
    baseline = dict(token='.', published=0.125, accuracy=0.375)
    assert summary_table(baseline, dict(LMModel1=run(1))).split('\n')==[
        '| model      | published |  here | points apart | epochs that agree | seconds |',
        '|------------|----------:|------:|-------------:|------------------:|--------:|',
        '| always `.` |     0.125 | 0.375 |        +25.0 |                   |         |',
        '| LMModel1   |     0.500 | 0.750 |        +25.0 |            1 of 3 |     2.3 |']
    assert summary_table(None, dict(LMModel1=run(1))).split('\n')[2:]==['| LMModel1 |     0.500 | 0.750 |        +25.0 |            1 of 3 |     2.3 |']

def test_compare():
    "Published beside here, six places each; what is apart in points, and no minus before a zero"
    pub = published_table('LMModel2')
    rows = [[1,2,pub[0][2]+0.0525], [1.5,2.5,pub[1][2]-0.00001]]
    class Learn: recorder = type('R', (), dict(values=rows))
    for given in (rows, Learn()):
        t = compare('LMModel2', given)
        assert list(t.columns)==[(m,o) for m in metric_names for o in ('published','here')]+[('accuracy','points apart')]
        assert t.index.tolist()==[0,1] and t.index.name=='epoch'
        assert t['train_loss','here'].tolist()==['1.000000','1.500000'] and t['valid_loss','here'].tolist()==['2.000000','2.500000']
        assert t['accuracy','published'].tolist()==[f'{o[2]:.6f}' for o in pub[:2]] and t['accuracy','points apart'].tolist()==['+5.25','+0.00']

def test_starts_in_words():
    assert recipe('LMModel1').history()=='set_seed(42)'
    assert recipe('LMModel3').history()=='set_seed(42), then LMModel1 built and fitted (8 passes), then one pass over the validation pairs, then LMModel2 built and fitted (8 passes)'
    assert recipe('LMModel7').history().startswith('not known')

def test_workers_are_quiet(monkeypatch):
    "One thread, and Ctrl-C is not for them"
    from human_lm.runs.workers import quiet_worker
    monkeypatch.setenv('OMP_NUM_THREADS', '3')
    before,n = signal.getsignal(signal.SIGINT),torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        quiet_worker()
        assert torch.get_num_threads()==1==int(os.environ['OMP_NUM_THREADS']) and signal.getsignal(signal.SIGINT)==signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
        torch.set_num_threads(n)
