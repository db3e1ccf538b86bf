// The live page: what the reader chooses and writes, and what the model makes of it
import {engine} from './engine.js';
import {Trace} from './trace.js';
import {TokenMap} from './map.js';
import {countOn} from './count.js';
import {fromHash, toHash} from './link.js';
import {steps} from './tour.js';
import {MARK, RESET, corrections, parse, replaced, spell} from './words.js';

const $ = id => document.getElementById(`live-${id}`), root = document.getElementById('live');
const texts = JSON.parse($('strings').textContent), lang = root.lang;
const t = (key, o = {}) => texts[key].replace(/\{(\w+)\}/g, (_, k) => o[k]);
const make = (tag, o = {}, ...inside) => { const e = Object.assign(document.createElement(tag), o); e.append(...inside); return e; };
const number = n => n.toLocaleString(lang);
const percent = p => p > 0 && p < 0.0005 ? '< 0.1 %' : p < 1 && p >= 0.9995 ? '> 99.9 %' : `${(100 * p).toFixed(p > 0.0995 && p < 0.9895 || p === 1 || p === 0 ? 0 : 1)} %`;
const sleep = ms => new Promise(yes => setTimeout(yes, ms));
const most = 20000, speeds = [1, 2, 4, 8, 16, 32, 1000];
const first = {model: 'LMModel7', text: 'eight thousand one . eight thousand two . eight thousand three . eight thousand'};

let index, w2i, map;
let S = {model: first.model, with: '', text: '', view: 'hidden', token: '', unit: '', off: '', start: '8084'};
let A, B, ids = [], bad = [], writing = null, counting = null, allWords = false, hover = null;

// faults

function trouble(e) {
  const box = $('trouble');
  if (!e) { box.hidden = true; box.replaceChildren(); return; }
  const key = {model: 'no_model', runtime: 'no_runtime', no_wasm: 'no_wasm', no_worker: 'no_worker'}[e.code];
  box.replaceChildren(make('span', {textContent: key ? t(key, {file: e.file, detail: e.detail || ''}) : String(e.message || e)}));
  if (e.code === 'model') {
    const again = make('button', {type: 'button', textContent: t('again')});
    again.onclick = () => { trouble(null); update(); };
    box.append(' ', again);
  }
  box.hidden = false;
  if (e.code !== 'model' || e.file === 'models.json') {
    for (const o of root.querySelectorAll('.live-card button, .live-card input, .live-card select, .live-card textarea, #live-tour-start')) if (!box.contains(o)) o.disabled = true;
  }
  $('after').textContent = '';
}

// models

const called = name => name === 'pointer' ? t('pointer') : name;
const info = name => index.models[name];

function masked(name) {
  const {n_layers, n_hidden} = info(name), mask = new Float32Array(n_layers * n_hidden).fill(1);
  const [layer, unit] = S.off.split('.').map(Number);
  if (S.off && layer <= n_layers && unit <= n_hidden) mask[(layer - 1) * n_hidden + unit - 1] = 0;
  return mask;
}

function traces() {
  const key = `${S.model} ${S.off}`, other = S.with === 'intact' ? S.model : S.with;
  if (!A || A.key !== key) A = Object.assign(new Trace(engine, S.model, {...info(S.model), vocab_sz: index.vocab.length}, masked(S.model)), {key});
  if (!other) B = null;
  else if (!B || B.key !== other) B = Object.assign(new Trace(engine, other, {...info(other), vocab_sz: index.vocab.length}), {key: other});
}

function drawModels() {
  for (const o of $('model').querySelectorAll('input')) o.checked = o.value === S.model;
  const options = [['', t('nothing')], ...(S.off ? [['intact', t('intact', {model: called(S.model)})]] : []),
    ...Object.keys(index.models).filter(o => o !== S.model).map(o => [o, called(o)])];
  $('with').replaceChildren(...options.map(([value, textContent]) => make('option', {value, textContent, selected: value === S.with})));
  const m = info(S.model);
  $('about').textContent = t('about', {n: number(m.parameters), kb: number(Math.round(m.bytes / 1000)), what: t(`about_${S.model}`)});
}

