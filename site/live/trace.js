// What a model makes of a text, token by token, kept up to date as the text changes
import {RESET} from './words.js';

// Rows of numbers that grow
export class Rows {
  constructor(width) { this.width = width; this.data = new Float32Array(64 * width); }
  put(at, values) {
    const end = at * this.width + values.length;
    if (end > this.data.length) {
      const more = new Float32Array(Math.max(end, 2 * this.data.length));
      more.set(this.data);
      this.data = more;
    }
    this.data.set(values, at * this.width);
  }
  row(i) { return this.data.subarray(i * this.width, (i + 1) * this.width); }
}

const every = 64;  // tokens from one kept state to the next

export class Trace {
  constructor(engine, name, info, mask = null) {
    Object.assign(this, {engine, name, info, n: 0, ids: [], want: [], states: new Map(), cuts: 0});
    this.mask = mask || new Float32Array(info.n_layers * info.n_hidden).fill(1);
    this.probs = new Rows(info.vocab_sz);
    this.inside = Object.fromEntries(Object.entries(info.insides).map(([k, s]) => [k, new Rows(s.reduce((a, b) => a * b, 1))]));
  }

  get done() { return this.n === this.want.length; }

  // Read the text `ids`, from where it differs from what was read; `changed` is called after each piece
  read(ids, changed) {
    let k = 0;
    const most = Math.min(this.n, ids.length);
    while (k < most && this.ids[k] === ids[k]) k++;
    this.want = ids;
    if (k < this.n) {
      for (const at of this.states.keys()) if (at > k) this.states.delete(at);
      this.n = k;
      this.cuts++;
    }
    this.changed = changed;
    if (!this.busy) this.busy = this.go().finally(() => { this.busy = null; });
    return this.busy;
  }

  // where to go on from: the last kept state, or a reset after it
  start() {
    let at = 0;
    for (const o of this.states.keys()) if (o <= this.n) at = Math.max(at, o);
    for (let i = this.n; i > at; i--) if (this.want[i - 1] === RESET) return [i, null];
    return [at, this.states.get(at) || null];
  }

  async go() {
    await this.engine.load(this.name, this.info);
    let size = 32;
    while (!this.done) {
      if (this.want[this.n] === RESET) {
        this.fill(this.n);
        this.ids[this.n++] = RESET;
        continue;
      }
      const [from, state] = this.start();
      let to = from;
      while (to < this.want.length && to < from + size && this.want[to] !== RESET) to++;
      const piece = this.want.slice(from, to);
      const o = await this.engine.read(this.name, piece, state, this.mask);
      if (this.n < from || piece.some((w, i) => this.want[from + i] !== w)) continue;  // the text has changed meanwhile
      this.probs.put(from, o.probs);
      for (const k in o.inside) this.inside[k].put(from, o.inside[k]);
      piece.forEach((w, i) => { this.ids[from + i] = w; });
      if (this.tail && !this.kept(this.tail)) this.states.delete(this.tail);
      this.states.set(to, o.state);
      this.tail = to;
      this.n = to;
      size = Math.min(256, 2 * size);
      this.changed?.();
    }
    this.changed?.();
  }

  // is the state at `at` far enough from the one before it?
  kept(at) {
    for (const o of this.states.keys()) if (o < at && o > at - every) return false;
    return at >= every;
  }

  fill(at) {
    this.probs.put(at, new Float32Array(this.probs.width).fill(NaN));
    for (const o of Object.values(this.inside)) o.put(at, new Float32Array(o.width).fill(NaN));
  }
}
