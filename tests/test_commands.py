"However a command ends: one line, and a fitting exit status"
import argparse,contextlib,io,os,signal,subprocess,sys,threading,warnings

import pytest

from human_lm.commands import terminal
from human_lm.commands.terminal import *

posix = pytest.mark.skipif(os.name!='posix', reason='needs the signals and files of a Unix')
commands = ['reproduce:human_lm_reproduce','count:human_lm_count','benchmark:human_lm_bench','processes:train_in_processes']

def start(code, *args, **kwargs):
    return subprocess.Popen([sys.executable, '-c', code, *map(str, args)], stderr=subprocess.PIPE, text=True, **kwargs)

def command(name):
    module,f = name.split(':')
    return f'import sys; from human_lm.commands.{module} import {f}; sys.exit({f}(sys.argv[1:]))'

@pytest.mark.parametrize('name', commands)
def test_help_imports_nothing_large(name):
    "It is there at once: whatever takes seconds to import is left to the functions that need it"
    code = f'import atexit; atexit.register(lambda: print(*sys.modules)); {command(name)}'
    p = start(code, '--help', stdout=subprocess.PIPE)
    out,err = p.communicate(timeout=60)
    assert p.returncode==0 and out.startswith('usage: ') and err==''
    assert not {'torch','numpy','pandas','matplotlib','fastai','fastcore','rich','scipy'} & set(out.splitlines()[-1].split())

@posix
@pytest.mark.parametrize('unbuffered', ['','1'])
@pytest.mark.parametrize('out,status,says', [('/dev/full', 1, 'cannot write to standard output: No space left'), ('closed', 1, 'standard output is closed'), ('pipe', 141, None)])
def test_standard_output_that_cannot_be_written(out, status, says, unbuffered):
    if out=='/dev/full' and not os.path.exists(out): pytest.skip('there is no /dev/full')
    kw = dict(preexec_fn=lambda: os.close(1)) if out=='closed' else {}
    if out=='pipe':
        r,stdout = os.pipe()
        os.close(r)  # nobody reads
    else: stdout = None if out=='closed' else os.open(out, os.O_WRONLY)
    p = start(command(commands[0]), '--help', stdout=stdout, env={**os.environ, 'PYTHONUNBUFFERED':unbuffered}, **kw)
    if stdout: os.close(stdout)
    err = p.communicate(timeout=60)[1]
    assert p.returncode==status
    assert err.startswith('human_lm_reproduce: '+says) and err.count('\n')==1 if says else err==''

@pytest.mark.parametrize('encoding', ['ascii','latin-1'])
def test_a_terminal_that_lacks_a_character(encoding):
    code = "import sys; from human_lm.commands.terminal import *; sys.exit(terminal_command('x')(lambda args: print('so …'))())"
    p = start(code, stdout=subprocess.PIPE, env={**os.environ, 'PYTHONIOENCODING':encoding})
    assert p.communicate(timeout=60)==('so ?\n', '') and p.returncode==0

@posix
@pytest.mark.parametrize('sig', ['SIGINT','SIGTERM','SIGHUP'])
def test_signals(sig):
    code = """import signal,sys,time; from human_lm.commands.terminal import *
signal.signal(signal.SIGINT, signal.default_int_handler)  # a script may have started us with Ctrl-C ignored
def f(args):
    try:
        print('ready', flush=True)
        time.sleep(60)
    finally: print('tidied up')
sys.exit(terminal_command('x')(f)())"""
    p = start(code, stdout=subprocess.PIPE)
    assert p.stdout.readline()=='ready\n'
    n = getattr(signal, sig)
    p.send_signal(n)
    assert p.communicate(timeout=60)==('tidied up\n', 'x: interrupted, no file was written\n') and p.returncode==128+n

def test_what_a_command_gives(capsys):
    "Its status; its errors in one line; what it wrote before it was interrupted"
    def end(f):
        status = terminal_command('x')(f)([])
        return status,capsys.readouterr().err
    def fail(error): raise error
    assert end(lambda args: None)==(0,'') and end(lambda args: 7)==(7,'')
    assert end(lambda args: fail(OSError('the file is gone')))==(2, 'x: the file is gone\n')
    assert end(lambda args: fail(KeyboardInterrupt()))==(130, 'x: interrupted, no file was written\n')
    assert end(lambda args: fail(KeyboardInterrupt('m was written')))==(130, 'x: interrupted, m was written\n')
    assert end(lambda args: warnings.warn('this is old'))==(0, 'x: this is old\n')
    with pytest.raises(SystemExit) as e: end(lambda args: sys.exit(3))
    assert e.value.code==3
    with pytest.raises(ZeroDivisionError): end(lambda args: 1/0)  # a fault of ours keeps its traceback

def test_signals_are_as_before():
    before = [signal.getsignal(o) for o in (signal.SIGINT, signal.SIGTERM)]
    terminal_command('x')(lambda args: None)()
    assert before==[signal.getsignal(o) for o in (signal.SIGINT, signal.SIGTERM)]

def test_in_a_thread():
    "Only the main thread may handle signals"
    got = []
    t = threading.Thread(target=lambda: got.append(terminal_command('x')(lambda args: 5)()))
    t.start(); t.join()
    assert got==[5]