// the text

const word = id => id === RESET ? MARK : index.vocab[id];

function setText(text) {
  const box = $('text');
  if (box.value !== text) box.value = text;
  S.text = text;
  ({ids, bad} = parse(text, w2i));
  S.cut = ids.length > most;
  if (S.cut) ids = ids.slice(0, most);
  drawBad();
}

function append(w) {
  const box = $('text'), gap = box.value && !/\s$/.test(box.value) ? ' ' : '';
  box.setRangeText(`${gap}${w} `, box.value.length, box.value.length, 'end');
  box.scrollTop = box.scrollHeight;
  S.token = '';
  S.text = box.value;
  if (bad.length) setText(box.value);  // nothing is read beyond it
  else ids = [...ids, w === MARK ? RESET : w2i.get(w)];
  return update();
}

let badSeen = '';
function drawBad(typing = document.activeElement === $('text')) {
  const shown = bad.filter(o => !(typing && o.open && index.vocab.some(w => w.startsWith(o.word))));
  const key = JSON.stringify(shown);
  if (key === badSeen) return;
  badSeen = key;
  const offer = (o, by, label) => {
    const b = make('button', {type: 'button', textContent: label, lang: by ? 'en' : lang});
    b.onclick = () => { setText(replaced($('text').value, o.word, by)); $('text').focus(); update(); };
    return b;
  };
  const rows = shown.slice(0, 3).map(o => {
    const found = corrections(o.word, index.vocab), p = make('p', {className: 'live-row'});
    p.append(make('span', {className: 'live-bad', textContent: t('unknown', {word: o.word})}),
      make('span', {textContent: found.length ? t('meant') : t('none_near')}),
      ...found.map(w => offer(o, w, w)), offer(o, '', t('leave_out')));
    return p;
  });
  if (shown.length > 3) rows.push(make('p', {textContent: t('more_unknown', {n: shown.length - 3})}));
  $('words-bad').replaceChildren(...rows);
}

// the next word

const at = () => S.token === '' ? ids.length - 1 : Math.min(ids.length, +S.token) - 1;
const known = (trace, i) => trace && i >= 0 && i < trace.n && !Number.isNaN(trace.probs.row(i)[0]);

function drawNext() {
  const i = at(), later = S.token !== '' && i < ids.length - 1;
  const all = [...index.vocab.keys()], p = A.probs, ready = known(A, i);
  let note;
  if (!ids.length) note = t('empty');
  else if (ids[i] === RESET) note = t('after_reset');
  else if (i >= A.n) note = A.n ? t('reading', {n: number(A.n), of: number(ids.length)}) : t('loading');
  else if (!ready) note = t('needs_three');
  else if (later) note = t('after_token', {n: number(i + 1), word: word(ids[i])});
  else note = t('after_end', {n: number(ids.length), model: called(S.model)});
  $('after').textContent = S.cut ? `${note} ${t('too_long', {n: number(most)})}` : note;
  if (i >= A.n && ids.length) return;  // what was there stays while the model reads
  $('all').hidden = !ready;
  $('legend').hidden = !ready || (!B && S.model !== 'pointer');
  if (!ready) { $('bars').replaceChildren(); return; }
  const row = p.row(i), other = known(B, i) ? B.probs.row(i) : null;
  const order = all.sort((a, b) => row[b] - row[a] || a - b), top = allWords ? order : order.slice(0, 7);
  const came = later && ids[i + 1] !== RESET ? ids[i + 1] : -1;
  if (other && !allWords) for (const j of [...index.vocab.keys()].sort((a, b) => other[b] - other[a]).slice(0, 3)) if (!top.includes(j)) top.push(j);
  if (came >= 0 && !top.includes(came)) top.push(came);
  const ways = S.model === 'pointer' && !B, list = $('bars');
  list.classList.toggle('live-two', !!other);
  while (list.children.length > top.length) list.lastChild.remove();
  top.forEach((j, k) => {
    const li = list.children[k] || list.appendChild(newBar()), {button, name, track, pct} = li.parts;
    Object.assign(button.dataset, {word: index.vocab[j], p: row[j], ...(other ? {other: other[j]} : {})});
    name.textContent = index.vocab[j];
    button.className = j === came ? 'live-came' : '';
    track.replaceChildren(bar(row[j], '', ways ? partsOf(A, i, j) : null), ...(other ? [bar(other[j], 'live-b')] : []));
    pct.replaceChildren(percent(row[j]), ...(other ? [make('br'), percent(other[j])] : []));
  });
  drawLegend(ways);
  if (!allWords) {
    const rest = order.filter(j => !top.includes(j)), sum = rest.reduce((s, j) => s + row[j], 0);
    $('all').textContent = `${t('all_words')} (${t('others', {n: rest.length})}: ${percent(sum)})`;
  } else $('all').textContent = t('all_words');
  $('all').setAttribute('aria-pressed', allWords);
  say('said', t('said', {list: order.slice(0, 3).map(j => `${index.vocab[j]} ${percent(row[j])}`).join(lang === 'en' ? ', ' : '、')}));
  if (!S.answered) { S.answered = true; performance.mark('live-answer'); root.dataset.answered = ''; }
}

