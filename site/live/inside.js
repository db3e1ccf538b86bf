// Inside the models while they read: states and gates as a map, where the counting network points, and the numbers
import {$, make, number, percent, t} from './dom.js';
import {TokenMap} from './map.js';
import {legend} from './next.js';
import {at, called, chosen, info, known, labelA, labelB, now, unitOf, word} from './state.js';
import {RESET} from './words.js';

export const order = ['look', 'hidden', 'cell', 'gate_forget', 'gate_input', 'gate_output', 'gate_new'];
const views = name => order.filter(k => k in info(name).insides);
export const firstView = () => views(chosen.model)[0];
export const view = () => views(chosen.model).includes(chosen.view) ? chosen.view : firstView();

// the activation that is looked at
export function unit() {
  const m = info(chosen.model);
  return unitOf(chosen.unit, m) || [m.n_layers, 1];
}

let map, hover = null;

// `pick` is called with what a click on the map chooses
export function beginMap(pick) {
  map = new TokenMap($('map'), (o, click) => {
    hover = click ? null : o;
    if (!click) { drawReadout(); return; }
    const set = {token: o.token === now.ids.length - 1 ? '' : String(o.token + 1)};
    if (o.band?.trace === now.A) set.unit = `${o.band.layer}.${o.row + 1}`;
    pick(set);
  });
  const again = () => map.recolour();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
  matchMedia('print').addEventListener('change', again);
  new MutationObserver(again).observe(document.body, {attributes: true, attributeFilter: ['data-theme']});
}

export const showToken = i => map.show(i);

export function drawViews() {
  const own = views(chosen.model), k = view(), box = $('view');
  if ([...box.querySelectorAll('input')].map(o => o.value).join() !== own.join()) {
    box.replaceChildren(...own.map(value => make('label', {}, make('input', {type: 'radio', name: 'live-view', value}),
      make('span', {textContent: t(`view_${value}`)}))));
  }
  for (const o of box.querySelectorAll('input')) o.checked = o.value === k;
  $('view-about').textContent = t(`is_${k}`);
  $('parts').hidden = chosen.model !== 'pointer';
  $('parts').replaceChildren(...legend());
  const {n_layers, n_hidden} = info(chosen.model), [layer, u] = unit(), me = `${layer}.${u}`;
  $('layer').max = n_layers;
  $('unit').max = n_hidden;
  $('layer-box').hidden = n_layers === 1;
  if (document.activeElement !== $('layer')) $('layer').value = layer;
  if (document.activeElement !== $('unit')) $('unit').value = u;
  $('off').textContent = t(chosen.off === me ? 'on_again' : 'off');
  $('off').setAttribute('aria-pressed', chosen.off === me);
  const [l, a] = chosen.off.split('.'), intact = t('intact', {model: called(chosen.model)});
  $('off-said').textContent = chosen.off ? t('off_said', {layer: l, unit: a, intact}) : '';
}

// how far the numbers go: what is bounded has its bounds, what is not its largest so far
function scaleOf(trace, k) {
  const plain = /LMModel[1-4]/.test(trace.name);  // a ReLU has no upper bound
  if (k === 'look' || k.startsWith('gate_') && k !== 'gate_new') return ['open', 0, 1];
  if (k !== 'cell' && !plain) return ['signed', -1, 1];
  const {data, width} = trace.inside[k], upto = trace.n * width;
  if (trace.topOf !== k || trace.topTo > upto) Object.assign(trace, {topOf: k, topTo: 0, top: 0});
  for (; trace.topTo < upto; trace.topTo++) {
    const v = Math.abs(data[trace.topTo]);
    if (v > trace.top) trace.top = v;
  }
  const top = trace.top || 1;
  return plain ? ['open', 0, top] : ['signed', -top, top];
}

function likeliest(trace, i) {
  const p = trace.probs.row(i);
  return p.indexOf(Math.max(...p));
}

const expectedBand = (trace, model) => ({title: t('expected', {model}), kind: 'bars', height: 40,
  row: i => now.ids[i] !== RESET && known(trace, i - 1) && i < trace.n ? [trace.probs.row(i - 1)[now.ids[i]]] : null,
  fill: i => likeliest(trace, i - 1) === now.ids[i]});

const short = v => Number.isInteger(v) ? v : v.toFixed(1);

function heatBands(trace, k, title) {
  const {insides} = trace.info;
  if (!(k in insides)) return [];
  const [scale, lo, hi] = scaleOf(trace, k), wide = trace.inside[k];
  if (k === 'look') {
    const size = insides.look.at(-1);  // the last is the word just read, which is shown first
    return [{title: t('view_look'), kind: 'heat', rows: size, height: size * 8, scale, lo, hi,
      row: i => i < trace.n ? wide.row(i).toReversed() : null}];
  }
  const [layers, size] = insides[k], [l, u] = unit(), name = t(`view_${k}`);
  return Array.from({length: layers}, (_, n) => ({trace, layer: n + 1, kind: 'heat', scale, lo, hi, rows: size,
    height: size * (layers > 1 ? 3 : 4), unit: trace === now.A && n + 1 === l ? u - 1 : null,
    title: title(layers > 1 ? t('layer_title', {view: name, layer: n + 1}) : name, `${short(lo)} … ${short(hi)}`),
    row: i => i < trace.n ? wide.row(i).subarray(n * size, (n + 1) * size) : null}));
}

