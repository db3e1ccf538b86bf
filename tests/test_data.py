import errno,hashlib,random,shutil,subprocess,sys
from pathlib import Path

import pytest,torch
from hypothesis import given, strategies as st
from fastai.data.external import URLs, fastai_cfg, untar_data

from conftest import run_python
from human_lm import data
from human_lm.data import *

def contents(path): return {o.name:o.read_bytes() for o in path.iterdir()}

def leftovers(path): return [o.name for o in path.parent.iterdir() if o.name not in (path.name, '.human_numbers.lock')]

def test_files_are_where_fastai_looks(fastai_home):
    path = human_numbers()
    assert path==fastai_home/'data'/'human_numbers'==untar_data(URLs.HUMAN_NUMBERS)
    files = contents(path)
    assert {k:len(v) for k,v in files.items()}=={'train.txt':280599, 'valid.txt':74884}
    assert files['train.txt'].startswith(b'one \ntwo \n') and files['valid.txt'].startswith(b'eight thousand one \n')
    assert leftovers(path)==[]

def test_configured_folder(fastai_home, tmp_path):
    fastai_cfg()['data'] = str(tmp_path/'elsewhere')
    fastai_cfg().save()
    assert human_numbers()==tmp_path/'elsewhere'/'human_numbers'==untar_data(URLs.HUMAN_NUMBERS)

def test_a_whole_copy_is_left_alone(fastai_home):
    "A copy that is there is used untouched, with other line ends and other files beside"
    path = human_numbers()
    (path/'train.txt').write_bytes((path/'train.txt').read_bytes().replace(b' \n', b'\r\n'))
    (path/'notes.txt').write_text('mine')
    before = contents(path),[o.stat().st_mtime_ns for o in sorted(path.iterdir())]
    assert human_numbers()==path
    assert before==(contents(path),[o.stat().st_mtime_ns for o in sorted(path.iterdir())])
    assert len(read_lines(path))==9998

@pytest.mark.parametrize('damage', [
    lambda p: (p/'train.txt').write_bytes((p/'train.txt').read_bytes()[:1000]),
    lambda p: (p/'valid.txt').unlink(),
    lambda p: (p/'train.txt').write_bytes((p/'train.txt').read_bytes().replace(b'forty two', b'forty too', 1)),
    lambda p: (p/'valid.txt').write_bytes(b'\xff\xfe'),
    lambda p: (p/'train.txt').write_bytes(b''),
    lambda p: (shutil.rmtree(p), p.write_text('a file')),
], ids=['cut short', 'missing', 'a word changed', 'not UTF-8', 'empty', 'a file in its place'])
def test_damage_is_mended_and_nothing_lost(fastai_home, damage):
    path = human_numbers()
    good = contents(path)
    damage(path)
    bad = path.read_text() if path.is_file() else contents(path)
    with pytest.warns(UserWarning, match='damaged'): assert human_numbers()==path
    assert contents(path)==good
    aside = path.with_name('human_numbers.damaged')
    assert (aside.read_text() if aside.is_file() else contents(aside))==bad

def test_damaged_twice(fastai_home):
    for i in range(2):
        path = human_numbers()
        (path/'train.txt').write_text(str(i))
        with pytest.warns(UserWarning): human_numbers()
    assert [(path.with_name(f'human_numbers.damaged{i}')/'train.txt').read_text() for i in ('','2')]==['0','1']

def test_disk_full(fastai_home, monkeypatch):
    "An error in the middle of writing leaves nothing behind, and says what to do"
    def full(fd): raise OSError(errno.ENOSPC, 'No space left on device')
    monkeypatch.setattr(data.os, 'fsync', full)
    with pytest.raises(OSError, match='No space left.*FASTAI_HOME'): human_numbers()
    assert [o.name for o in (fastai_home/'data').iterdir() if o.name!='.human_numbers.lock']==[]
    monkeypatch.undo()

def test_folder_that_cannot_be_written(fastai_home):
    fastai_cfg()
    shutil.rmtree(fastai_home/'data', ignore_errors=True)
    (fastai_home/'data').write_text('a file where the folder should be')
    with pytest.raises(OSError, match='cannot write the Human Numbers to .*FASTAI_HOME.*config.ini'): human_numbers()