function newBar() {
  const name = make('span', {className: 'live-word', lang: 'en'}), track = make('span', {className: 'live-track'});
  const pct = make('span', {className: 'live-pct'}), button = make('button', {type: 'button'}, name, track, pct);
  button.onclick = () => append(button.dataset.word);
  return Object.assign(make('li', {}, button), {parts: {button, name, track, pct}});
}

function bar(p, kind, ways) {
  const e = make('span', {className: `live-bar ${kind}${ways ? ' live-ways' : ''}`});
  e.style.width = `${100 * p}%`;
  if (ways) ways.forEach((w, k) => { const i = make('i', {className: `live-${['own', 'copy', 'successor'][k]}`}); i.style.width = `${100 * w / (p || 1)}%`; e.append(i); });
  return e;
}

const ways = ['way_own', 'way_copy', 'way_successor'];
const partsOf = (trace, i, j) => ways.map((k, m) => trace.inside.shares.row(i)[m] * trace.inside[k].row(i)[j]);
const sign = (kind, text) => make('span', {}, make('i', {className: kind}), text);

function drawLegend(parts) {
  $('legend').replaceChildren(...(parts ? ['own', 'copy', 'successor'].map(k => sign(`live-${k}`, t(`part_${k}`)))
    : B ? [sign('live-a', labelA()), sign('live-b', B.name === S.model ? t('intact', {model: called(B.name)}) : called(B.name))] : []));
}

const labelA = () => S.off ? t('counting_off', {model: called(S.model)}) : called(S.model);
const timers = {};
function say(id, text) {  // a screen reader is told when things have come to rest
  clearTimeout(timers[id]);
  timers[id] = setTimeout(() => { if ($(id).textContent !== text) $(id).textContent = text; }, 400);
}

// inside

const order = ['look', 'hidden', 'cell', 'gate_forget', 'gate_input', 'gate_output', 'gate_new'];
const views = name => order.filter(k => k in info(name).insides);
const view = () => views(S.model).includes(S.view) ? S.view : views(S.model)[0];

