"Files are written whole or not at all, whatever stands at their path; and what a file of figures says of its making"
import os,platform,re,stat,subprocess,sys,threading
from pathlib import Path

import pytest

import human_lm
from human_lm.runs import results
from human_lm.runs.results import check_writable,n_cores,provenance,write_whole
from conftest import run_python

posix = pytest.mark.skipif(os.name!='posix', reason='needs the file system of a Unix')
not_root = pytest.mark.skipif(not hasattr(os, 'geteuid') or os.geteuid()==0, reason='root may write everywhere')

def names(folder): return sorted(o.name for o in folder.iterdir())

def test_threads_that_save_to_one_path(tmp_path):
    path,texts,errors = tmp_path/'a.json',[c*200_000 for c in 'abcd'],[]
    write_whole(path, texts[0])
    def save(text):
        try:
            for _ in range(15): write_whole(path, text)
        except Exception as e: errors.append(e)
    threads = [threading.Thread(target=save, args=(o,)) for o in texts]
    for o in threads: o.start()
    read = set()
    while any(o.is_alive() for o in threads): read.add(path.read_text())
    assert errors==[] and read<=set(texts) and path.read_text() in texts and names(tmp_path)==['a.json']

def test_what_a_killed_process_left_is_not_in_the_way(tmp_path):
    "Even one of the same number, with the names as they once were made"
    for o in (f'.a.json.{os.getpid()}.tmp', '.a.json.0123456789abcdef.tmp'): (tmp_path/o).write_text('half')
    check_writable(tmp_path/'a.json')
    write_whole(tmp_path/'a.json', 'whole')
    assert (tmp_path/'a.json').read_text()=='whole' and len(names(tmp_path))==3

def test_killed_while_writing(tmp_path):
    "The old file stays, and the next save goes through"
    path = tmp_path/'a.json'
    write_whole(path, 'old')
    code = 'import os,signal,sys\nfrom pathlib import Path\nfrom human_lm.runs.results import write_whole\n' \
           'os.fsync = lambda fd: os._exit(9)\nwrite_whole(Path(sys.argv[1]), "new")'
    assert subprocess.run([sys.executable, '-c', code, str(path)]).returncode==9
    assert path.read_text()=='old' and len(names(tmp_path))==2
    write_whole(path, 'new')
    assert path.read_text()=='new'

def test_nothing_is_left_behind_on_failure(tmp_path, monkeypatch):
    path = tmp_path/'a.json'
    write_whole(path, 'old')
    def fail(*_): raise OSError(28, 'No space left on device')
    for o in ('fsync','replace','chmod'):
        with monkeypatch.context() as m:
            m.setattr(results.os, o, fail)
            with pytest.raises(OSError, match='No space'): write_whole(path, 'new')
    with pytest.raises(TypeError): write_whole(path, 3)
    with pytest.raises(UnicodeEncodeError): write_whole(path, '\ud800')
    assert path.read_text()=='old' and names(tmp_path)==['a.json']

def test_text_and_bytes(tmp_path):
    for data,want in (('é\n', 'é\n'.encode()), (b'\0\xff', b'\0\xff'), (bytearray(b'ab'), b'ab'), ('', b'')):
        write_whole(str(tmp_path/'a'), data)
        assert (tmp_path/'a').read_bytes()==want

@posix
def test_mode(tmp_path):
    "A file keeps its mode; a new one gets what the umask leaves"
    old = os.umask(0o027)
    try:
        write_whole(tmp_path/'new', 'a')
        (tmp_path/'script').write_text('a')
        for mode in (0o600, 0o755, 0o666):
            (tmp_path/'script').chmod(mode)
            write_whole(tmp_path/'script', 'b')
            assert stat.S_IMODE((tmp_path/'script').stat().st_mode)==mode
    finally: os.umask(old)
    assert stat.S_IMODE((tmp_path/'new').stat().st_mode)==0o640

@posix
def test_symbolic_links_are_followed(tmp_path):
    "To a file in another folder, through two links, and to one that is not there yet"
    (tmp_path/'far').mkdir()
    real = tmp_path/'far'/'a.json'
    (tmp_path/'link').symlink_to(real)
    (tmp_path/'second').symlink_to('link')
    for text in ('new', 'again'):
        check_writable(tmp_path/'second')
        write_whole(tmp_path/'second', text)
        assert real.read_text()==text and (tmp_path/'link').is_symlink() and (tmp_path/'second').is_symlink()
    (tmp_path/'circle').symlink_to('circle')
    for f in (check_writable, lambda o: write_whole(o, 'a')):
        with pytest.raises(OSError): f(tmp_path/'circle')
    assert names(tmp_path)==['circle','far','link','second'] and names(tmp_path/'far')==['a.json']

