"Out of Python: every recurrent model in ONNX Runtime, piece by piece, computes what PyTorch computes"
import json,sys

import pytest,torch

from conftest import says
from human_lm.all import *
from human_lm.stateful import LMModel3
from human_lm.text.onnx import export_onnx
from human_lm.text.tokens import BPETok

onnxruntime = pytest.importorskip('onnxruntime')
import numpy as np

makers = dict(LMModel3=lambda: LMModel3(9, 8), LMModel5=lambda: LMModel5(9, 8, 2), LMModel7=lambda: LMModel7(9, 8, 1, 0.5),
              GRULMModel6=lambda: GRULMModel6(9, 8, 1), OpenLSTMLMModel6=lambda: OpenLSTMLMModel6(9, 8, 1),
              AWDLSTMModel=lambda: AWDLSTMModel(9, 8, 2, emb_sz=6), BuiltinAWDLSTMModel=lambda: BuiltinAWDLSTMModel(9, 8, 2, emb_sz=6),
              scratch=lambda: from_scratch(LMModel7(9, 8, 1, 0.5)),
              PointerLMModel=lambda: PointerLMModel(9, 8, size=5, sep=2))

@pytest.mark.parametrize('name', makers)
def test_pieces(name, tmp_path):
    torch.manual_seed(0)
    m,path = makers[name](),tmp_path/'m.onnx'
    m(torch.zeros(4, 2, dtype=torch.long))
    modes,kept = [o.training for o in m.modules()],m.h
    export_onnx(m, path, Vocab('abcdefghi'))
    assert [o.training for o in m.modules()]==modes and m.h is kept
    assert b'.py' not in path.read_bytes()  # nor any other trace of this machine's folders
    s = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    about = s.get_modelmeta().custom_metadata_map
    assert about==dict(library='human_lm', model=type(m).__name__, sizes=json.dumps(m.made_with), vocab=json.dumps(list('abcdefghi')), tok='null') and s.get_modelmeta().graph_name==type(m).__name__
    n = len(m.h) if isinstance(m.h, tuple) else 1
    assert [(o.name,o.type) for o in s.get_inputs()]==[('ids','tensor(int64)'), *((f'state_{i}','tensor(float)') for i in range(n))]
    assert [o.name for o in s.get_outputs()]==['scores', *(f'next_{i}' for i in range(n))]
    assert [o.shape for o in s.get_inputs()]==[['bs','sl'], *([*o.shape[:-2],'bs',o.shape[-1]] for o in (m.h if n>1 else (m.h,)))] and s.get_outputs()[0].shape==['bs','sl',9]
    m.eval()
    for bs in (1,3):
        m.reset()
        state = {o.name: np.zeros([bs if d=='bs' else d for d in o.shape], np.float32) for o in s.get_inputs() if o.name!='ids'}
        for x in torch.randint(0, 9, (bs,18)).split([1,6,2,9], dim=1):
            with torch.no_grad(): want = m(x)
            want = want[0] if isinstance(want, tuple) else want
            got,*new = s.run(None, {'ids':x.numpy(), **state})
            state = dict(zip(state, new))
            assert got.shape==(bs,x.shape[1],9)
            if want.ndim==2: got = got[:,-1]
            assert np.abs(got-want.numpy()).max()<1e-5

def test_a_word_that_cannot_be_said(tmp_path):
    "Its score is as low in the file as in the model: a summand so small is dropped by whoever makes graphs faster"
    torch.manual_seed(0)
    m = PointerLMModel(9, 8, sep=2).eval()
    with torch.no_grad(): m.h_o.bias[2] = -200.
    export_onnx(m, tmp_path/'m')
    s,x = onnxruntime.InferenceSession(tmp_path/'m'),torch.tensor([[3,4,5]])
    state = {f'state_{i}':o.numpy() for i,o in enumerate(m.zero_state(1))}
    with torch.no_grad(): want = m(x)
    assert want.isfinite().all() and np.abs(s.run(None, {'ids':x.numpy(), **state})[0]-want.numpy()).max()<1e-5

def test_a_learner_brings_its_tokeniser(tmp_path):
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        dls = text_dls('The cat sat on the mat, and the dog lay in the fog. '*20, tok='bpe', max_vocab=270)
    learn = text_learner(dls, LMModel4(len(dls.vocab), 4))
    export_onnx(learn, tmp_path/'m')
    about = onnxruntime.InferenceSession(tmp_path/'m').get_modelmeta().custom_metadata_map
    tok = json.loads(about['tok'])
    assert BPETok(**tok['state']).split('the cat')==dls.vocab.cut('the cat') and json.loads(about['vocab'])==dls.vocab.words

@pytest.mark.parametrize('model,error,match', [
    *((o, TypeError, f'a {o().__class__.__name__} keeps no state that could go in and come out: export LMModel3 or a later one') for o in (lambda: LMModel1(9, 4), lambda: LMModel2(9, 4), lambda: torch.nn.Linear(2, 2))),
    (lambda: LMModel4(9, 4).double(), TypeError, 'ONNX Runtime wants numbers of 32 bits, and this LMModel4 has torch.float64: call its `float()` first')])
def test_models_that_cannot_be_exported(model, error, match, tmp_path):
    with says(error, match): export_onnx(model(), tmp_path/'m')
    assert not list(tmp_path.iterdir())

@pytest.mark.parametrize('lacks', ['onnx','onnxscript'])
def test_without_the_library(lacks, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, lacks, None)
    with says(ImportError, f'an export needs the library {lacks}: pip install onnx onnxscript'): export_onnx(LMModel4(9, 4), tmp_path/'m')
