"""Train the models of the site's live page and write them for the browser: `make weights`

Each model is trained by the package's own recipe, from the seed that stands in `runs`, and goes to
site/live/models/NAME.onnx; models.json says what each file takes and gives. A file holds a loop over the tokens of one
text, with the state as inputs and outputs, a mask that switches activations off, and the insides that the page shows.
What was trained by the same recipe and is whole is left as it is: `make weights ARGS=--again` trains all anew, and
`make weights ARGS=LMModel7` only that one.
"""
import argparse,copy,hashlib,json,sys,time,warnings
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

import torch
from torch import nn

from human_lm.cells.layers import LSTM,from_scratch
from human_lm.cells.pointer import PointerLMModel
from human_lm.counting.pointer import pointer
from human_lm.first_model import LMModel1,LMModel2
from human_lm.multilayer import LMModel5
from human_lm.runs.recipes import chapter_corpus,chapter_models,recipe
from human_lm.runs.results import write_whole
from human_lm.stateful import KeepsState,borrowed

folder = Path(__file__).resolve().parent/'live'/'models'
# each name on the page: its recipe, its seed, and the part of the text that it reads
runs = {**{o:(recipe(o), 42, 'chapter') for o in chapter_models}, 'pointer':(pointer, 0, 'final')}

# One token, from a state that is given: scores, the next state, and the insides by name.
# `mask`, `n_layers × n_hidden`, is multiplied into each layer's hidden state.

class Windows(nn.Module):
    "LMModel1 and LMModel2: three tokens a row, and no state"
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, mask):
        h = 0
        for i in range(3): h = LMModel2.step(self.model, h, ids[:,i]) * mask
        return self.model.h_o(h), dict(hidden=h[:,None])

class Plain(Windows):
    "LMModel3 and LMModel4: one layer, whose state is all there is"
    def forward(self, id, mask, h):
        h = self.model.step(h, id) * mask
        return self.model.h_o(h), (h,), dict(hidden=h)

class Layers(Windows):
    "LMModel5 to LMModel7: layers of cells, with gates where they have some"
    def __init__(self, model): super().__init__(from_scratch(model))

    def forward(self, id, mask, *state):
        x,states,gates = self.model.i_h(id),[],[]
        for k,cell in enumerate(self.model.rnn.cells):
            if len(state)==1: states.append((cell(x, state[0][k])[0]*mask[k],))
            else:
                o = cell.gates(cell.ih(x), state[0][k])
                c = o['forget']*state[1][k] + o['input']*o['new']
                states.append((o['output']*c.tanh()*mask[k], c))
                gates.append(o)
            x = states[-1][0]
        new = tuple(torch.stack(o) for o in zip(*states))
        inside = dict(zip(('hidden','cell'), (o[:,0] for o in new)))
        for k in gates[0] if gates else (): inside[f'gate_{k}'] = torch.cat([o[k] for o in gates])
        return self.model.h_o(x), new, inside

class Masked(nn.Module):
    "A recurrent layer some of whose activations are switched off"
    def __init__(self, rnn):
        super().__init__()
        self.rnn = rnn

    def forward(self, *args):
        out,new = self.rnn(*args)
        return out*self.mask, new*self.mask

class Pointing(Windows):
    "The network that counts: the three ways to say a word, and where it looks"
    def __init__(self, model):
        super().__init__(copy.deepcopy(model))
        self.model.rnn = Masked(self.model.rnn)

    def forward(self, id, mask, *state):
        m,seen = self.model,[]
        def parts(x):
            seen.append(type(m).parts(m, x))
            return seen[-1]
        m.rnn.mask,m.h,m.parts = mask,state,parts
        try: scores = m(id[:,None])[:,0]
        finally: del m.parts
        new,m.h,o = m.h,None,seen[0]
        inside = dict(hidden=m.by_layer(new)[0]['hidden'], shares=o.shares[0], look=o.look[0,:,-m.size:],
                      way_own=o.own[0], way_copy=o.copy[0], way_successor=o.successor[0])
        return scores, new, inside

def shown(model):
    "`model` as a module whose forward gives one step with its insides"
    kinds = ((PointerLMModel,Pointing), (LMModel5,Layers), (KeepsState,Plain), (LMModel1,Windows))
    return next(o for cls,o in kinds if isinstance(model, cls))(model).eval()

class _Flat(nn.Module):
    "`step` with all that it gives in one tuple, as an export wants it"
    def __init__(self, step):
        super().__init__()
        self.step = step

    def forward(self, id, mask, state=()):
        scores,*new,inside = self.step(id, mask, *state)
        return (scores, *(new[0] if new else ()), *inside.values())