function drawViews() {
  const now = view();
  $('view').replaceChildren(...views(S.model).map(k => {
    const input = make('input', {type: 'radio', name: 'live-view', value: k, checked: k === now});
    input.onchange = () => { change({view: k}, false); };
    return make('label', {}, input, make('span', {textContent: t(`view_${k}`)}));
  }));
  $('view-about').textContent = t(`is_${now}`);
  $('parts').hidden = S.model !== 'pointer';
  $('parts').replaceChildren(...['own', 'copy', 'successor'].map(k => sign(`live-${k}`, t(`part_${k}`))));
  const {n_layers, n_hidden} = info(S.model);
  $('layer').max = n_layers; $('unit').max = n_hidden;
  $('layer-box').hidden = n_layers === 1;
  const [layer, unit] = chosen();
  if (document.activeElement !== $('layer')) $('layer').value = layer;
  if (document.activeElement !== $('unit')) $('unit').value = unit;
  const off = S.off === `${layer}.${unit}`;
  $('off').textContent = t(off ? 'on_again' : 'off');
  $('off').setAttribute('aria-pressed', off);
  const [l, u] = S.off.split('.');
  $('off-said').textContent = S.off ? t('off_said', {layer: l, unit: u, intact: t('intact', {model: called(S.model)})}) : '';
}

const chosen = () => {
  const {n_layers, n_hidden} = info(S.model), [l, u] = (S.unit || '').split('.').map(Number);
  return l >= 1 && l <= n_layers && u >= 1 && u <= n_hidden ? [l, u] : [n_layers, 1];
};

// how far the numbers go: what is bounded has its bounds, what is not its largest
function scaleOf(trace, k) {
  const gate = k.startsWith('gate_') && k !== 'gate_new';
  if (gate || k === 'look') return ['open', 0, 1];
  const plain = /LMModel[1-4]/.test(trace.name);
  if (k !== 'cell' && !plain) return ['signed', -1, 1];
  const {data, width} = trace.inside[k], upto = trace.n * width;
  if (trace.seen !== upto + k) {
    let top = trace.seenKey === k && trace.seenTo <= upto ? trace.top : 0;
    for (let i = trace.seenKey === k && trace.seenTo <= upto ? trace.seenTo : 0; i < upto; i++) { const v = Math.abs(data[i]); if (v > top) top = v; }
    Object.assign(trace, {seen: upto + k, seenKey: k, seenTo: upto, top});
  }
  return plain ? ['open', 0, trace.top || 1] : ['signed', -(trace.top || 1), trace.top || 1];
}

function likeliest(trace, i) {
  const p = trace.probs.row(i);
  let top = 0;
  for (let j = 1; j < p.length; j++) if (p[j] > p[top]) top = j;
  return top;
}

const expectedBand = (trace, label) => ({title: t('expected', {model: label}), kind: 'bars', height: 40,
  row: i => i > 0 && ids[i] !== RESET && known(trace, i - 1) && i < trace.n ? [trace.probs.row(i - 1)[ids[i]]] : null,
  fill: i => likeliest(trace, i - 1) === ids[i]});

const short = v => Number.isInteger(v) ? v : v.toFixed(1);

function heatBands(trace, k, label) {
  const {insides} = trace.info;
  if (!(k in insides)) return [];
  const [scale, lo, hi] = scaleOf(trace, k), wide = trace.inside[k];
  if (k === 'look') {
    const size = insides.look.at(-1), data = new Float32Array(size);
    const row = i => { const v = wide.row(i).subarray(0, size); for (let r = 0; r < size; r++) data[r] = v[size - 1 - r]; return data; };
    return [{title: t('view_look'), kind: 'heat', look: true, rows: size, height: size * 8, scale, lo, hi, row: i => i < trace.n ? row(i) : null}];
  }
  const [layers, size] = insides[k], [l, u] = chosen();
  return Array.from({length: layers}, (_, n) => ({layer: n + 1, kind: 'heat', rows: size, height: size * (layers > 1 ? 3 : 4), scale, lo, hi, trace,
    title: label + (layers > 1 ? t('layer_title', {view: t(`view_${k}`), layer: n + 1}) : t(`view_${k}`)) + (trace === B ? `  ${short(lo)} … ${short(hi)}` : ''), unit: trace === A && n + 1 === l ? u - 1 : null,
    row: i => i < trace.n ? wide.row(i).subarray(n * size, (n + 1) * size) : null}));
}

