import json,os,signal,subprocess,sys

import pytest,torch

from human_lm.published import *
from human_lm.reproduce import *

# How far each table agrees with the print; see nbs/published.ipynb. LMModel7's start is not known.
@pytest.mark.parametrize('name,n,tol', [('LMModel1',4,1e-4), ('LMModel2',4,1e-4), ('LMModel3',3,1e-4), ('LMModel4',5,1e-4), ('LMModel5',15,1e-3), ('LMModel6',3,1e-4)])
def test_published_figures(name, n, tol):
    res = reproduce_model(name)
    assert n_agree(name, res['rows'], tol)>=n
    assert len(res['rows'])==len(res['published']) and res['seed']==42

def test_baseline_is_exact():
    assert reproduce_baseline()==dict(token='thousand', index=29, accuracy=0.15165200855716662, published=0.15165200855716662)

def test_figures_of_the_data():
    assert len(chapter_corpus()[0])==30 and len(chapter_corpus()[1])==63095
    dls = chapter_dls('LMModel1')
    assert len(dls.train_ds)+len(dls.valid_ds)==21031
    assert len(chapter_dls('LMModel4').valid_ds)*16==12288

def test_the_start_does_not_depend_on_what_ran_before():
    "Another seed starts elsewhere, the same seed at the same place"
    def start(name, seed):
        start_run(name, seed)
        return torch.get_rng_state().tolist()
    a = start('LMModel3', 42); torch.randn(5)
    assert start('LMModel3', 42)==a==start('LMModel4', 42)
    assert start('LMModel3', 43)!=a!=start('LMModel2', 42)

def test_json(tmp_path, capsys):
    path = tmp_path/'figures.json'
    path.write_text('old')
    assert human_lm_reproduce(['--models', '2,1', '--seed', '3', '--json', str(path)])==0
    d = json.loads(path.read_text())
    assert d['baseline']['accuracy']==0.15165200855716662
    assert list(d['models'])==['LMModel1','LMModel2']
    for name,o in d['models'].items():
        assert o['seed']==3 and o['published']==published_table(name) and o['seconds']>0
        assert [len(r) for r in o['rows']]==[3]*4 and n_agree(name, o['rows'])==0
    assert os.listdir(tmp_path)==['figures.json']
    out = capsys.readouterr().out
    assert '| LMModel2 ' in out and 'LMModel3' not in out and f"{d['models']['LMModel1']['rows'][3][2]:.6f}" in out

@pytest.mark.parametrize('args,match', [
    (['--models','8'], "no model '8'; choose from 1 to 7"), (['--models','1,x'], "no model 'x'"), (['--models',''], 'at least one model'),
    (['--seed','soon'], "'soon'"), (['--seed','-1'], "'-1'"), (['--seed','1.5'], "'1.5'"),
    (['--json','no/such/folder/x.json'], 'cannot write'), (['--json','.'], 'cannot write'), (['--colour'], '--colour')])
def test_bad_arguments(args, match, capsys, monkeypatch):
    "One line that says what is wrong, status 2, and nothing is trained"
    monkeypatch.setattr('human_lm.reproduce.reproduce_model', lambda *a, **k: pytest.fail('trained'))
    with pytest.raises(SystemExit) as e: human_lm_reproduce(args)
    out,err = capsys.readouterr()
    assert e.value.code==2 and out=='' and err.count('\n')==1
    assert err.startswith('human_lm_reproduce: ') and match in err

def test_a_read_only_file_is_left_alone(tmp_path, capsys, monkeypatch):
    path = tmp_path/'x.json'
    path.write_text('mine')
    monkeypatch.setattr('human_lm.reproduce.os.access', lambda p, mode: False)  # what chmod does for everyone but root
    with pytest.raises(SystemExit): human_lm_reproduce(['--json', str(path)])
    assert 'read-only' in capsys.readouterr().err and path.read_text()=='mine'

def test_failure_while_writing(tmp_path, capsys, monkeypatch):
    "A disk that fills up at the end leaves the old file, and says so"
    path = tmp_path/'x.json'
    path.write_text('old')
    def full(*a): raise OSError(28, 'No space left on device')
    monkeypatch.setattr('human_lm.reproduce.os.replace', full)
    with pytest.raises(SystemExit) as e: human_lm_reproduce(['--models', '1', '--json', str(path)])
    assert e.value.code==2 and 'No space left' in capsys.readouterr().err
    assert path.read_text()=='old' and os.listdir(tmp_path)==['x.json']

@pytest.mark.skipif(os.name=='nt', reason='Windows has no SIGINT to send to one process')
def test_interrupt(tmp_path):
    "Ctrl-C in the middle of training: a word about it, and no file"
    cmd = 'import sys; from human_lm.reproduce import human_lm_reproduce; sys.exit(human_lm_reproduce(sys.argv[1:]))'
    p = subprocess.Popen([sys.executable, '-W', 'ignore', '-c', cmd, '--json', str(tmp_path/'x.json')], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while 'LMModel3' not in p.stdout.readline(): pass
    p.send_signal(signal.SIGINT)
    out,err = p.communicate(timeout=60)
    assert p.returncode==130 and err.strip()=='human_lm_reproduce: interrupted, no file was written'
    assert os.listdir(tmp_path)==[]

def test_help(capsys):
    with pytest.raises(SystemExit) as e: human_lm_reproduce(['--help'])
    out = capsys.readouterr().out
    assert e.value.code==0 and all(o in out for o in ('--models', '--seed', '--json'))

def test_unknown_names():
    for f in (chapter_learner, chapter_dls, chapter_model, reproduce_model, published_table):
        with pytest.raises(ValueError, match='LMModel8'): f('LMModel8')

def test_n_agree():
    rows = [o[:] for o in published_table('LMModel1')]
    rows[2][1] += 2e-4
    assert n_agree('LMModel1', rows)==2 and n_agree('LMModel1', rows, 1e-3)==4 and n_agree('LMModel1', rows[:1])==1