def _zero_state(model):
    "The state before anything was read, always a tuple of tensors"
    if not isinstance(model, KeepsState): return ()
    with borrowed(model):
        model(torch.zeros(1, 1, dtype=torch.int32))
        h = model.h
    return tuple(map(torch.zeros_like, h if isinstance(h, tuple) else (h,)))

def _graph(step, state, inside, window):
    "What PyTorch writes down of one step"
    from onnx import helper
    sizes = inside['hidden'].shape[-2:]
    ids = torch.zeros(2, 3, dtype=torch.int32) if window>1 else torch.zeros(1, dtype=torch.int32)
    n = range(len(state))
    outs = ['score', *(f'new_{i}' for i in n), *(f'at_{k}' for k in inside)]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')  # what PyTorch says of its own workings
        prog = torch.onnx.export(_Flat(step), (ids, torch.ones(*sizes), *([state] if n else [])), dynamo=True,
                                 verbose=False, optimize=False, output_names=outs,
                                 input_names=['id','mask',*(f'h_{i}' for i in n)],
                                 dynamic_shapes=({0:'n'}, {}) if window>1 else None)
    res = prog.model_proto
    for o,name in zip(res.graph.output, outs):
        if o.name!=name:  # one tensor under two names, which a loop would take for one output
            res.graph.node.append(helper.make_node('Identity', [o.name], [name]))
            o.name = name
    return res

def _looped(proto, n, name):
    "The ONNX model that goes along a text with the graph of one step; `mask` is the same at each"
    from onnx import TensorProto,helper
    g = proto.graph
    ins,outs = {o.name:o for o in g.input},[o.name for o in g.output]
    body = helper.make_graph(list(g.node), 'step', [*(ins[f'h_{i}'] for i in range(n)), ins['id']],
                             [*g.output[1:1+n], g.output[0], *g.output[1+n:]], value_info=list(g.value_info))
    def dims(o): return [d.dim_value for d in o.type.tensor_type.shape.dim]
    def floats(k, dims): return helper.make_tensor_value_info(k, TensorProto.FLOAT, dims)
    shape = {o.name:dims(o) for o in (*g.input, *g.output)}
    states,nexts = ([floats(f'{k}_{i}', shape[f'h_{i}']) for i in range(n)] for k in ('state','next'))
    along = [floats(o.removeprefix('at_').replace('score', 'scores'), ['sl',*shape[o]]) for o in (outs[0], *outs[1+n:])]
    ids = helper.make_tensor_value_info('ids', TensorProto.INT32, ['sl',1])
    loop = helper.make_node('Scan', [*(o.name for o in states), 'ids'], [o.name for o in (*nexts, *along)], body=body,
                            num_scan_inputs=1)
    graph = helper.make_graph([loop], name, [ids, ins['mask'], *states], [*along, *nexts],
                              initializer=list(g.initializer))
    return helper.make_model(graph, opset_imports=list(proto.opset_import), functions=list(proto.functions),
                             ir_version=proto.ir_version)

def _renamed(proto):
    "The same for a model that keeps nothing: its step reads all rows at once"
    names = {'id':'ids', 'score':'scores', 'at_hidden':'hidden'}
    for o in (*proto.graph.input, *proto.graph.output): o.name = names.get(o.name, o.name)
    for node in proto.graph.node:
        for side in (node.input, node.output): side[:] = [names.get(o, o) for o in side]
    return proto

def export(
    model, # `LMModel1` to `LMModel7`, or a `PointerLMModel`
    path, # File to be written
)->dict: # What models.json says of it
    "Write `model` with its insides as ONNX; `ValueError` if its numbers could not be found again in the file"
    from onnx import checker
    with borrowed(model):
        step,state = shown(model),_zero_state(model)
        window = 1 if state else 3
        ids = torch.zeros(1, 3, dtype=torch.int32) if window>1 else torch.zeros(1, dtype=torch.int32)
        first = getattr(model, 'rnn', None)
        n_layers,n_hidden = (first.num_layers,first.hidden_size) if first else (1,model.h_h.out_features)
        *_,inside = step(ids, torch.ones(n_layers, n_hidden), *state)
        proto = _graph(step, state, inside, window)
    res = _looped(proto, len(state), type(model).__name__) if state else _renamed(proto)
    del res.metadata_props[:]
    for g in _graphs(res.graph):
        g.ClearField('doc_string')
        for o in (g, *g.node, *g.value_info, *g.input, *g.output, *g.initializer): del o.metadata_props[:]
        for o in g.node: o.ClearField('doc_string')
    checker.check_model(res)
    have = {o.name for o in res.graph.initializer}
    lost = [k for k,o in _aliases(_Flat(step)).items() if not have & set(o)]
    if lost: raise ValueError(f"the file of {type(model).__name__} would lack {', '.join(lost)} under its name")
    data = res.SerializeToString()
    write_whole(path, data)
    return dict(file=path.name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest(), window=window,
                n_layers=n_layers, n_hidden=n_hidden, state=[list(o.shape) for o in state],
                insides={k:list(o.shape[1:] if window>1 else o.shape) for k,o in inside.items()},
                parameters=sum(o.numel() for o in model.parameters()))

