/** One film: what the server holds of it, what was changed here, and the way between the two. */

import { ask, Conflict } from "./api.js";
import { languageCode } from "./words.js";

/** @typedef {{name: string, xy: [number, number] | null, visibility: number, spread?: [number, number], score?: number}} Point */
/** @typedef {{label: string, box: number[], landmarks: Point[] | null, outline: {rings: number[][][], holes: number[][][]} | null, score: number, author: string, flags: string[], colour: string}} Thing */

export class Film {
  /** @param {any} told as the server tells it @param {any} schema @param {(what: string) => void} heard */
  constructor(told, schema, heard) {
    this.id = told.id;
    this.schema = schema;
    this.heard = heard;
    this.results = { results: [], calipers: [], corners: [] };
    this.live = false;
    this.waiting = 0;
    /** @type {{action: string, parts: any}[]} edits that the server did not take */
    this.stranded = [];
    this.chain = Promise.resolve();
    this.measuring = false;
    this.measureAgain = false;
    this.take(told);
  }

  take(told) {
    this.told = told;
    /** @type {Record<string, Thing>} */
    this.things = structuredClone(told.instances);
    this.order = [...told.order];
    this.changed = new Set();
  }

  get version() { return this.told.version; }

  /** Keys in the order of the spine, new ones at their place. */
  keys() {
    const ranks = this.schema.levels;
    const rank = (key) => { const place = ranks.indexOf(this.things[key].label); return place < 0 ? ranks.length : place; };
    const all = [...this.order.filter((key) => key in this.things), ...Object.keys(this.things).filter((key) => !this.order.includes(key))];
    return ranks.length ? all.sort((a, b) => rank(a) - rank(b)) : all;
  }

  /** Changes a thing here, and measures what that makes of the film. @param {string} key @param {Thing | null} thing */
  draft(key, thing) {
    if (thing === null) delete this.things[key];
    else this.things[key] = { ...thing, author: "human", flags: [] };
    this.changed.add(key);
    this.live = true;
    this.measure(true);
    this.heard("drafted");
  }

  /** What is changed here and not yet sent. */
  parts() {
    return { instances: Object.fromEntries([...this.changed].map((key) => [key, this.things[key] ? plain(this.things[key]) : null])) };
  }

  /** Sends what is changed here. @param {string} action */
  keep(action) {
    if (!this.changed.size) return this.chain;
    const parts = this.parts();
    this.changed = new Set();
    return this.save(action, parts);
  }

  /** Takes back what is changed here and not yet sent. */
  drop() {
    if (!this.changed.size) return;
    this.take(this.told);
    this.live = false;
    this.measure(false);
    this.heard("taken");
  }

  /** @param {string} action @param {any} parts */
  save(action, parts) {
    return this.queue(action, parts, () => ask(`/api/films/${this.id}/edits`, { version: this.version, who: who(), language: languageCode(), action, ...parts }));
  }

  undo() { return this.turn("undo"); }
  redo() { return this.turn("redo"); }

  turn(way) {
    this.drop();
    return this.queue(way, null, () => ask(`/api/films/${this.id}/${way}`, { version: this.version, who: who(), language: languageCode() }));
  }

  /** One after the other, so that each begins from what the last one made. */
  queue(action, parts, send) {
    this.waiting++;
    this.heard("saving");
    this.chain = this.chain.then(async () => {
      try {
        if (this.stranded.length) throw new Error("after one that was not taken");
        const told = await send();
        this.waiting--;
        if (this.waiting === 0 && this.changed.size === 0) this.take(told);
        else this.told = told;
        this.heard("saved");
        if (this.waiting === 0) this.measure(this.changed.size > 0);
      } catch (error) {
        this.waiting--;
        if (parts) this.stranded.push({ action, parts });
        this.fault = error;
        this.heard(error instanceof Conflict ? "conflict" : "unsaved");
      }
    });
    return this.chain;
  }

  /** Fetches what stands, and with `again` does on top of it what the server did not take. @param {boolean} again */
  async refresh(again) {
    const told = await ask(`/api/films/${this.id}?language=${languageCode()}`);
    const stranded = this.stranded;
    this.stranded = [];
    this.fault = undefined;
    this.take(told);
    this.live = false;
    this.heard("taken");
    if (again) for (const { action, parts } of stranded) await this.save(action, parts);
    this.measure(false);
  }

  /** At most one question at a time; of those that come meanwhile the latest is asked next. @param {boolean} quick */
  async measure(quick) {
    if (this.measuring) {
      this.measureAgain = true;
      return;
    }
    this.measuring = true;
    do {
      this.measureAgain = false;
      const draft = this.changed.size > 0;
      const body = { ...(draft ? this.parts() : {}), quick: draft || quick, language: languageCode() };
      try {
        const begun = performance.now();
        const results = await ask(`/api/films/${this.id}/measure`, body);
        this.took = performance.now() - begun;
        this.results = results;
        this.resultKeys = this.keys();
        this.live = draft;
        this.heard("measured");
      } catch (error) {
        if (draft) this.results = { ...this.results };
        else this.heard("unmeasured");
      }
      quick = this.changed.size > 0;
    } while (this.measureAgain);
    this.measuring = false;
  }
}

/** A thing as it is sent. @param {Thing} thing */
function plain(thing) {
  const { label, box, landmarks, outline } = thing;
  return {
    label, box, outline,
    landmarks: landmarks && landmarks.map(({ name, xy, visibility }) => ({ name, xy, visibility })),
  };
}

export const who = () => localStorage.getItem("spinekit.who") ?? "";
