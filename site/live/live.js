// The live page: what the reader chooses and writes, and how the parts of the page follow
import {count} from './counting.js';
import {$, lang, make, number, root, t} from './dom.js';
import {engine} from './engine.js';
import {beginMap, drawInside, drawTable, drawViews, firstView, order, showToken, unit, view} from './inside.js';
import {drawNext, showAll} from './next.js';
import {called, chosen, fromHash, info, known, now, toHash, unitOf} from './state.js';
import {beginTour} from './tour.js';
import {Trace} from './trace.js';
import {MARK, RESET, corrections, parse, replaced} from './words.js';

const most = 20000;  // words that are read
const speeds = [1, 2, 4, 8, 16, 32, 1000];  // words a second
const firstText = 'eight thousand one . eight thousand two . eight thousand three . eight thousand';
const start = {...chosen};
const sleep = ms => new Promise(yes => setTimeout(yes, ms));

// faults

function trouble(e) {
  const box = $('trouble');
  const key = {model: 'no_model', runtime: 'no_runtime', no_wasm: 'no_wasm', no_worker: 'no_worker'}[e?.code];
  box.hidden = !e;
  box.replaceChildren();
  if (!e) return;
  box.append(key ? t(key, {file: e.file, detail: e.detail || ''}) : String(e.message || e));
  $('after').textContent = '';
  if (e.code === 'model' && e.file !== 'models.json') {
    const again = make('button', {type: 'button', textContent: t('again')});
    again.onclick = () => { trouble(null); update(); };
    box.append(' ', again);
  } else for (const o of root.querySelectorAll('button, input, select, textarea')) o.disabled = true;
}

// models

function traces() {
  const key = `${chosen.model} ${chosen.off}`, other = chosen.with === 'intact' ? chosen.model : chosen.with;
  if (now.A?.key !== key) {
    const m = info(chosen.model), mask = new Float32Array(m.n_layers * m.n_hidden).fill(1), off = unitOf(chosen.off, m);
    if (off) mask[(off[0] - 1) * m.n_hidden + off[1] - 1] = 0;
    now.A = Object.assign(new Trace(engine, chosen.model, m, mask), {key});
  }
  if (!other) now.B = null;
  else if (now.B?.name !== other) now.B = new Trace(engine, other, info(other));
}

function drawModels() {
  for (const o of $('model').querySelectorAll('input')) o.checked = o.value === chosen.model;
  const others = Object.keys(now.index.models).filter(o => o !== chosen.model).map(o => [o, called(o)]);
  if (chosen.off) others.unshift(['intact', t('intact', {model: called(chosen.model)})]);
  $('with').replaceChildren(...[['', t('nothing')], ...others].map(([value, textContent]) =>
    make('option', {value, textContent, selected: value === chosen.with})));
  const m = info(chosen.model), what = t(`about_${chosen.model}`);
  $('about').textContent = t('about', {n: number(m.parameters), kb: number(Math.round(m.bytes / 1000)), what});
}

// the text

function setText(text) {
  const box = $('text');
  if (box.value !== text) box.value = text;
  Object.assign(now, parse(text, now.w2i));
  now.cut = now.ids.length > most;
  if (now.cut) now.ids = now.ids.slice(0, most);
  drawBad();
}

// a text that the reader has changed
function changeText(text) {
  stopWriting();
  chosen.token = '';
  setText(text);
  return update();
}

function append(w) {
  const box = $('text'), gap = box.value && !/\s$/.test(box.value) ? ' ' : '';
  box.setRangeText(`${gap}${w} `, box.value.length, box.value.length, 'end');
  box.scrollTop = box.scrollHeight;
  chosen.token = '';
  if (now.bad.length) setText(box.value);  // nothing is read beyond it
  else now.ids = [...now.ids, w === MARK ? RESET : now.w2i.get(w)];
  return update();
}

let badSeen = '';
function drawBad(typing = document.activeElement === $('text')) {
  const {index, bad} = now, shown = bad.filter(o => !(typing && o.open && index.vocab.some(w => w.startsWith(o.word))));
  const key = JSON.stringify(shown);
  if (key === badSeen) return;
  badSeen = key;
  const offer = (o, by, label) => {
    const b = make('button', {type: 'button', textContent: label, lang: by ? 'en' : lang});
    b.onclick = () => { changeText(replaced($('text').value, o.word, by)); $('text').focus(); };
    return b;
  };
  const rows = shown.slice(0, 3).map(o => {
    const found = corrections(o.word, index.vocab);
    const said = [['live-bad', t('unknown', {word: o.word})], ['', t(found.length ? 'meant' : 'none_near')]];
    return make('p', {className: 'live-row'}, ...said.map(([className, textContent]) => make('span', {className, textContent})),
      ...found.map(w => offer(o, w, w)), offer(o, '', t('leave_out')));
  });
  if (shown.length > 3) rows.push(make('p', {textContent: t('more_unknown', {n: shown.length - 3})}));
  $('words-bad').replaceChildren(...rows);
}

// all together

let drawing = null;
function draw() {
  drawing ??= requestAnimationFrame(() => {
    drawing = null;
    drawNext(most);
    drawInside();
    if (now.A.done && (!now.B || now.B.done)) $('next').setAttribute('aria-busy', 'false');
  });
}