@posix
def test_devices_and_pipes_are_written_into(tmp_path):
    before = os.stat('/dev/null')
    check_writable(Path('/dev/null'))
    write_whole(Path('/dev/null'), 'a'*100_000)
    assert os.path.samestat(os.stat('/dev/null'), before) and stat.S_ISCHR(os.stat('/dev/null').st_mode)
    pipe,read = tmp_path/'pipe',[]
    os.mkfifo(pipe)
    check_writable(pipe)  # which does not wait for a reader
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, 'a'*100_000)
    reader.join(20)
    assert read==[b'a'*100_000] and stat.S_ISFIFO(pipe.stat().st_mode) and names(tmp_path)==['pipe']

@posix
@pytest.mark.skipif(not os.path.exists('/dev/stdout'), reason='there is no /dev/stdout')
def test_the_file_that_standard_output_goes_to(tmp_path):
    "What was printed before and after stays there too"
    code = 'import sys\nfrom human_lm.runs.results import check_writable,write_whole\nprint("before", flush=True)\n' \
           'check_writable("/dev/stdout")\nwrite_whole("/dev/stdout", "figures\\n")\nprint("after")'
    with open(tmp_path/'out', 'w') as f: subprocess.run([sys.executable, '-c', code], stdout=f, check=True)
    assert (tmp_path/'out').read_text()=='before\nfigures\nafter\n' and names(tmp_path)==['out']
    assert run_python(code)=='before\nfigures\nafter\n'

@posix
@pytest.mark.parametrize('fd', [1,2])
def test_which_stream_goes_to_a_file(tmp_path, fd):
    "Even if the other one is closed; none if it is another file"
    with open(tmp_path/'a', 'w') as f:
        before,status = [os.dup(o) for o in (1,2)],os.fstat(f.fileno())
        try:
            with open(os.devnull, 'w') as null: os.dup2(null.fileno(), fd)
            os.close(3-fd)
            seen = [results._std_stream(status)]
            os.dup2(f.fileno(), fd)
            seen.append(results._std_stream(status))
        finally:
            for o,n in zip(before, (1,2)):
                os.dup2(o, n)
                os.close(o)
    assert seen==[None,fd]

def test_long_names(tmp_path):
    "As long as the system allows, letters of several bytes too"
    for name in ('a'*250, 'a'*255, 'é'*125, '数'*85, '.'+'b'*200):
        check_writable(tmp_path/name)
        write_whole(tmp_path/name, 'a')
        assert names(tmp_path)==[name]
        (tmp_path/name).unlink()
    for f in (check_writable, lambda o: write_whole(o, 'a')):
        with pytest.raises(OSError): f(tmp_path/('a'*256))
    assert names(tmp_path)==[]

def test_what_cannot_be_written(tmp_path):
    (tmp_path/'file').write_text('a')
    for f in (check_writable, lambda o: write_whole(o, 'b')):
        with pytest.raises(IsADirectoryError, match='is a folder'): f(tmp_path)
        with pytest.raises(FileNotFoundError): f(tmp_path/'none'/'a.json')
        with pytest.raises(OSError): f(tmp_path/'file'/'a.json')
    assert names(tmp_path)==['file'] and (tmp_path/'file').read_text()=='a'

def test_a_file_that_is_read_only(tmp_path, monkeypatch):
    "Root is asked too: the system's answer is made up"
    (tmp_path/'a').write_text('old')
    monkeypatch.setattr(results.os, 'access', lambda path, mode: False)
    for f in (check_writable, lambda o: write_whole(o, 'new')):
        with pytest.raises(PermissionError, match='is read-only'): f(tmp_path/'a')
    assert (tmp_path/'a').read_text()=='old' and names(tmp_path)==['a']

@not_root
def test_a_folder_that_is_read_only(tmp_path):
    tmp_path.chmod(0o500)
    try:
        for f in (check_writable, lambda o: write_whole(o, 'a')):
            with pytest.raises(PermissionError): f(tmp_path/'a')
    finally: tmp_path.chmod(0o700)

# what a file says of its making

def test_provenance():
    made = provenance('human_lm_reproduce --seeds 20')
    assert list(made)==['command','versions','commit','changed','machine','day'] and made['command']=='human_lm_reproduce --seeds 20'
    assert list(made['versions'])==['python','torch','fastai','human_lm'] and all(made['versions'].values())
    assert re.fullmatch(r'\d{4}-\d\d-\d\d', made['day'])
    assert made['machine']['cores']==n_cores()>=1 and made['machine']['processor']

def test_provenance_is_that_of_the_package(monkeypatch):
    monkeypatch.setattr(results, '_commit', lambda folder: (folder, True))
    monkeypatch.setattr(results, '_version', lambda name: f'of {name}')
    made = provenance('run')
    assert (made['commit'],made['changed'])==(Path(human_lm.__file__).parent, True)
    assert made['versions']==dict(python=platform.python_version(), torch='of torch', fastai='of fastai', human_lm=human_lm.__version__)