export function drawInside() {
  const {A, B, ids} = now, k = view(), i = at(), bands = [expectedBand(A, labelA())];
  if (B) bands.push(expectedBand(B, labelB()));
  if (chosen.model === 'pointer') {
    bands.push({title: t('shares'), kind: 'parts', height: 46, row: j => known(A, j) ? A.inside.shares.row(j) : null});
  }
  bands.push(...heatBands(A, k, title => B ? t('title_model', {model: labelA(), title}) : title));
  if (B && k !== 'look') {
    bands.push(...heatBands(B, k, (title, range) => `${t('title_model', {model: labelB(), title})}  ${range}`));
  }
  const tint = chosen.model === 'pointer' && known(A, i) ? j => lookAt(i, i - j) : null;
  map.set({n: ids.length, bands, word: j => word(ids[j]), at: i, tint});
  const [scale, lo, hi] = scaleOf(A, k);
  $('scale').replaceChildren(`${short(lo)}`, make('i', {className: `live-${scale}`}), `${short(hi)}`);
  drawReadout();
  $('at').max = Math.max(1, ids.length);
  if (document.activeElement !== $('at')) $('at').value = Math.max(1, i + 1);
  $('score').textContent = [score(A, labelA()), ...(B ? [score(B, labelB())] : [])].join(' ');
  if ($('numbers').open) drawTable();
}

// how much step `i` of the counting network points `back` words back
function lookAt(i, back) {
  const row = now.A.inside.look.row(i);
  return back < 0 || back >= row.length ? 0 : row[row.length - 1 - back];
}

function drawReadout() {
  const {A, ids} = now, i = hover ? hover.token : at(), said = [], k = view();
  if (!(i >= 0 && i < A.n) || ids[i] === RESET) { $('read').textContent = ''; return; }
  const w = {n: number(i + 1), word: word(ids[i])};
  if (k === 'look') {
    const row = A.inside.look.row(i), look = Math.max(...row), back = row.length - 1 - row.lastIndexOf(look);
    const [own, copy, successor] = [...A.inside.shares.row(i)].map(percent);
    said.push(t('pointing', {...w, to: word(ids[i - back]), back, look: percent(look), own, copy, successor}));
  } else {
    const trace = hover?.band?.trace || A, [l, u] = hover?.band?.trace ? [hover.band.layer, hover.row + 1] : unit();
    const v = trace.inside[k].row(i)[(l - 1) * trace.info.n_hidden + u - 1];
    if (!Number.isNaN(v)) said.push(t('value', {...w, view: t(`view_${k}`), layer: l, unit: u, value: v.toFixed(3)}));
  }
  if (known(A, i - 1)) said.push(t('was', {word: word(ids[i]), p: percent(A.probs.row(i - 1)[ids[i]])}));
  $('read').textContent = said.join(' ');
}

// how often the likeliest word was right; counted on as the text is read, and anew where it has changed
function score(trace, model) {
  if (trace.scoreTo > trace.n || trace.scoreCut !== trace.cuts) trace.scoreTo = 0;
  if (!trace.scoreTo) Object.assign(trace, {scoreTo: 1, scoreCut: trace.cuts, right: 0, of: 0});
  for (; trace.scoreTo < trace.n; trace.scoreTo++) {
    const i = trace.scoreTo;
    if (trace.ids[i] === RESET || !known(trace, i - 1)) continue;
    trace.of++;
    if (likeliest(trace, i - 1) === trace.ids[i]) trace.right++;
  }
  return trace.of ? t('score', {model, right: number(trace.right), n: number(trace.of)}) : '';
}

export function drawTable() {
  const {A} = now, i = at(), box = $('table');
  if (!(i >= 0 && i < A.n)) { box.replaceChildren(); return; }
  const names = views(chosen.model).filter(k => k !== 'look'), {n_layers, n_hidden} = A.info;
  const head = r => n_layers > 1 ? `${Math.floor(r / n_hidden) + 1}.${r % n_hidden + 1}` : r + 1;
  const cell = v => make('td', {textContent: Number.isNaN(v) ? '' : v.toFixed(3)});
  const rows = Array.from({length: n_layers * n_hidden}, (_, r) => make('tr', {},
    make('th', {scope: 'row', textContent: head(r)}), ...names.map(k => cell(A.inside[k].row(i)[r]))));
  const columns = [t('activation'), ...names.map(k => t(`view_${k}`))].map(o => make('th', {scope: 'col', textContent: o}));
  box.replaceChildren(make('table', {className: 'live-table'},
    make('thead', {}, make('tr', {}, ...columns)), make('tbody', {}, ...rows)));
}