@pytest.mark.parametrize('second', ['same','link','hard link','other'])
def test_two_options_one_file(tmp_path, capsys, second):
    a,b = tmp_path/'a',tmp_path/'b'
    a.write_text('')
    if second=='same': b = tmp_path/'.'/'a'
    if second=='link': b.symlink_to(a)
    if second=='hard link': os.link(a, b)
    p = OneLineParser(prog='x')
    for check in (lambda: p.check_files(a, b), lambda: p.check_files(b, read=a), lambda: p.check_files(None, b, None, a)):
        if second=='other': check()
        else:
            with pytest.raises(SystemExit) as e: check()
            assert e.value.code==2 and 'two options name the same file' in capsys.readouterr().err
    assert a.read_text()==''

def test_two_options_one_file_that_is_not_there_yet(tmp_path):
    p = OneLineParser(prog='x')
    p.check_files(tmp_path/'a', tmp_path/'b', read=tmp_path/'c')
    with pytest.raises(SystemExit): p.check_files(tmp_path/'a', tmp_path/'.'/'a')

def test_errors_of_files(tmp_path, capsys):
    "What is wrong with which"
    p = OneLineParser(prog='x')
    for f,says in ((lambda: p.check_files(tmp_path/'a', tmp_path/'a'), f"two options name the same file, {tmp_path/'a'}"),
                   (lambda: p.check_files(tmp_path/'none'/'a'), f"cannot write {tmp_path/'none'/'a'}: No such file or directory"),
                   (lambda: p.check_files(tmp_path), f'cannot write {tmp_path}: {tmp_path} is a folder'),
                   (lambda: p.write(tmp_path, 'text'), f'cannot write {tmp_path}: {tmp_path} is a folder')):
        with pytest.raises(SystemExit) as e: f()
        assert e.value.code==2 and capsys.readouterr().err==f'x: {says}\n'

@pytest.mark.parametrize('kind,good,bad,says', [
    (whole_number('n'), {'0':0, '7':7}, '-1', "n must be a whole number of at least 0, got '-1'"), (whole_number('n', 2, 3), {'2':2, '3':3}, '4', "n must be a whole number from 2 to 3, got '4'"),
    (whole_number('n', 2), {'2':2}, 'x', "n must be a whole number of at least 2, got 'x'"), (some_of('model', ['m1','m2']), {'2, m1,':['m1','m2']}, '3,2', "there is no model '3'; choose from 1,2"),
    (some_of('model', ['m1','m2']), {'m2':['m2']}, ' ,', 'no model is named; choose from 1,2')], ids=range(5))
def test_kinds_of_arguments(kind, good, bad, says):
    for s,want in good.items(): assert kind(s)==want
    with pytest.raises(argparse.ArgumentTypeError) as e: kind(bad)
    assert str(e.value)==says

def test_writing_a_file(tmp_path, capsys):
    p = OneLineParser(prog='x')
    p.write(None, 'nothing')
    p.write(tmp_path/'a', 'text')
    assert (tmp_path/'a').read_text()=='text'
    p.write(tmp_path/'b', lambda path: path.write_text('by a function'))
    assert (tmp_path/'b').read_text()=='by a function'
    with pytest.raises(SystemExit) as e: p.write(tmp_path/'none'/'c', 'text')
    assert e.value.code==2 and capsys.readouterr().err.startswith(f"x: cannot write {tmp_path/'none'/'c'}: No such file")

def test_lines_of_a_description_stay():
    p = OneLineParser('x', description='a\n  b')
    assert p.prog=='x' and 'a\n  b\n' in p.format_help()

def test_help_goes_where_it_is_sent(capsys):
    p,out = OneLineParser(prog='x'),io.StringIO()
    p.print_help(out)
    assert out.getvalue()==p.format_help() and capsys.readouterr().out==''
    p.print_help()
    assert capsys.readouterr().out==p.format_help()

def test_output_that_failed_goes_nowhere(tmp_path, monkeypatch):
    "So that Python does not complain at its end"
    with open(tmp_path/'out', 'w') as f:
        class Out:
            fileno = f.fileno
            def flush(self): raise BrokenPipeError(32, 'Broken pipe')
        monkeypatch.setattr('sys.stdout', Out())
        assert isinstance(terminal._output_error(), BrokenPipeError)
        os.write(f.fileno(), b'lost')
    assert (tmp_path/'out').read_text()==''
    monkeypatch.setattr('sys.stdout', io.StringIO())
    assert terminal._output_error() is None

class Terminal(io.StringIO):
    def isatty(self): return True

def test_live_lines():
    "A line a name in a terminal, nothing elsewhere"
    for out in (Terminal(), io.StringIO()):
        with contextlib.redirect_stdout(out):
            with live_lines(dict(LMModel1=4, LMModel7=15), 'epochs') as line:
                line('LMModel7', 3, 'accuracy 0.500')
                line('LMModel1', 4, 'accuracy 0.494')
        s = out.getvalue()
        if out.isatty(): assert all(o in s for o in ('LMModel1',' 4 of 4 epochs','0.494','LMModel7',' 3 of 15 epochs','0.500'))
        else: assert s==''
