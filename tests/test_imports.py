import human_lm
from human_lm import all as everything
from conftest import run_python

def test_names_from_an_empty_folder(tmp_path):
    "The names that people import are there outside the repository, and importing the models loads none of fastai"
    out = run_python('''
import sys
from human_lm import LMModel1, LMModel2, LMModel3, LMModel4, LMModel5, LMModel6, LMModel7, LSTMCell, group_chunks
print('fastai' in sys.modules)
from human_lm.all import *
chapter_learner, human_numbers, Vocab, Dropout, GatewiseLSTMCell
''', cwd=tmp_path)
    assert out.strip()=='False'

def test_package_and_all_have_the_same_names():
    names = human_lm.__all__
    assert len(names)==len(set(names))
    for n in names: assert getattr(human_lm, n) is getattr(everything, n)
    assert set(names) <= set(dir(human_lm))

def test_every_exported_module_is_listed():
    from human_lm._modidx import d
    modules = {m.split('.')[1] for m in d['syms']} - {'all'}
    assert modules==set(human_lm._modules)

def test_unknown_name():
    assert not hasattr(human_lm, 'LMModel8')