def test_nothing_of_the_person_or_the_machine():
    for given,want in ((f'run {Path.home()}/a/b.json', 'run b.json'), (r'run C:\Users\me\b.json --n 3', 'run b.json --n 3'), ("run '~/x/b.json'", "run 'b.json'"),
                       ('run --json=/var/x.json', 'run --json=x.json'), ('run nbs/measured/x.json', 'run nbs/measured/x.json')):
        assert provenance(given)['command']==want
    import getpass
    said = str(provenance('run'))
    assert str(results.files('human_lm')) not in said and str(Path.home()) not in said.replace("'/'", '')
    if len(platform.node())>3: assert platform.node() not in said
    if len(getpass.getuser())>4: assert getpass.getuser() not in said

def git(folder, *args): subprocess.run(['git', '-c', 'user.name=a', '-c', 'user.email=a@b.c', *args], cwd=folder, check=True, capture_output=True)

@pytest.fixture
def repository(tmp_path):
    "A repository with a package in it, all committed"
    try: git(tmp_path, 'init', '-q')
    except (OSError, subprocess.CalledProcessError): pytest.skip('there is no git')
    for o in ('lib/__init__.py', 'nbs/measured/a.json'):
        (tmp_path/o).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path/o).write_text('1')
    git(tmp_path, 'add', '.')
    git(tmp_path, 'commit', '-q', '-m', 'a')
    return tmp_path

def test_commit(repository):
    "Changed files of figures do not count as a change of the code; a package that no repository holds has no commit"
    lib = repository/'lib'
    commit,changed = results._commit(lib)
    assert re.fullmatch('[0-9a-f]{12}', commit) and changed is False
    (repository/'nbs/measured/a.json').write_text('2')
    assert results._commit(lib)==(commit, False)
    (lib/'new.py').write_text('1')
    assert results._commit(lib)==(commit, True)
    (repository/'.venv').mkdir()
    (repository/'.venv'/'__init__.py').write_text('')
    assert results._commit(repository/'.venv')==(None, None)

def test_commit_is_that_of_the_package(repository, monkeypatch):
    "Wherever the process is; one that is not committed has none; and whether the code has changed is perhaps not known"
    monkeypatch.chdir(repository.parent)
    head = (repository/'.git'/'HEAD').read_text().split()[1]
    assert (repository/'.git'/head).read_text().startswith(results._commit(repository/'lib')[0])
    (repository/'nbs/measured/__init__.py').write_text('')
    assert results._commit(repository/'nbs'/'measured')==(None, None)
    monkeypatch.setattr(results, '_said', lambda *command, cwd: None if 'status' in command else 'said')
    assert results._commit(repository)==('said', None)

def test_what_a_command_said(monkeypatch):
    "Nothing, if it fails, is not there, or does not end"
    def run(command, **kw):
        asked.append((command, kw))
        if error: raise error
        return subprocess.CompletedProcess(command, 0, ' word\n')
    monkeypatch.setattr(results.subprocess, 'run', run)
    asked = []
    for error in (None, OSError(), subprocess.CalledProcessError(1, 'git'), subprocess.TimeoutExpired('git', 10)):
        assert results._said('git', '-v', cwd='here')==(None if error else 'word')
    assert asked==[(('git','-v'), dict(cwd='here', capture_output=True, text=True, timeout=10, check=True))]*4

def test_processor(monkeypatch):
    "What Linux says, or macOS, or Python knows"
    class Path:
        def __init__(self, path): assert path=='/proc/cpuinfo'
        def read_text(self):
            if text is None: raise FileNotFoundError
            return text
    monkeypatch.setattr(results, 'Path', Path)
    monkeypatch.setattr(results, '_said', lambda *command: said if command==('sysctl','-n','machdep.cpu.brand_string') else pytest.fail(f'{command}'))
    monkeypatch.setattr('platform.machine', lambda: 'any64')
    for text,said,known,want in (('processor\t: 0\nmodel name\t: Quick 5 \nmodel name\t: Slow\n','no','no','Quick 5'), ('vendor: X','Apple','no','Apple'), (None,None,'some','some'), (None,'','','any64')):
        monkeypatch.setattr('platform.processor', lambda: known)
        assert results._processor()==want

def test_without_git_and_without_packages(tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path))
    assert results._commit(tmp_path)==(None, None) and results._version('no-such-package-here') is None

def test_cores(monkeypatch):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: {pid,3,4}, raising=False)
    assert n_cores()==3
    monkeypatch.delattr(os, 'sched_getaffinity')
    for n,want in ((7,7), (None,1)):
        monkeypatch.setattr(os, 'cpu_count', lambda: n)
        assert n_cores()==want
