// The map: a column a token, bands of numbers above its words; only what is in view is drawn

export const column = 18;
const head = 18, gap = 10, label = 78;

const rgb = s => s.match(/\d+/g).slice(0, 3).map(Number);
const mixed = (a, b, t) => a.map((x, i) => Math.round(x + (b[i] - x) * t));

export class TokenMap {
  constructor(scroller, onPick) {
    this.scroller = scroller;
    this.spacer = scroller.querySelector('.live-spacer');
    this.canvas = scroller.querySelector('canvas');
    this.pen = this.canvas.getContext('2d');
    this.bands = [];
    this.n = 0;
    const redraw = () => this.later();
    scroller.addEventListener('scroll', redraw, {passive: true});
    new ResizeObserver(redraw).observe(scroller);
    this.canvas.addEventListener('click', e => { const o = this.under(e); if (o) onPick(o, true); });
    this.canvas.addEventListener('pointermove', e => { const o = this.under(e); if (o) onPick(o, false); });
    this.canvas.addEventListener('pointerleave', () => onPick(null, false));
  }

  colours() {
    // a colour of the style sheet as the canvas has it, light or dark
    const css = getComputedStyle(this.canvas), of = k => { this.canvas.style.color = `var(--live-${k})`; return css.color; };
    this.ink = of('ink'); this.soft = of('soft'); this.accent = of('accent'); this.back = of('zero');
    const [zero, plus, minus, gate] = ['zero', 'plus', 'minus', 'gate'].map(k => rgb(of(k)));
    this.table = {};
    const ramp = f => Array.from({length: 256}, (_, i) => f(i / 255));
    this.table.signed = ramp(t => t < 0.5 ? mixed(zero, minus, 1 - 2 * t) : mixed(zero, plus, 2 * t - 1));
    this.table.open = ramp(t => mixed(zero, gate, t));
    this.parts = ['own', 'copy', 'successor'].map(k => of(k));
    this.font = css.fontFamily;
  }

  // bands: {title, kind: 'heat' | 'bars' | 'parts', rows, row(i), scale, lo, hi, height}
  set({n, bands, word, at, tint}) {
    const end = this.scroller.scrollLeft + this.scroller.clientWidth >= this.spacer.offsetWidth - 2 * column;
    const grown = n !== this.n;
    Object.assign(this, {n, bands, word, at, tint});
    let y = 0;
    for (const b of bands) { b.top = y + head; y = b.top + b.height + gap; }
    this.wordTop = y;
    this.height = y + label;
    const size = `${Math.max(n * column, 1)}px`;
    if (this.spacer.style.width !== size) this.spacer.style.width = size;
    if (this.canvas.style.height !== `${this.height}px`) {
      this.canvas.style.height = `${this.height}px`;
      this.spacer.style.height = `${this.height}px`;
    }
    if (end && grown) this.scroller.scrollLeft = this.scroller.scrollWidth;
    this.later();
  }

  show(i) {
    const x = i * column, s = this.scroller;
    if (x < s.scrollLeft) s.scrollLeft = x - column;
    else if (x + column > s.scrollLeft + s.clientWidth) s.scrollLeft = x + 2 * column - s.clientWidth;
  }

  under(e) {
    const box = this.canvas.getBoundingClientRect(), y = e.clientY - box.top;
    const token = Math.floor((e.clientX - box.left + this.scroller.scrollLeft) / column);
    if (token < 0 || token >= this.n) return null;
    const band = this.bands.find(b => b.kind === 'heat' && y >= b.top && y < b.top + b.height);
    return {token, band, row: band ? Math.floor((y - band.top) / band.height * band.rows) : null};
  }

  recolour() {  // light or dark; at once, since a printer does not wait
    this.table = null;
    this.draw();
  }