# what takes seconds to import is imported once, if processes can be forks of one that has it
_together = '''
import multiprocessing,os,sys
from pathlib import Path
import fastai.data.external
from human_lm.data import human_numbers
path,ctx = Path(sys.argv[1]),multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
for text in (None,"damaged"):
    if text: (path/"train.txt").write_text(text)
    ps = [ctx.Process(target=human_numbers) for _ in range(3)]
    for p in ps: p.start()
    for p in ps: p.join()
    print([p.exitcode for p in ps], *sorted(o.name for o in path.parent.iterdir()), flush=True)
'''

def test_processes_at_once(fastai_home):
    "Several processes that start together, on an empty and on a damaged folder, all end with one whole copy"
    path = fastai_home/'data'/'human_numbers'
    assert run_python(_together, path).splitlines()==[
        '[0, 0, 0] .human_numbers.lock human_numbers', '[0, 0, 0] .human_numbers.lock human_numbers human_numbers.damaged']
    assert human_numbers()==path and len(read_lines(path))==9998

def test_killed_in_the_middle(fastai_home):
    "A process killed while it writes leaves no folder that another would take for good"
    code = 'import time, human_lm.data as d\nd.os.fsync = lambda fd: (print("writing", flush=True), time.sleep(60))\nd.human_numbers()'
    p = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline().strip()=='writing'
    p.kill(); p.wait()
    path = fastai_home/'data'/'human_numbers'
    assert not path.exists()
    assert human_numbers()==path and len(read_lines(path))==9998

def test_real_download_is_asked_for(fastai_home, monkeypatch):
    asked = []
    monkeypatch.setattr('fastai.data.external.untar_data', lambda url, force_download=False: asked.append((url, force_download)))
    human_numbers(download=True)
    assert asked==[(URLs.HUMAN_NUMBERS, True)]

@given(st.integers(1, 10**9))
def test_spelling(n):
    "Only lower-case words with one space between them; no two numbers alike"
    s = spell(n)
    assert s==' '.join(s.split()) and s.replace(' ','').isalpha() and s.islower() and ' and ' not in s
    assert s!=spell(n+1)

def test_every_number_of_the_corpus_is_spelled_as_published():
    "The files, byte for byte"
    digests = {k: hashlib.sha256(data._file_text(k).encode()).hexdigest() for k in data.corpus_files}
    assert digests=={'train.txt':'194a5defcc1e77a1697d94422744f1b8552ddf5ad7f31e9c84cc1956014c16bf',
                     'valid.txt':'3a3e30cd8eddcd27477ef232bd07bc5d12b34b1ceec6295c607f0faff793ed5e'}

def test_large_numbers():
    assert spell(10**35)=='one hundred decillion' and spell(10**9+10**3)=='one billion one thousand'
    assert spell(1_000_000)=='one million' and spell(100_019)=='one hundred thousand nineteen'
    with pytest.raises(ValueError, match=r'below 10\^36'): spell(10**36)

@pytest.mark.parametrize('n', [0, -3, 1.5, '7', True])
def test_spelling_bad_input(n):
    with pytest.raises(ValueError, match='`n`'): spell(n)

@given(st.lists(st.text(min_size=1, max_size=3), min_size=1))
def test_vocab_round_trip(tokens):
    v = Vocab(tokens)
    assert v.decode(v.encode(tokens))==tokens
    assert v.words==sorted(set(tokens), key=tokens.index) and len(v)==len(set(tokens))

def test_vocab():
    v = Vocab('a b a c'.split())
    assert v.encode('c a').tolist()==[2,0] and v.encode('c a').dtype==torch.int64
    assert 'b' in v and 'd' not in v and v==Vocab('abc') and v!=Vocab('acb')
    with pytest.raises(ValueError, match="'million'.*3 tokens"): v.encode(['a','million'])
    for i in (3, -1):
        with pytest.raises(ValueError, match=str(i)): v.decode([0,i])
    assert v.encode([]).shape==(0,) and v.decode([])==[]

@given(st.integers(1, 7), st.integers(0, 60))
def test_sequences(sl, extra):
    "Every sequence is a stretch of the stream, the next starts where it ended, and none is left out"
    nums = torch.arange(sl+2+extra)
    pairs,seqs = next_token_seqs(nums, sl),lm_seqs(nums, sl)
    assert len(pairs)==len(seqs)==len(range(0, len(nums)-sl-1, sl))
    for i,((x,y),(a,b)) in enumerate(zip(pairs, seqs)):
        assert x.tolist()==a.tolist()==list(range(i*sl, (i+1)*sl))
        assert y==(i+1)*sl and isinstance(y, int)
        assert b.tolist()==(a+1).tolist()

