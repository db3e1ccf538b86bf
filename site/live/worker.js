// Runs the models, out of the page's way: ONNX Runtime and one session a model

const at = path => new URL(path, import.meta.url);

class Trouble extends Error {
  constructor(code, file, detail) { super(detail); Object.assign(this, {code, file, detail}); }
}

async function fetched(code, folder, file) {
  let res;
  try {
    res = await fetch(at(`${folder}/${file}`));
    if (res.ok) return new Uint8Array(await res.arrayBuffer());
  } catch (e) { throw new Trouble(code, file, String(e.message || e)); }
  throw new Trouble(code, file, `${res.status} ${res.statusText}`.trim());
}

// the runtime is loaded once and at once, its two files together
const script = at('ort/ort.wasm.bundle.min.mjs');
const runtime = Promise.all([
  import(script).catch(e => { throw new Trouble('runtime', 'ort.wasm.bundle.min.mjs', String(e.message || e)); }),
  fetched('runtime', 'ort', 'ort-wasm-simd-threaded.wasm'),
]).then(([ort, wasmBinary]) => {
  Object.assign(ort.env.wasm, {numThreads: 1, wasmBinary});
  return ort;
});
runtime.catch(() => {});  // said when a model is asked for

const models = new Map();

async function load({name, info}) {
  const [ort, data] = await Promise.all([runtime, fetched('model', 'models', info.file)]);
  // more optimisation takes longer to begin, and reads no faster
  const options = {executionProviders: ['wasm'], graphOptimizationLevel: 'basic', logSeverityLevel: 3};
  try { models.set(name, {ort, info, session: await ort.InferenceSession.create(data, options)}); }
  catch (e) {
    const text = String(e.message || e), ours = /backend/i.test(text);  // the runtime does not start
    throw new Trouble(ours ? 'runtime' : 'model', ours ? 'ort-wasm-simd-threaded.wasm' : info.file, text);
  }
}

const zeros = shape => new Float32Array(shape.reduce((a, b) => a * b, 1));

function feeds({ort, info}, ids, state, mask) {
  const floats = (data, shape) => new ort.Tensor('float32', data, shape);
  const res = {mask: floats(mask, [info.n_layers, info.n_hidden])};
  if (info.window > 1) {
    const n = ids.length - info.window + 1, rows = new Int32Array(n * info.window);
    for (let i = 0; i < n; i++) for (let j = 0; j < info.window; j++) rows[i * info.window + j] = ids[i + j];
    res.ids = new ort.Tensor('int32', rows, [n, info.window]);
  } else {
    res.ids = new ort.Tensor('int32', Int32Array.from(ids), [ids.length, 1]);
    info.state.forEach((shape, i) => { res[`state_${i}`] = floats(state ? state[i] : zeros(shape), shape); });
  }
  return res;
}

// probabilities and likeliest token of each row of scores
function judged(scores, n, size, skip) {
  const probs = new Float32Array((n + skip) * size).fill(NaN, 0, skip * size), best = new Int32Array(n + skip);
  for (let i = 0; i < n; i++) {
    let top = 0, sum = 0;
    for (let j = 1; j < size; j++) if (scores[i * size + j] > scores[i * size + top]) top = j;
    for (let j = 0; j < size; j++) sum += Math.exp(scores[i * size + j] - scores[i * size + top]);
    for (let j = 0; j < size; j++) probs[(i + skip) * size + j] = Math.exp(scores[i * size + j] - scores[i * size + top]) / sum;
    best[i + skip] = top;
  }
  return {probs, best};
}

// Read `ids` on from `state`; a model of windows has the ids before as its state, and no answer before it has enough
async function read({name, ids, state, mask, light}) {
  const m = models.get(name), {info} = m, inside = {}, size = info.vocab_sz;
  let seen = ids, skip = 0;
  if (info.window > 1) {
    seen = [...(state || []), ...ids];
    skip = Math.min(ids.length, Math.max(0, ids.length - (seen.length - info.window + 1)));
  }
  const kept = seen.slice(1 - info.window), n = ids.length - skip;
  const names = light ? [] : Object.keys(info.insides);
  let out = {}, next = info.window > 1 ? kept : null;
  if (n > 0) {
    out = await m.session.run(feeds(m, seen, state, mask), ['scores', ...names, ...info.state.map((_, i) => `next_${i}`)]);
    if (info.window === 1) next = info.state.map((_, i) => out[`next_${i}`].data);
  }
  const {probs, best} = judged(n > 0 ? out.scores.data : [], n, size, skip);
  for (const k of names) {
    const width = info.insides[k].reduce((a, b) => a * b, 1);
    inside[k] = new Float32Array(ids.length * width).fill(NaN, 0, skip * width);
    if (n > 0) inside[k].set(out[k].data, skip * width);
  }
  return {probs, best, inside, state: next};
}

// one thing at a time
let queue = Promise.resolve();
self.onmessage = ({data}) => {
  queue = queue.then(async () => {
    try { self.postMessage({id: data.id, value: await (data.what === 'load' ? load(data) : read(data))}); }
    catch (e) {
      self.postMessage({id: data.id, error: {code: e.code || 'model', file: e.file || data.name, detail: String(e.message || e)}});
    }
  });
};
