// The page's side of the worker that runs the models. Loaded before the rest of the page: what the worker loads takes longest

export class Trouble extends Error {
  constructor({code, file, detail}) { super(`${code}: ${file} ${detail || ''}`); Object.assign(this, {code, file, detail}); }
}

class Engine {
  constructor() {
    this.waiting = new Map();
    this.n = 0;
    this.models = new Map();
    this.worker = new Worker(new URL('worker.js', import.meta.url), {type: 'module'});
    this.worker.onmessage = ({data}) => {
      const w = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.error) w.no(new Trouble(data.error)); else w.yes(data.value);
    };
    this.worker.onerror = e => {
      this.broken = new Trouble({code: 'runtime', file: 'worker.js', detail: e.message});
      for (const w of this.waiting.values()) w.no(this.broken);
      this.waiting.clear();
    };
  }

  ask(msg) {
    if (this.broken) return Promise.reject(this.broken);
    return new Promise((yes, no) => {
      this.waiting.set(++this.n, {yes, no});
      this.worker.postMessage({...msg, id: this.n});
    });
  }

  // once a model; tried again after it failed
  load(name, info) {
    if (!this.models.has(name)) {
      const p = this.ask({what: 'load', name, info});
      this.models.set(name, p);
      p.catch(() => this.models.delete(name));
    }
    return this.models.get(name);
  }

  read(name, ids, state, mask, light = false) { return this.ask({what: 'read', name, ids, state, mask, light}); }
}

function begun() { try { return new Engine(); } catch { return null; } }  // a browser may have no such workers
export const engine = begun();