@pytest.mark.parametrize('build', [next_token_seqs, lm_seqs])
def test_sequences_bad_input(build):
    for nums,match in ((torch.arange(4),'4 tokens is too short for one sequence of 3: it takes 5'), (torch.tensor([]),'0 tokens'),
                       (torch.rand(9),'float32'), (torch.zeros(3,3).long(),r'\(3, 3\)'), (torch.ones(9)>0,'bool')):
        with pytest.raises(ValueError, match=match): build(nums, 3)
    for sl in (0, -1, 2.0):
        with pytest.raises(ValueError, match='`sl`'): build(torch.arange(9), sl)

def test_lengths_unless_one_asks():
    nums = torch.arange(40)
    assert [len(o[0]) for o in next_token_seqs(nums)]==[3]*12 and [len(o[0]) for o in lm_seqs(nums)]==[16]*2

def test_split():
    a,b = split_seqs(list(range(11)))
    assert a==list(range(8)) and b==[8,9,10]
    for pct in (0, 1, 1.5):
        with pytest.raises(ValueError, match='`pct`'): split_seqs([1,2], pct)

def test_vocabulary_shows_its_first_words():
    assert repr(Vocab('a b c'.split()))=='Vocab of 3: a b c'
    assert repr(Vocab('abcdefgh'))=='Vocab of 8: a b c d e f g h' and repr(Vocab('abcdefghi'))=='Vocab of 9: a b c d e f g h …'

def test_where_the_data_set_is_made(fastai_home, tmp_path):
    "They are made as deep as they must be, others may read them, and nothing else is left"
    fastai_cfg()['data'] = str(tmp_path/'a'/'b'/'c')
    fastai_cfg().save()
    path = human_numbers()
    assert path.stat().st_mode&0o777==0o755 and sorted(o.name for o in path.iterdir())==['train.txt','valid.txt']

def test_written_beside_its_place(fastai_home, monkeypatch):
    "In the same folder, so that putting it in place is one step, and under a name that is not taken for the data"
    made,real = [],data.tempfile.mkdtemp
    monkeypatch.setattr(data.tempfile, 'mkdtemp', lambda **kw: (made.append(kw), real(**kw))[1])
    path = human_numbers()
    assert made==[dict(prefix='human_numbers.', suffix='.tmp', dir=path.parent)]

@pytest.mark.parametrize('text', [b'no section', b'[DEFAULT]\ndata', b'[DEFAULT]\nmodel=1', b'', b'\xff\xfe\x00'])
def test_damaged_configuration(fastai_home, text):
    "One line that says which file it is, and what to do"
    fastai_home.mkdir()
    (fastai_home/'config.ini').write_bytes(text)
    with pytest.raises(OSError, match='config.ini is damaged: delete it') as e: human_numbers()
    assert '\n' not in str(e.value)
    (fastai_home/'config.ini').unlink()
    fastai_cfg.cache_clear()
    assert len(read_lines(human_numbers()))==9998

def test_configuration_is_named(monkeypatch):
    "In the folder that the environment says, or in fastai's own"
    def fastai_path(kind): raise TypeError(kind)
    monkeypatch.setattr('fastai.data.external.fastai_path', fastai_path)
    for home in ('elsewhere',None):
        monkeypatch.setenv('FASTAI_HOME', home) if home else monkeypatch.delenv('FASTAI_HOME', raising=False)
        with pytest.raises(OSError) as e: human_numbers()
        assert str(e.value)==f"fastai's configuration {Path(home or '~/.fastai')/'config.ini'} is damaged: delete it, and fastai makes a new one"
        assert str(e.value.__cause__)=='data'

def test_configuration_that_cannot_be_written(fastai_home):
    fastai_home.write_text('a file where the folder should be')
    with pytest.raises(OSError, match='where fastai keeps its configuration.*FASTAI_HOME'): human_numbers()

def test_numbers_are_spelled_as_inflect_spells_them():
    "A library that knows English is the judge: small numbers, round ones, and any below 10¹²"
    inflect = pytest.importorskip('inflect', reason='the judge of spelling is not installed')
    engine,rng = inflect.engine(),random.Random(0)
    def judge(n): return engine.number_to_words(n, andword='', comma='').replace('-', ' ').replace(',', '')
    numbers = [*range(1, 2200), *range(2200, 20_001, 7), *(k*10**e for k in (1,2,9,10,11,19,20,99,100,101,999) for e in range(10))]
    numbers += [rng.randrange(1, 10**rng.randrange(1, 13)) for _ in range(1500)]
    assert [n for n in numbers if spell(n)!=judge(n)]==[]
