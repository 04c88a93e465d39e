/** Everything that is drawn upon the film: shapes, points, names, doubt, lines of measurements. */

import { boxOf, middle, ringsOf } from "./shapes.js";

/** What can be switched off, in the order of the keys 1 to 6. */
export const LAYERS = ["masks", "points", "names", "spread", "lines", "raster"];
const RANKS = [
  { colour: "#FFC400", width: 2.2, size: 20 },
  { colour: "#FFE08A", width: 1.5, size: 14 },
  { colour: "#8AF0FF", width: 1.3, size: 12 },
  { colour: "#FFD35C", width: 1.3, size: 13 },
  { colour: "#F2D9A0", width: 0.9, size: 12 },
];
const POINT = "#5CF2C8";
const HIDDEN = "#FFB347";
const FONT = 'system-ui, "Segoe UI", Roboto, sans-serif';

export class Marks {
  /** @param {HTMLCanvasElement} canvas @param {any} desk */
  constructor(canvas, desk) {
    this.canvas = canvas;
    this.desk = desk;
    this.context = canvas.getContext("2d");
    this.raster = { of: null, canvas: null };
  }

  draw() {
    const { context, desk } = this;
    const ratio = this.canvas.width / Math.max(this.canvas.clientWidth, 1);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.canvas.clientWidth, this.canvas.clientHeight);
    const { film, viewer, layers } = desk;
    if (!film || !viewer.picture) return;
    this.taken = [];
    if (layers.raster && film.told.raster) this.drawRaster(film, viewer);
    const keys = film.keys();
    for (const key of keys) this.drawBody(key, film.things[key]);
    if (layers.lines) this.drawCalipers(film.results.calipers);
    for (const name of desk.pinned) this.drawPinned(film.results.results.find((one) => one.name === name));
    if (layers.points) for (const key of keys) this.drawPoints(key, film.things[key]);
    if (layers.names) for (const key of keys) this.drawName(key, film.things[key], keys.length);
    this.drawTool();
  }

  at(point) { return this.desk.viewer.toScreen(point); }

  path(ring, closed = true) {
    const { context } = this;
    ring.forEach((point, i) => context[i ? "lineTo" : "moveTo"](...this.at(point)));
    if (closed) context.closePath();
  }

  drawBody(key, thing) {
    const { context, desk } = this;
    const chosen = desk.chosen.key === key;
    const rings = ringsOf(thing);
    const shaped = Boolean(thing.outline);
    if (!(shaped ? desk.layers.masks : desk.layers.points) && !chosen) return;
    context.beginPath();
    for (const ring of rings) this.path(ring);
    if (shaped && desk.layers.masks) {
      context.fillStyle = `${thing.colour}2e`;
      context.fill("evenodd");
    }
    context.lineJoin = "round";
    if (chosen) {
      context.strokeStyle = "#0008";
      context.lineWidth = 4;
      context.stroke();
    }
    context.strokeStyle = chosen ? "#ffffff" : `${thing.colour}b8`;
    context.lineWidth = chosen ? 1.8 : 1.2;
    context.setLineDash(thing.flags.length && !chosen ? [5, 3] : []);
    context.stroke();
    context.setLineDash([]);
    if (!rings.length && !thing.landmarks) this.drawBox(thing);
    if (chosen && desk.tool === "select") this.drawGrip(thing);
    if (chosen && shaped) this.drawCorners(key);
  }

  drawBox({ box: [left, top, right, bottom] }) {
    this.context.beginPath();
    this.path([[left, top], [right, top], [right, bottom], [left, bottom]]);
    this.context.stroke();
  }

  /** Where the whole is taken hold of. */
  drawGrip(thing) {
    const { context } = this;
    const [x, y] = this.at(middle(thing));
    for (const [colour, width] of [["#000a", 4], ["#ffffff", 1.6]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + 2 * dx, y + 2 * dy);
        context.lineTo(x + 8 * dx, y + 8 * dy);
      }
      context.stroke();
    }
  }

  drawCorners(key) {
    const { context, desk } = this;
    for (const corner of desk.cornersOf(key)) {
      const [x, y] = this.at(corner);
      context.beginPath();
      context.moveTo(x, y - 6);
      context.lineTo(x + 6, y);
      context.lineTo(x, y + 6);
      context.lineTo(x - 6, y);
      context.closePath();
      context.fillStyle = "#000a";
      context.fill();
      context.strokeStyle = POINT;
      context.lineWidth = 1.6;
      context.stroke();
    }
  }

  drawPoints(key, thing) {
    if (!thing.landmarks) return;
    const { context, desk } = this;
    const chosen = desk.chosen.key === key;
    const single = thing.landmarks.length > 4;
    thing.landmarks.forEach((point, index) => {
      if (!point.xy) return;
      const [x, y] = this.at(point.xy);
      const one = chosen && desk.chosen.point === index;
      if (desk.layers.spread && point.spread) this.drawSpread(x, y, point.spread);
      if (desk.dragging && one) return; // the loupe shows it, and nothing may hide what is aimed at
      const radius = one ? 6 : chosen || single ? 4.2 : 2.6;
      context.beginPath();
      context.arc(x, y, radius, 0, 7);
      context.lineWidth = 3.4;
      context.strokeStyle = "#0009";
      context.stroke();
      context.setLineDash(point.visibility === 1 ? [2, 2] : []);
      context.lineWidth = one ? 2 : 1.5;
      context.strokeStyle = one ? "#ffffff" : point.visibility === 1 ? HIDDEN : POINT;
      context.stroke();
      context.setLineDash([]);
      if (desk.layers.names && (single || chosen)) this.text(point.name, x + radius + 4, y - radius - 3, 11, point.visibility === 1 ? HIDDEN : "#EFFFF9", one);
    });
  }

  /** The 95 % ellipse of where a point may be. */
  drawSpread(x, y, [sx, sy]) {
    const { context, desk } = this;
    const scale = desk.viewer.scale, wide = 2.45 * sx * scale, high = 2.45 * sy * scale * desk.viewer.aspect;
    if (Math.max(wide, high) < 3) return;
    context.beginPath();
    context.ellipse(x, y, wide, high, 0, 0, 7);
    context.fillStyle = "#5cf2c81c";
    context.fill();
    context.strokeStyle = "#5cf2c855";
    context.lineWidth = 1;
    context.stroke();
  }

  drawName(key, thing, count) {
    const rings = ringsOf(thing);
    if (!this.desk.film.schema.levels.length && count < 2) return;
    const [left, top, right, bottom] = boxOf(thing);
    const [x, y] = this.at([rings.length ? left : (left + right) / 2, (top + bottom) / 2]);
    const words = thing.flags.length ? `${thing.label} ?` : thing.label;
    const size = this.desk.chosen.key === key ? 15 : 12;
    this.context.font = `600 ${size}px ${FONT}`;
    this.text(words, x - this.context.measureText(words).width - 9, y + size / 3, size, thing.flags.length ? "#ffcf7a" : thing.colour, true);
  }

  drawCalipers(calipers) {
    const { context, desk } = this;
    for (const one of [...calipers].reverse()) {
      const { colour, width } = RANKS[one.rank];
      for (const [line, shade] of [[width + 2.4, "#0007"], [width, colour]]) {
        context.beginPath();
        for (const segment of one.segments) this.path(segment, false);
        context.lineWidth = line;
        context.strokeStyle = shade;
        context.setLineDash(one.doubtful && shade === colour ? [9, 5] : []);
        context.stroke();
      }
      context.setLineDash([]);
    }
    for (const one of calipers) if (one.label) this.drawValue(one, desk.film.live);
  }

  drawValue(one, live) {
    const { colour, size } = RANKS[one.rank];
    const [x, y] = this.beside(this.at(one.anchor));
    const words = live ? one.label.split("\n")[0] : one.label;
    const width = this.width(words, size, true);
    let left = Math.min(Math.max(6, x + 14), this.canvas.clientWidth - width - 8), top = y;
    while (this.taken.some((box) => left < box[2] && left + width > box[0] && top - size < box[3] && top > box[1])) top += 4;
    this.taken.push([left, top - size, left + width, top + 2]);
    this.text(words, left, top, size, colour, true);
    one.below.forEach((row, place) => {
      const beneath = top + (place + 1) * 14;
      this.taken.push([left, beneath - 12, left + this.width(row, 11, false), beneath + 2]);
      this.text(row, left, beneath, 11, "#e8d9b0");
    });
  }

  /** A place for a value: along a spine to the right of the bodies at that height, so that it hides none. */
  beside([x, y]) {
    const { film } = this.desk;
    if (!film.schema.levels.length) return [x, y];
    const near = film.keys().map((key) => boxOf(film.things[key])).filter(([, top, , bottom]) => {
      const high = this.at([0, top])[1], low = this.at([0, bottom])[1];
      return low > y - 30 && high < y + 36;
    });
    return [Math.max(x, ...near.map((box) => this.at([box[2], 0])[0])), y];
  }

  drawPinned(result) {
    if (!result?.lines) return;
    const { context } = this;
    context.beginPath();
    for (const line of result.lines) this.path(line, false);
    context.lineWidth = 4.5;
    context.strokeStyle = "#0009";
    context.stroke();
    context.lineWidth = 2.2;
    context.strokeStyle = "#ffffff";
    context.stroke();
    for (const point of result.points) {
      const [x, y] = this.at(point);
      context.beginPath();
      context.arc(x, y, 3, 0, 7);
      context.fillStyle = "#fff";
      context.fill();
    }
  }

  drawRaster(film, viewer) {
    if (this.raster.of !== film.told.raster) this.raster = { of: film.told.raster, canvas: tinted(film) };
    const [x, y] = viewer.toScreen([-0.5, -0.5]);
    this.context.imageSmoothingEnabled = viewer.scale < 3;
    this.context.drawImage(this.raster.canvas, x, y, film.told.width * viewer.scale, film.told.height * viewer.scale * viewer.aspect);
  }

  /** The ruler, the brush, the loupe. */
  drawTool() {
    const { context, desk } = this;
    if (desk.ruler) {
      const [start, end] = [this.at(desk.ruler.start), this.at(desk.ruler.end)];
      for (const [width, colour] of [[4, "#000a"], [1.8, "#ffffff"]]) {
        context.beginPath();
        context.moveTo(...start);
        context.lineTo(...end);
        context.lineWidth = width;
        context.strokeStyle = colour;
        context.stroke();
      }
      for (const [x, y] of [start, end]) {
        context.beginPath();
        context.arc(x, y, 4, 0, 7);
        context.stroke();
      }
      this.text(desk.rulerWords(), (start[0] + end[0]) / 2 + 10, (start[1] + end[1]) / 2 - 8, 15, "#ffffff", true);
    }
    if ((desk.tool === "brush" || desk.tool === "erase") && desk.pointer) {
      const radius = desk.brush;
      if (desk.stroke) {
        context.beginPath();
        this.path(desk.stroke, false);
        context.lineCap = context.lineJoin = "round";
        context.lineWidth = 2 * radius;
        context.strokeStyle = desk.tool === "brush" ? "#5cf2c855" : "#ff9aa855";
        context.stroke();
        context.lineCap = "butt";
      }
      context.beginPath();
      context.arc(...desk.pointer, radius, 0, 7);
      context.lineWidth = 1.4;
      context.strokeStyle = desk.tool === "brush" ? POINT : "#ff9aa8";
      context.stroke();
    }
    if (desk.dragging?.at) desk.viewer.loupe(context, desk.dragging.at);
  }

  width(words, size, bold) {
    this.context.font = `${bold ? 650 : 400} ${size}px ${FONT}`;
    return this.context.measureText(words).width;
  }

  text(words, x, y, size, colour, bold = false) {
    const { context } = this;
    context.font = `${bold ? 650 : 400} ${size}px ${FONT}`;
    context.lineJoin = "round";
    context.lineWidth = 3.4;
    context.strokeStyle = "#000c";
    context.strokeText(words, x, y);
    context.fillStyle = colour;
    context.fillText(words, x, y);
  }
}

/** A class for every pixel as a picture of the last class's pixels. */
function tinted(film) {
  const { width, height, raster } = film.told;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const out = new Uint32Array(image.data.buffer);
  const { runs } = raster;
  for (let i = 0, place = 0; i < runs.length; i += 2) {
    if (runs[i]) out.fill(0x66c8f25c, place, place + runs[i + 1]);
    place += runs[i + 1];
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
