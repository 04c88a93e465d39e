/** A film's own values, windowed here: the 8 bits on the screen are made anew whenever the window moves. */

import { send } from "./api.js";

/** @typedef {{width: number, height: number, depth: number, low: number, step: number, window: [number, number], inverted: boolean, raw: boolean}} Facts */

export class Picture {
  /** @param {Facts} facts @param {Uint8Array | Uint16Array} values */
  constructor(facts, values) {
    this.facts = facts;
    this.levels = [{ width: facts.width, height: facts.height, values }];
    this.drawn = new Map();
  }

  /** The true value at a pixel, or null outside. @param {number} x @param {number} y */
  valueAt(x, y) {
    const { width, height, low, step } = this.facts;
    const column = Math.round(x), row = Math.round(y);
    if (column < 0 || row < 0 || column >= width || row >= height) return null;
    return this.levels[0].values[row * width + column] * step + low;
  }

  /**
   * The film at 1 / 2^level of its size, as a canvas.
   * @param {number} level
   * @param {[number, number]} window ends in true values
   * @param {boolean} inverted
   */
  canvas(level, window, inverted) {
    while (this.levels.length <= level) this.levels.push(halved(this.levels.at(-1)));
    const { width, height, values } = this.levels[level];
    const recipe = `${window[0]} ${window[1]} ${inverted}`;
    let kept = this.drawn.get(level);
    if (kept?.recipe === recipe) return kept.canvas;
    if (!kept) {
      const canvas = document.createElement("canvas");
      canvas.width = width;
      canvas.height = height;
      const context = canvas.getContext("2d", { alpha: false });
      kept = { canvas, context, image: context.createImageData(width, height), recipe: "" };
      this.drawn.set(level, kept);
    }
    const table = this.table(window, inverted);
    const out = new Uint32Array(kept.image.data.buffer);
    for (let i = 0; i < out.length; i++) out[i] = table[values[i]];
    kept.context.putImageData(kept.image, 0, 0);
    kept.recipe = recipe;
    return kept.canvas;
  }

  /** How fine a copy is wanted where a pixel of the film takes so many of the screen. @param {number} scale */
  levelFor(scale) {
    const coarsest = Math.max(0, Math.floor(Math.log2(Math.min(this.facts.width, this.facts.height) / 64)));
    return Math.min(coarsest, Math.max(0, Math.floor(Math.log2(1 / scale) + 0.01)));
  }

  /** Grey of each stored value. */
  table([low, high], inverted) {
    const count = this.facts.depth === 8 ? 256 : 65536;
    const table = new Uint32Array(count);
    const factor = 255 / Math.max(high - low, 1e-9);
    for (let i = 0; i < count; i++) {
      let grey = Math.max(0, Math.min(255, Math.round((i * this.facts.step + this.facts.low - low) * factor)));
      if (inverted) grey = 255 - grey;
      table[i] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
    }
    return table;
  }
}

/** Half the size, each value the mean of four. */
function halved({ width, height, values }) {
  const columns = Math.max(1, width >> 1), rows = Math.max(1, height >> 1);
  const made = new values.constructor(columns * rows);
  for (let y = 0, out = 0; y < rows; y++) {
    let top = 2 * y * width, below = Math.min(2 * y + 1, height - 1) * width;
    for (let x = 0; x < columns; x++, top += 2, below += 2) {
      made[out++] = (values[top] + values[top + (width > 1)] + values[below] + values[below + (width > 1)] + 2) >> 2;
    }
  }
  return { width: columns, height: rows, values: made };
}

const kept = new Map();
const MOST = 3;

/**
 * Fetches a film's values; the latest few stay.
 * @param {number} id
 * @returns {Promise<Picture>}
 */
export function fetchPicture(id) {
  let found = kept.get(id);
  if (found) kept.delete(id);
  else found = fetched(id).catch((error) => { kept.delete(id); throw error; });
  kept.set(id, found);
  for (const old of [...kept.keys()].slice(0, -MOST)) kept.delete(old);
  return found;
}

async function fetched(id) {
  const answer = await send(`/api/films/${id}/pixels`);
  const facts = JSON.parse(answer.headers.get("x-spinekit-picture"));
  const bytes = await answer.arrayBuffer();
  return new Picture(facts, facts.depth === 8 ? new Uint8Array(bytes) : new Uint16Array(bytes));
}