function drawInside() {
  const k = view(), i = at();
  const bands = [expectedBand(A, labelA())];
  if (B) bands.push(expectedBand(B, called(B.name)));
  if (S.model === 'pointer') bands.push({title: t('shares'), kind: 'parts', height: 46, row: i => known(A, i) ? A.inside.shares.row(i) : null});
  bands.push(...heatBands(A, k, B ? `${labelA()}: ` : ''));
  if (B && k !== 'look') bands.push(...heatBands(B, k, `${called(B.name)}: `));
  const tint = S.model === 'pointer' && known(A, i) ? j => lookAt(i, j) : null;
  map.set({n: ids.length, bands, word: j => word(ids[j]), at: i, tint});
  const [scale, lo, hi] = scaleOf(A, k);
  $('scale').replaceChildren(`${short(lo)}`, make('i', {className: `live-${scale}`}), `${short(hi)}`);
  drawReadout();
  $('at').max = Math.max(1, ids.length);
  if (document.activeElement !== $('at')) $('at').value = Math.max(1, i + 1);
  drawScore();
  if ($('numbers').open) drawTable();
}

const lookAt = (i, j) => {
  const size = info('pointer').insides.look.at(-1), back = i - j;
  return back < 0 || back >= size ? 0 : A.inside.look.row(i)[size - 1 - back];
};

function drawReadout() {
  const i = hover ? hover.token : at();
  if (!(i >= 0 && i < A.n) || ids[i] === RESET) { $('read').textContent = ''; return; }
  const said = [], [l, u] = hover?.band && !hover.band.look ? [hover.band.layer, hover.row + 1] : chosen(), k = view();
  const w = {n: number(i + 1), word: word(ids[i])};
  if (k === 'look') {
    const size = info('pointer').insides.look.at(-1);
    let back = 0;
    for (let b = 1; b < size; b++) if (lookAt(i, i - b) > lookAt(i, i - back)) back = b;
    const s = A.inside.shares.row(i);
    said.push(t('pointing', {...w, to: word(ids[i - back]), back, look: percent(lookAt(i, i - back)), own: percent(s[0]), copy: percent(s[1]), successor: percent(s[2])}));
  } else {
    const from = hover?.band?.trace || A, {n_hidden} = from.info, v = from.inside[k].row(i)[(l - 1) * n_hidden + u - 1];
    if (!Number.isNaN(v)) said.push(t('value', {...w, view: t(`view_${k}`), layer: l, unit: u, value: v.toFixed(3)}));
  }
  if (i > 0 && known(A, i - 1)) said.push(t('was', {word: word(ids[i]), p: percent(A.probs.row(i - 1)[ids[i]])}));
  $('read').textContent = said.join(' ');
}

// counted on as the text is read
function hits(trace) {
  const from = trace.hitsTo && trace.hitsTo <= trace.n && trace.hitsOf === trace.ids && trace.hitsCut === trace.cuts ? trace.hitsTo : 0;
  let {right, of} = from ? trace.hits : {right: 0, of: 0};
  for (let i = Math.max(1, from); i < trace.n; i++) {
    if (trace.ids[i] === RESET || !known(trace, i - 1)) continue;
    of++;
    if (likeliest(trace, i - 1) === trace.ids[i]) right++;
  }
  Object.assign(trace, {hits: {right, of}, hitsTo: trace.n, hitsOf: trace.ids, hitsCut: trace.cuts});
  return trace.hits;
}

function drawScore() {
  $('score').textContent = [A, B].filter(Boolean).map((o, k) => [o, k ? called(o.name) : labelA(), hits(o)]).filter(([, , h]) => h.of)
    .map(([, model, h]) => t('score', {model, right: number(h.right), n: number(h.of)})).join(' ');
}

