import functools,http.server,os,re,shutil,subprocess,sys,threading
from pathlib import Path

import pytest,torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile('default', deadline=None, derandomize=True)
# `make long`: other cases each time, and many of them
settings.register_profile('long', deadline=None, max_examples=1000, print_blob=True)
long_run = os.environ.get('HYPOTHESIS_PROFILE')=='long'
settings.load_profile('long' if long_run else 'default')

def few(n):
    "Settings of a test that is slow: `n` cases, and all of them in the long run"
    return settings() if long_run else settings(max_examples=n)

@pytest.fixture
def fastai_home(tmp_path, monkeypatch):
    "An empty folder for fastai's configuration and data"
    from fastai.data.external import fastai_cfg
    home = tmp_path/'fastai'
    monkeypatch.setenv('FASTAI_HOME', str(home))
    fastai_cfg.cache_clear()
    yield home
    fastai_cfg.cache_clear()

def run_python(code, *args, cwd=None, **env):
    "Run `code` in a Python of its own; its standard output"
    res = subprocess.run([sys.executable, '-c', code, *map(str, args)], cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True)
    assert res.returncode==0, res.stderr
    return res.stdout

def says(error, text):
    "`pytest.raises` for an error that says `text`, no more and no less"
    return pytest.raises(error, match=f'^{re.escape(text)}$')

# the site, and a browser

root = Path(__file__).resolve().parent.parent

@pytest.fixture(scope='session')
def site():
    "The site's folder, brought up to date once"
    pytest.importorskip('sphinx', reason='Sphinx, which makes the site, is not installed')
    if not (root/'site'/'node_modules'/'.package-lock.json').exists(): pytest.skip("npm's packages are missing: run `npm ci` in site")
    from filelock import FileLock
    sys.path.insert(0, str(root/'site'))
    import build
    done,session = root/'build'/'site.built',os.environ.get('PYTEST_XDIST_TESTRUNUID', str(os.getpid()))
    done.parent.mkdir(exist_ok=True)
    with FileLock(done.with_suffix('.lock')):
        if not done.exists() or done.read_text()!=session:
            build.build()
            done.write_text(session)
    return root/'_site'

@pytest.fixture(scope='session')
def address(site):
    "The site served below a path, as GitHub Pages does"
    class Below(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args): pass
        def translate_path(self, path): return super().translate_path(path.removeprefix('/human_lm'))
    server = http.server.ThreadingHTTPServer(('127.0.0.1',0), functools.partial(Below, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/human_lm/'
    server.shutdown()

@pytest.fixture(scope='module')
def browser():
    path = next(filter(None, map(shutil.which, ('chromium','chromium-browser','google-chrome','chrome'))), None)
    if path is None: pytest.skip('no browser: install chromium (Debian: apt-get install chromium)')
    api = pytest.importorskip('playwright.sync_api', reason='Playwright for Python is not installed')
    flags = '--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run'
    with api.sync_playwright() as p:
        res = p.chromium.launch(executable_path=path, args=flags.split(), timeout=120_000)
        yield res
        res.close()

@pytest.fixture
def tab(browser):
    "A page of its own, with the arguments of Playwright's `new_context`"
    made = []
    def new(**kwargs):
        made.append(browser.new_context(**{'viewport':dict(width=1280, height=900), 'reduced_motion':'reduce', **kwargs}))
        made[-1].set_default_timeout(120_000)
        return made[-1].new_page()
    yield new
    for o in made: o.close()

# they take longest, so they begin: at the end no core waits for one of them
longest = ('test_processes.py::test_two_processes','test_count.py::test_trains','test_reproduce.py','test_measure.py','test_data.py::test_processes','test_repo.py::test_modules')

def pytest_collection_modifyitems(items):
    items.sort(key=lambda o: not o.nodeid.removeprefix('tests/').startswith(longest))
