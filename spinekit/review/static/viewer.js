/** The film on the screen: where it lies, how large, and by which window. */

import { Picture } from "./picture.js";

const MOST_ZOOM = 40;

export class Viewer {
  /** @param {HTMLCanvasElement} canvas @param {HTMLCanvasElement} marks @param {() => void} drawMarks */
  constructor(canvas, marks, drawMarks) {
    this.canvas = canvas;
    this.marks = marks;
    this.context = canvas.getContext("2d", { alpha: false });
    this.drawMarks = drawMarks;
    /** @type {Picture | null} */
    this.picture = null;
    this.scale = 1; // CSS pixels that a column takes
    this.left = 0;
    this.top = 0;
    this.aspect = 1; // height of a pixel over its width
    this.window = [0, 255];
    this.inverted = false;
    this.wanted = 0;
    new ResizeObserver(() => this.resized()).observe(canvas.parentElement);
  }

  get width() { return this.canvas.clientWidth; }
  get height() { return this.canvas.clientHeight; }

  /** @param {Picture} picture @param {number} aspect */
  show(picture, aspect) {
    this.picture = picture;
    this.aspect = aspect;
    this.window = [...picture.facts.window];
    this.inverted = picture.facts.inverted;
    this.resized();
    this.fit();
  }

  clear() {
    this.picture = null;
    this.redraw();
  }

  resized() {
    const ratio = devicePixelRatio || 1;
    for (const canvas of [this.canvas, this.marks]) {
      canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
      canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    }
    this.redraw();
  }

  /** Film pixel (centres at integers) to CSS pixels. */
  toScreen([x, y]) {
    return [(x + 0.5) * this.scale + this.left, (y + 0.5) * this.scale * this.aspect + this.top];
  }

  toFilm([x, y]) {
    return [(x - this.left) / this.scale - 0.5, (y - this.top) / (this.scale * this.aspect) - 0.5];
  }

  fit() {
    if (!this.picture) return;
    const { width, height } = this.picture.facts;
    this.scale = Math.min(this.width / width, this.height / (height * this.aspect)) * 0.98;
    this.left = (this.width - width * this.scale) / 2;
    this.top = (this.height - height * this.scale * this.aspect) / 2;
    this.redraw();
  }

  /** Shows a part of the film large. @param {[number, number, number, number]} box */
  frame([left, top, right, bottom]) {
    if (!this.picture) return;
    const across = Math.max(right - left, 8) * 3, down = Math.max(bottom - top, 8) * 3 * this.aspect;
    this.scale = Math.min(this.width / across, this.height / down, MOST_ZOOM);
    this.left = this.width / 2 - ((left + right) / 2 + 0.5) * this.scale;
    this.top = this.height / 2 - ((top + bottom) / 2 + 0.5) * this.scale * this.aspect;
    this.redraw();
  }

  /** @param {number} factor @param {[number, number]} about in CSS pixels */
  zoom(factor, [x, y] = [this.width / 2, this.height / 2]) {
    if (!this.picture) return;
    const least = 0.25 * Math.min(this.width / this.picture.facts.width, this.height / this.picture.facts.height);
    const next = Math.max(Math.min(least, 1), Math.min(MOST_ZOOM, this.scale * factor));
    const change = next / this.scale;
    this.left = x - (x - this.left) * change;
    this.top = y - (y - this.top) * change;
    this.scale = next;
    this.redraw();
  }

  actual() { this.zoom(1 / (this.scale * (devicePixelRatio || 1))); }

  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.redraw();
  }

  /** Moves the window by shares of its film's own: to the right narrower contrast, down darker. */
  shiftWindow(dx, dy) {
    const [low, high] = this.window;
    const [first, last] = this.picture?.facts.window ?? [0, 255];
    const unit = (last - first) / 400;
    const width = Math.max((last - first) / 512, high - low + dx * unit);
    const centre = (low + high) / 2 + dy * unit;
    this.window = [centre - width / 2, centre + width / 2];
    this.redraw();
  }

  resetWindow() {
    if (!this.picture) return;
    this.window = [...this.picture.facts.window];
    this.inverted = this.picture.facts.inverted;
    this.redraw();
  }

  invert() {
    this.inverted = !this.inverted;
    this.redraw();
  }

  redraw() {
    if (this.wanted) return;
    this.wanted = requestAnimationFrame(() => {
      this.wanted = 0;
      this.draw();
      this.drawMarks();
    });
  }

  draw() {
    const { context, canvas } = this;
    const ratio = canvas.width / Math.max(this.width, 1);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (!this.picture) return;
    const { width, height } = this.picture.facts;
    const level = this.picture.levelFor(this.scale * ratio * Math.max(1, this.aspect));
    const film = this.picture.canvas(level, this.window, this.inverted);
    context.imageSmoothingEnabled = this.scale * ratio < 8;
    context.imageSmoothingQuality = "high";
    // What a coarser copy leaves out at the right and lower edge is less than a pixel of it.
    const across = (film.width << level) * this.scale, down = (film.height << level) * this.scale * this.aspect;
    context.drawImage(film, this.left * ratio, this.top * ratio, Math.min(across, width * this.scale) * ratio, Math.min(down, height * this.scale * this.aspect) * ratio);
  }

  /**
   * Draws what lies under the finger enlarged.
   * @param {CanvasRenderingContext2D} context of the marks, in CSS pixels
   * @param {[number, number]} at film pixels
   */
  loupe(context, at) {
    if (!this.picture) return;
    const [x, y] = this.toScreen(at);
    const radius = 62, factor = Math.max(3, 3 / this.scale);
    const cx = x < this.width / 2 ? this.width - radius - 14 : radius + 14, cy = radius + 14;
    const film = this.picture.canvas(0, this.window, this.inverted);
    const half = radius / factor / this.scale;
    context.save();
    context.beginPath();
    context.arc(cx, cy, radius, 0, 7);
    context.fillStyle = "#000";
    context.fill();
    context.clip();
    context.imageSmoothingEnabled = true;
    context.drawImage(film, at[0] + 0.5 - half, at[1] + 0.5 - half / this.aspect, 2 * half, 2 * half / this.aspect, cx - radius, cy - radius, 2 * radius, 2 * radius);
    context.restore();
    context.strokeStyle = "#5cf2c8";
    context.lineWidth = 1;
    context.beginPath();
    context.arc(cx, cy, radius, 0, 7);
    context.moveTo(cx - 14, cy);
    context.lineTo(cx - 4, cy);
    context.moveTo(cx + 4, cy);
    context.lineTo(cx + 14, cy);
    context.moveTo(cx, cy - 14);
    context.lineTo(cx, cy - 4);
    context.moveTo(cx, cy + 4);
    context.lineTo(cx, cy + 14);
    context.stroke();
  }
}
