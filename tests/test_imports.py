"The front door: which names are there, what an import loads, and which room may import from which"
import ast,sys
from pathlib import Path

import pytest

import human_lm
from human_lm import all as everything
from conftest import run_python

root = Path(human_lm.__file__).parent
# in this order: a module imports from the rooms before its own, and from its own
rooms = ['chapter','cells','pictures','training','runs','text','counting','commands']
chapter = ['data','first_model','stateful','multilayer','lstm','regularize']
front = {'human_lm.__init__','human_lm.all','human_lm._modidx'}

def module_name(path): return '.'.join(['human_lm', *path.relative_to(root).with_suffix('').parts])
modules = {module_name(o):o for o in sorted(root.rglob('*.py')) if o.name!='__init__.py'}
modules = {k:v for k,v in modules.items() if k not in front}

def room_of(name):
    "The place of module `name` in the order of imports: its room, and within the chapter its notebook"
    parts = name.split('.')[1:]
    if parts[0] in chapter: return (0, chapter.index(parts[0]))
    return (rooms.index(parts[0]), 0)

def imported(name, source):
    "The modules of the package that module `name` imports, those inside functions too"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import): yield from (o.name for o in node.names if o.name.split('.')[0]=='human_lm')
        elif isinstance(node, ast.ImportFrom):
            base = name.split('.')[:-node.level] if node.level else []
            where = '.'.join([*base, *([node.module] if node.module else [])])
            if where.split('.')[0]!='human_lm': continue
            for o in node.names:  # `from . import x`: a module, if there is one of this name
                sub = f'{where}.{o.name}'
                yield sub if sub in modules else where

def against_the_rule(name, source):
    "The imports of module `name` that the order of the rooms does not allow"
    return [o for o in imported(name, source) if o not in ('human_lm','human_lm._modidx') and (o not in modules or room_of(o)>room_of(name)
            or (room_of(o)==room_of(name) and room_of(name)[0]==0))]

@pytest.mark.parametrize('name', modules)
def test_import_rule(name): assert against_the_rule(name, modules[name].read_text(encoding='utf-8'))==[]

def test_import_rule_can_fail():
    assert against_the_rule('human_lm.cells.gru', 'def f():\n    from ..runs.recipes import recipes')==['human_lm.runs.recipes']
    assert against_the_rule('human_lm.cells.gru', 'import human_lm.pictures.trained')==['human_lm.pictures.trained']
    assert against_the_rule('human_lm.data', 'from .stateful import group_chunks')==['human_lm.stateful']
    assert against_the_rule('human_lm.data', 'from .nowhere import x')==['human_lm.nowhere']
    assert against_the_rule('human_lm.runs.seeds', 'from ..cells.gru import *\nfrom . import recipes')==[]

def test_names_from_an_empty_folder(tmp_path):
    "The names that people import are there outside the repository, and importing the models loads none of fastai"
    out = run_python('''
import sys
from human_lm import LMModel1, LMModel2, LMModel3, LMModel4, LMModel5, LMModel6, LMModel7, LSTMCell, group_chunks
print('fastai' in sys.modules, 'matplotlib' in sys.modules, *sorted(o for o in sys.modules if o.startswith('human_lm.')))
from human_lm.all import *
chapter_learner, human_numbers, Vocab, Dropout, GatewiseLSTMCell
''', cwd=tmp_path)
    assert out.split()==['False', 'False', *sorted(f'human_lm.{o}' for o in chapter)]

def test_the_front_door():
    assert 25<=len(human_lm.__all__)<=35 and len(set(human_lm.__all__))==len(human_lm.__all__)
    for n in human_lm.__all__: assert getattr(human_lm, n) is getattr(everything, n)
    assert set(human_lm.__all__)<=set(dir(human_lm))

def test_each_name_of_the_front_door_comes_from_where_it_is_defined():
    for n in human_lm.__all__: assert getattr(human_lm, n).__module__==f'human_lm.{human_lm._home[n]}'

def test_all_has_every_public_name():
    from importlib import import_module
    for name in modules:
        for n in import_module(name).__all__: assert getattr(everything, n) is getattr(import_module(name), n), (name, n)

def test_no_public_name_hides_one_of_fastai():
    "Those that the chapter itself defines may"
    import fastai.text.all as fastai_names
    fastai_names = {o for o in vars(fastai_names) if not o.startswith('_')}
    ours = {n for name in modules for n in __import__(name, fromlist=['x']).__all__}
    assert ours & fastai_names <= {'Dropout','LSTMCell','group_chunks','Vocab','lm_seqs','L','RNNCell','GRUCell','LSTM','GRU','RNN'}

def test_a_mistyped_name_fails_at_once_and_suggests_the_nearest():
    assert not hasattr(human_lm, 'LMModel8x') and not hasattr(human_lm, '_modules')
    with pytest.raises(AttributeError, match="did you mean 'LMModel6'"): human_lm.LMModle6
    with pytest.raises(ImportError, match="did you mean 'group_chunks'"): from human_lm import group_chunk
    with pytest.raises(ImportError, match='human_lm.all'): from human_lm import zzz

def test_rooms_and_modules_can_be_imported_by_their_names():
    from human_lm import counting, first_model
    assert counting.__name__=='human_lm.counting' and first_model.LMModel1 is human_lm.LMModel1