function drawTable() {
  const i = at(), box = $('table');
  if (!(i >= 0 && i < A.n)) { box.replaceChildren(); return; }
  const names = views(S.model).filter(k => k !== 'look'), {n_layers, n_hidden} = info(S.model);
  const cell = v => make('td', {textContent: Number.isNaN(v) ? '' : v.toFixed(3)});
  const rows = Array.from({length: n_layers * n_hidden}, (_, r) => make('tr', {},
    make('th', {scope: 'row', textContent: n_layers > 1 ? `${Math.floor(r / n_hidden) + 1}.${r % n_hidden + 1}` : r + 1}), ...names.map(k => cell(A.inside[k].row(i)[r]))));
  box.tabIndex = 0;
  box.setAttribute('role', 'region');
  box.setAttribute('aria-label', t('numbers'));
  box.replaceChildren(make('table', {className: 'live-table'}, make('thead', {}, make('tr', {}, make('th', {scope: 'col', textContent: t('activation')}),
    ...names.map(k => make('th', {scope: 'col', textContent: t(`view_${k}`)})))), make('tbody', {}, ...rows)));
}

// all together

let drawing = null;
function draw() {
  if (drawing) return;
  drawing = requestAnimationFrame(() => { drawing = null;
    drawNext();
    drawInside();
    if (A.done && (!B || B.done)) $('next').setAttribute('aria-busy', 'false');
  });
}

let linking = null;
function link() {
  clearTimeout(linking);
  linking = setTimeout(() => {
    const hash = toHash({...S, view: view() === views(S.model)[0] ? '' : view(), start: S.start === '8084' ? '' : S.start});
    if (hash !== location.hash) history.replaceState(null, '', hash);
  }, 300);
}

async function update() {
  traces();
  $('next').setAttribute('aria-busy', 'true');
  draw();
  link();
  try {
    await Promise.all([A, B].filter(Boolean).map(o => o.read(ids, draw)));
    if (!$('trouble').hidden) trouble(null);
  } catch (e) { trouble(e); }
}

function change(o, read = true) {
  Object.assign(S, o);
  if (S.with === S.model || (S.with === 'intact' && !S.off)) S.with = '';
  keeping(() => { if (read) drawModels(); drawViews(); });
  return update();
}

// keep the focus on a radio button that was drawn anew
function keeping(f) {
  const o = document.activeElement, [name, value] = [o?.name, o?.value];
  f();
  if (name?.startsWith('live-') && o.type === 'radio') root.querySelector(`input[name="${name}"][value="${value}"]`)?.focus();
}
// writing on

function choose(p) {
  if (!$('chance').checked) return p.indexOf(Math.max(...p));
  let x = Math.random();
  for (let j = 0; j < p.length; j++) if ((x -= p[j]) < 0) return j;
  return p.length - 1;
}

async function writeOne() {
  if (S.token !== '') { S.token = ''; draw(); }
  await update();
  const i = ids.length - 1;
  if (bad.length || !known(A, i) || !A.done || ids.length >= most) return false;
  await append(index.vocab[choose([...A.probs.row(i)])]);
  return true;
}

function stopWriting() {
  writing = null;
  $('on').textContent = t('write_on');
  $('on').setAttribute('aria-pressed', 'false');
}

async function writeOn() {
  if (writing) return stopWriting();
  const me = writing = {};
  $('on').textContent = t('stop');
  $('on').setAttribute('aria-pressed', 'true');
  while (writing === me && await writeOne()) await sleep(1000 / speeds[$('speed').value]);
  if (writing === me) stopWriting();
}

// counting

function stopCounting() {
  counting = null;
  $('go').textContent = t('count_go');
}