  later() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = null; this.draw(); });
  }

  draw() {
    if (!this.table) this.colours();
    const {canvas, pen, scroller} = this, ratio = Math.min(2, window.devicePixelRatio || 1), width = scroller.clientWidth;
    const [w, h] = [Math.round(width * ratio), Math.round((this.height || 1) * ratio)];
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; canvas.style.width = `${width}px`; }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, this.height);
    if (!this.n) return;
    const left = scroller.scrollLeft, first = Math.floor(left / column), last = Math.min(this.n, Math.ceil((left + width) / column));
    const x = i => i * column - left;
    for (const b of this.bands) {
      if (b.kind === 'heat') this.heat(b, first, last, x);
      else for (let i = first; i < last; i++) this.bar(b, i, x(i));
      pen.fillStyle = this.ink;
      pen.font = `600 12px ${this.font}`;
      pen.textBaseline = 'alphabetic';
      pen.fillText(b.title, 1, b.top - 5, width - 4);
    }
    this.words(first, last, x);
    if (this.at >= first && this.at < last) {
      pen.strokeStyle = this.accent;
      pen.lineWidth = 2;
      pen.strokeRect(x(this.at) + 0.5, this.bands.length ? this.bands[0].top - 1 : 0, column - 2, this.height - (this.bands[0]?.top || 0) - 2);
    }
  }

  heat(b, first, last, x) {
    const n = last - first, image = new ImageData(n, b.rows), px = image.data, table = this.table[b.scale];
    for (let i = 0; i < n; i++) {
      const values = b.row(first + i);
      for (let r = 0; r < b.rows; r++) {
        const v = values ? values[r] : NaN;
        if (Number.isNaN(v)) continue;
        const c = table[Math.max(0, Math.min(255, Math.round((v - b.lo) / (b.hi - b.lo) * 255)))], k = 4 * (r * n + i);
        px[k] = c[0]; px[k + 1] = c[1]; px[k + 2] = c[2]; px[k + 3] = 255;
      }
    }
    this.small ||= document.createElement('canvas');
    this.small.width = n;
    this.small.height = b.rows;
    this.small.getContext('2d').putImageData(image, 0, 0);
    const {pen} = this;
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.small, 0, 0, n, b.rows, x(first), b.top, n * column, b.height);
    pen.fillStyle = this.back;
    for (let i = first; i <= last; i++) pen.fillRect(x(i) - 1, b.top, 1.5, b.height);
    if (b.unit != null) {
      const y = b.top + (b.unit + 0.5) / b.rows * b.height;
      pen.strokeStyle = this.accent;
      pen.lineWidth = 1;
      pen.strokeRect(x(first), y - b.height / b.rows / 2 - 1, n * column, b.height / b.rows + 2);
    }
  }

  bar(b, i, x) {
    const {pen} = this, v = b.row(i);
    if (v == null || Number.isNaN(v[0])) return;
    pen.fillStyle = this.soft;
    pen.fillRect(x + 2, b.top, column - 6, b.height);
    let y = b.top + b.height;
    v.forEach((o, k) => {
      pen.fillStyle = b.kind === 'parts' ? this.parts[k] : b.fill(i) ? this.accent : this.parts[2];
      y -= o * b.height;
      pen.fillRect(x + 2, y, column - 6, o * b.height);
      if (b.kind === 'bars' && !b.fill(i)) {  // not the likeliest: hollow, so that colour is not all
        pen.clearRect(x + 4, y + 2, column - 10, Math.max(0, o * b.height - 4));
      }
    });
  }

  words(first, last, x) {
    const {pen} = this;
    for (let i = first; i < last; i++) {
      const t = this.tint ? this.tint(i) : 0;
      if (t > 0.02) {
        pen.globalAlpha = t;
        pen.fillStyle = this.parts[1];
        pen.fillRect(x(i), this.wordTop - 2, column - 2, label);
        pen.globalAlpha = 1;
      }
      pen.save();
      pen.translate(x(i) + column / 2 + 3, this.wordTop + 2);
      pen.rotate(Math.PI / 2);
      pen.fillStyle = t > 0.6 ? this.back : this.ink;
      pen.font = `${i === this.at ? 700 : 400} 13px ${this.font}`;
      pen.textBaseline = 'middle';
      pen.translate(0, 3);
      pen.fillText(this.word(i), 0, 0);
      pen.restore();
    }
  }
}