let linking = null;
function link() {
  clearTimeout(linking);
  linking = setTimeout(() => {
    const hash = toHash({...chosen, text: $('text').value, view: view() === firstView() ? '' : view(),
      start: chosen.start === start.start ? '' : chosen.start});
    if (hash !== location.hash) history.replaceState(null, '', hash);
  }, 300);
}

async function update() {
  traces();
  $('next').setAttribute('aria-busy', 'true');
  draw();
  link();
  try {
    await Promise.all([now.A, now.B].map(o => o?.read(now.ids, draw)));
    if (!$('trouble').hidden) trouble(null);
  } catch (e) { trouble(e); }
}

function change(o) {
  Object.assign(chosen, o);
  if (chosen.with === chosen.model || chosen.with === 'intact' && !chosen.off) chosen.with = '';
  drawModels();
  drawViews();
  return update();
}

// all of the page, as a link or the tour wants it
function show({text = firstText, ...o}) {
  stopWriting();
  setText(text);
  const read = change({...start, ...o});
  $('start').value = chosen.start;
  return read;
}

// the state in the address; what it does not know is left out
function restore() {
  const o = fromHash(location.hash), has = k => k in now.index.models, model = has(o.model) ? o.model : start.model;
  const good = {model: has(o.model), with: has(o.with) || o.with === 'intact', text: true, view: order.includes(o.view),
    token: /^[1-9]\d*$/.test(o.token), unit: /^\d+\.\d+$/.test(o.unit), off: !!unitOf(o.off || '', info(model)),
    start: /^\d+$/.test(o.start)};
  show(Object.fromEntries(Object.entries(o).filter(([k]) => good[k])));
}

// writing on

let writing = null;

function drawn(p) {
  if (!$('chance').checked) return p.indexOf(Math.max(...p));
  let x = Math.random();
  for (let j = 0; j < p.length; j++) if ((x -= p[j]) < 0) return j;
  return p.length - 1;
}

async function writeOne() {
  chosen.token = '';
  await update();
  const {A, ids} = now, i = ids.length - 1;
  if (now.bad.length || !known(A, i) || !A.done || ids.length >= most) return false;
  await append(now.index.vocab[drawn(A.probs.row(i))]);
  return true;
}

function stopWriting() {
  writing = null;
  $('on').textContent = t('write_on');
  $('on').setAttribute('aria-pressed', 'false');
}

async function writeOn() {
  if (writing) { stopWriting(); return; }
  const me = writing = {};
  $('on').textContent = t('stop');
  $('on').setAttribute('aria-pressed', 'true');
  while (writing === me && await writeOne()) await sleep(1000 / speeds[$('speed').value]);
  if (writing === me) stopWriting();
}

// listening

const buttonOf = e => e.target.closest('button');

function listen() {
  $('model').onchange = e => change({model: e.target.value, off: '', unit: ''});
  $('with').onchange = () => change({with: $('with').value});
  $('text').oninput = () => changeText($('text').value);
  $('text').onblur = () => drawBad(false);
  $('chips').onclick = e => { if (buttonOf(e)) { stopWriting(); append(buttonOf(e).textContent); } };
  $('one').onclick = () => { stopWriting(); writeOne(); };
  $('on').onclick = writeOn;
  $('reset').onclick = () => append(MARK);
  $('back').onclick = () => changeText($('text').value.replace(/\S+\s*$/, ''));
  $('clear').onclick = () => { changeText(''); $('text').focus(); };
  $('bars').onclick = e => { if (buttonOf(e)) append(buttonOf(e).dataset.word); };
  $('all').onclick = () => { showAll(); draw(); };
  $('view').onchange = e => change({view: e.target.value});
  $('at').oninput = () => {
    const n = +$('at').value, {length} = now.ids;
    if (!(n >= 1 && n <= length)) return;
    change({token: n === length ? '' : String(n)});
    showToken(n - 1);
  };
  $('layer').oninput = $('unit').oninput = () => {
    const o = `${+$('layer').value}.${+$('unit').value}`;
    if (unitOf(o, info(chosen.model))) change({unit: o});
  };
  $('off').onclick = () => { const me = unit().join('.'); change({unit: me, off: chosen.off === me ? '' : me}); };
  $('numbers').ontoggle = () => { if ($('numbers').open) drawTable(); };
  $('go').onclick = () => { count().catch(trouble); link(); };
  $('start').onkeydown = e => { if (e.key === 'Enter') $('go').click(); };
  $('copy').onclick = async () => {
    try { await navigator.clipboard.writeText(location.href); $('copied').textContent = t('copied'); }
    catch { $('copied').textContent = t('not_copied'); }
  };
  beginTour(show);
  beginMap(change);
  addEventListener('hashchange', () => { if (Object.keys(fromHash(location.hash)).length) restore(); });
}

async function begin() {
  if (typeof WebAssembly !== 'object') throw {code: 'no_wasm'};
  if (!engine) throw {code: 'no_worker'};
  const failed = detail => ({code: 'model', file: 'models.json', detail});
  const res = await fetch(new URL('models/models.json', import.meta.url)).catch(e => { throw failed(e.message); });
  if (!res.ok) throw failed(`${res.status} ${res.statusText}`.trim());
  now.index = await res.json();
  now.w2i = new Map(now.index.vocab.map((w, i) => [w, i]));
  listen();
  restore();
  root.dataset.ready = '';
}

begin().catch(trouble);