async function count() {
  if (counting) return stopCounting();
  const typed = $('start').value.trim(), start = Number(typed), good = /^\d+$/.test(typed) && start >= 1 && start <= 999999;
  $('start-bad').textContent = good ? '' : t('bad_start', {n: typed || t('no_number')});
  if (!good) return;
  S.start = typed;
  link();
  const me = counting = {}, name = S.model, label = labelA(), mask = masked(name);
  $('go').textContent = t('stop');
  for (const k of ['marks', 'counting', 'count-said']) $(k).replaceChildren();
  $('wrong').hidden = true;
  $('wrong').tBodies[0].replaceChildren();
  if (start === 1) $('count-said').textContent = t('before_one');
  let right = 0, n = 0, firstBad = null, shown = 0;
  const read = async (piece, state) => {
    const o = await engine.read(name, piece, state, mask, true);
    return {best: o.best[piece.length - 1], state: o.state};
  };
  const result = () => t('counted', {model: label, right: number(right), n: number(n), pct: percent(right / n), first: number(firstBad ?? n)});
  try {
    await engine.load(name, {...info(name), vocab_sz: index.vocab.length});
    for await (const o of countOn(read, w2i, start, Math.min(999999, start + +$('many').value - 1))) {
      if (counting !== me) break;
      const wrote = o.wrote.map(i => index.vocab[i]).join(' ');
      if (!o.over) {
        if ($('slow').checked) await sleep(160);
        else if (performance.now() - shown < 40) continue;  // a frame is enough
        shown = performance.now();
        $('counting').textContent = `${o.number.toLocaleString('en')}: ${wrote}`;
        continue;
      }
      $('counting').textContent = `${o.number.toLocaleString('en')}: ${wrote} ${o.right ? '✓' : '✗'}`;
      mark(o);
      n++;
      if (o.right) right++;
      else {
        firstBad ??= n - 1;
        if ($('wrong').tBodies[0].rows.length < 200) $('wrong').tBodies[0].append(wrongRow(o));
        $('wrong').hidden = false;
      }
    }
  } catch (e) { trouble(e); }
  if (n) $('count-said').textContent = (start === 1 ? `${t('before_one')} ` : '') + result();
  if (counting === me) stopCounting();
}

function mark({number: n, right}) {
  const box = $('marks'), ten = Math.floor(n / 10);
  let line = box.lastChild;
  if (!line || n % 50 === 0) line = box.appendChild(make('div', {}, make('span', {className: 'live-from', textContent: n.toLocaleString('en')})));
  let group = line.lastChild;
  if (group.ten !== ten) group = line.appendChild(Object.assign(make('span', {className: 'live-ten'}), {ten}));
  group.append(right ? '·' : make('b', {textContent: '×', title: `${n.toLocaleString('en')}`}));
}

const wrongRow = ({number: n, wrote}) => make('tr', {}, make('td', {textContent: n.toLocaleString('en')}), make('td', {textContent: spell(n).join(' ')}),
  make('td', {textContent: wrote.map(i => index.vocab[i]).filter(w => w !== '.').join(' ') || t('wrote_nothing')}));

// the tour

let step = -1;
function showStep(n) {
  step = n;
  root.querySelector('.live-look')?.classList.remove('live-look');
  $('tour').hidden = n < 0;
  if (n < 0) { $('tour-start').focus(); return; }
  const o = steps[n], part = $(o.at);
  stopWriting();
  setText(o.set.text);
  change({with: '', token: '', unit: '', off: '', view: 'hidden', ...o.set});
  if (o.start) $('start').value = S.start = String(o.start);
  $('tour-step').textContent = t('tour_step', {n: n + 1, of: steps.length});
  $('tour-title').textContent = t(`tour_${n + 1}_title`);
  $('tour-text').textContent = t(`tour_${n + 1}`);
  $('tour-back').disabled = n === 0;
  $('tour-next').hidden = n === steps.length - 1;
  part.classList.add('live-look');
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  part.before($('tour'));
  $('tour').scrollIntoView({behavior: calm ? 'auto' : 'smooth', block: 'start'});
  $('tour-title').focus({preventScroll: true});
}

// listening