def _aliases(module):
    "All names of each parameter, by its first: a matrix that has two jobs has two"
    return {k:[i for i,q in module.named_parameters(remove_duplicate=False) if q is p]
            for k,p in module.named_parameters()}

def _graphs(g):
    "`g` and the graphs in its nodes"
    yield g
    for node in g.node:
        for a in node.attribute:
            if a.HasField('g'): yield from _graphs(a.g)

def load(
    name, # Name in models.json
    folder=folder, # Where it lies
): # The PyTorch model whose numbers the file holds, in evaluation mode
    "Read a model back from its ONNX file"
    import onnx
    from onnx import numpy_helper
    model = runs[name][0].model().eval()
    step = _Flat(shown(model))
    found = {o.name:o for o in onnx.load(folder/f'{name}.onnx').graph.initializer}
    with torch.no_grad():
        for k,o in _aliases(step).items():
            kept = next(found[i] for i in o if i in found)
            step.get_parameter(k).copy_(torch.from_numpy(numpy_helper.to_array(kept).copy()))
        for k,p in step.step.model.named_parameters():  # the step has a copy of the model, or the model itself
            own = k.replace('rnn.rnn.', 'rnn.')
            if not own.startswith('rnn.cells.'): model.get_parameter(own).copy_(p)
            else:
                _,_,layer,o,kind = own.split('.')
                p = LSTM._reorder(p) if 'LSTM' in str(model.rnn) else p
                model.get_parameter(f'rnn.{kind}_{o}_l{layer}').copy_(p)
    return model

def made_by(name):
    "All that decides the numbers of a model, as JSON can hold it"
    r,seed,part = runs[name]
    def plain(o):
        return o if isinstance(o, (int,float,str,type(None))) else list(o) if isinstance(o, tuple) else getattr(
            o, '__name__', type(o).__name__)
    said = {o.name:plain(getattr(r, o.name)) for o in fields(r) if o.name!='sizes'}
    return dict(seed=seed, part=part, sizes=dict(r.model().made_with), **said)

def train(name):
    "A model trained by its recipe"
    r,seed,part = runs[name]
    learn = r.learner(seed, fast=True, part=part)
    with learn.no_bar(), learn.no_logging(): r.fit(learn)
    return learn.model.eval()

def whole(info, path):
    "Is the file that `info` describes there, byte for byte?"
    return bool(info) and path.exists() and hashlib.sha256(path.read_bytes()).hexdigest()==info['sha256']

def main(args=None):
    p = argparse.ArgumentParser(prog='make weights', description=__doc__.split('\n\n')[0])
    p.add_argument('names', nargs='*', metavar='NAME', help=f"models; all if none is named: {', '.join(runs)}")
    p.add_argument('--again', action='store_true', help='train those too that are there')
    p.add_argument('--export', action='store_true', help='train none: write the files anew from their own numbers')
    a = p.parse_args(args)
    wrong = [o for o in a.names if o not in runs]
    if wrong: p.error(f"there is no model {wrong[0]!r}: choose from {', '.join(runs)}")
    torch.set_num_threads(1)
    folder.mkdir(exist_ok=True)
    index = folder/'models.json'
    said = json.loads(index.read_text(encoding='utf-8')) if index.exists() else {}
    models = said.get('models', {})
    for name in a.names or runs:
        path,made,old = folder/f'{name}.onnx',json.loads(json.dumps(made_by(name))),models.get(name)
        seed = f"seed {made['seed']}"
        if whole(old, path) and old['made_by']==made and not (a.again or a.export):
            print(f'{name}: {seed}, as it was', flush=True)
            continue
        start = time.perf_counter()
        model = load(name) if a.export else train(name)
        versions = old['versions'] if a.export else {o:version(o) for o in ('torch','fastai')}
        models[name] = dict(export(model, path), made_by=made, versions=versions)
        print(f'{name}: {seed}, {time.perf_counter()-start:.0f} s, {path.stat().st_size:,} bytes', flush=True)
        words = chapter_corpus()[0].words
        said = dict(vocab=words, models={o:models[o] for o in runs if o in models})
        write_whole(index, json.dumps(said, indent=1)+'\n')

if __name__=='__main__': sys.exit(main())