function listen() {
  $('text').oninput = () => { stopWriting(); S.token = ''; setText($('text').value); update(); };
  $('text').onblur = () => drawBad(false);
  $('model').onchange = e => change({model: e.target.value, off: '', unit: ''});
  for (const o of $('chips').querySelectorAll('button')) o.onclick = () => { stopWriting(); append(o.textContent); };
  $('with').onchange = () => change({with: $('with').value});
  $('one').onclick = () => { stopWriting(); writeOne(); };
  $('on').onclick = writeOn;
  $('reset').onclick = () => append(MARK);
  $('back').onclick = () => { stopWriting(); S.token = ''; setText($('text').value.replace(/\S+\s*$/, '')); update(); };
  $('clear').onclick = () => { stopWriting(); S.token = ''; setText(''); update(); $('text').focus(); };
  $('all').onclick = () => { allWords = !allWords; draw(); };
  $('at').oninput = () => { const n = +$('at').value; if (n >= 1 && n <= ids.length) { S.token = n === ids.length ? '' : String(n); map.show(n - 1); draw(); link(); } };
  const unit = () => {
    const l = +$('layer').value, u = +$('unit').value, {n_layers, n_hidden} = info(S.model);
    if (l >= 1 && l <= n_layers && u >= 1 && u <= n_hidden) change({unit: `${l}.${u}`}, false);
  };
  $('layer').oninput = $('unit').oninput = unit;
  $('off').onclick = () => { const [l, u] = chosen(), me = `${l}.${u}`; change({unit: me, off: S.off === me ? '' : me}); };
  $('numbers').ontoggle = () => { if ($('numbers').open) drawTable(); };
  $('go').onclick = count;
  $('start').onkeydown = e => { if (e.key === 'Enter') count(); };
  $('copy').onclick = async () => {
    try { await navigator.clipboard.writeText(location.href); $('copied').textContent = t('copied'); }
    catch { $('copied').textContent = t('not_copied'); }
  };
  $('tour-start').onclick = () => showStep(0);
  $('tour-next').onclick = () => showStep(step + 1);
  $('tour-back').onclick = () => showStep(step - 1);
  $('tour-end').onclick = () => showStep(-1);
  $('tour').onkeydown = e => { if (e.key === 'Escape') showStep(-1); };
  addEventListener('hashchange', () => restore(true));
  const again = () => { map.table = null; map.later(); };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
  new MutationObserver(again).observe(document.body, {attributes: true, attributeFilter: ['data-theme']});
}

// the state in the address; what it does not know is left out
function restore(again = false) {
  const o = fromHash(location.hash);
  if (again && !Object.keys(o).length) return;
  const has = k => k in index.models;
  const next = {model: has(o.model) ? o.model : first.model, with: has(o.with) || o.with === 'intact' ? o.with : '', view: order.includes(o.view) ? o.view : '',
    token: /^\d+$/.test(o.token || '') && +o.token > 0 ? o.token : '', unit: /^\d+\.\d+$/.test(o.unit || '') ? o.unit : '', off: '', start: /^\d+$/.test(o.start || '') ? o.start : '8084'};
  const [l, u] = (o.off || '').split('.').map(Number), m = info(next.model);
  if (l >= 1 && l <= m.n_layers && u >= 1 && u <= m.n_hidden) next.off = `${l}.${u}`;
  Object.assign(S, next);
  $('start').value = S.start;
  setText(o.text ?? first.text);
  change({});
}

async function begin() {
  if (typeof WebAssembly !== 'object') throw {code: 'no_wasm'};
  if (!engine) throw {code: 'no_worker'};
  let res;
  try { res = await fetch(new URL('models/models.json', import.meta.url)); }
  catch (e) { throw {code: 'model', file: 'models.json', detail: e.message}; }
  if (!res.ok) throw {code: 'model', file: 'models.json', detail: `${res.status} ${res.statusText}`.trim()};
  index = await res.json();
  w2i = new Map(index.vocab.map((w, i) => [w, i]));
  map = new TokenMap($('map'), (o, click) => {
    hover = click ? null : o;
    if (click) {
      const set = {token: o.token === ids.length - 1 ? '' : String(o.token + 1)};
      if (o.band && !o.band.look && o.band.trace === A) set.unit = `${o.band.layer}.${o.row + 1}`;
      change(set, false);
    } else drawReadout();
  });
  listen();
  restore();
  root.dataset.ready = '';
}

begin().catch(trouble);
