/** What pointer and wheel do on the film. */

import { ask } from "./api.js";
import { boxOf, inside, middle, moved, nearestBorder, pulled, ringsOf, withPoint } from "./shapes.js";

const NEAR = { mouse: 11, pen: 14, touch: 24 };

export class Tools {
  /** @param {HTMLCanvasElement} canvas @param {any} desk */
  constructor(canvas, desk) {
    this.canvas = canvas;
    this.desk = desk;
    this.fingers = new Map();
    this.act = null;
    const on = (name, heard) => canvas.addEventListener(name, heard);
    on("pointerdown", (event) => this.down(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.up(event));
    on("pointercancel", (event) => this.up(event, true));
    on("pointerleave", () => { if (!this.act) { desk.pointer = null; desk.viewer.redraw(); } });
    on("contextmenu", (event) => event.preventDefault());
    on("dblclick", (event) => { if (desk.tool === "select" && !this.hit(this.place(event), 11)) desk.viewer.fit(); });
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  place(event) { return [event.offsetX, event.offsetY]; }

  wheel(event) {
    event.preventDefault();
    const { desk } = this;
    if (event.altKey && (desk.tool === "brush" || desk.tool === "erase")) {
      desk.brush = Math.max(2, Math.min(200, desk.brush * (event.deltaY < 0 ? 1.12 : 0.89)));
      desk.viewer.redraw();
      return;
    }
    const step = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
    desk.viewer.zoom(Math.exp(-step * 0.0016), this.place(event));
  }

  down(event) {
    const { desk, canvas } = this;
    if (!desk.film || !desk.viewer.picture) return;
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    const at = this.place(event);
    this.fingers.set(event.pointerId, at);
    if (this.fingers.size === 2) {
      this.abandon();
      this.act = { kind: "pinch" };
      return;
    }
    this.begun = at;
    this.last = at;
    if (event.button === 2 || desk.tool === "window") this.act = { kind: "window" };
    else if (event.button === 1 || desk.spaceDown || desk.tool === "pan") this.act = { kind: "pan" };
    else if (desk.tool === "ruler") this.beginRuler(at);
    else if (desk.tool === "brush" || desk.tool === "erase") this.beginStroke(at);
    else if (desk.tool === "place") desk.put(desk.viewer.toFilm(at));
    else this.beginSelect(at, NEAR[event.pointerType] ?? 11);
    desk.viewer.redraw();
  }

  beginSelect(at, near) {
    const { desk } = this;
    const hit = this.hit(at, near);
    if (!hit) {
      this.act = { kind: "pan", still: true };
      return;
    }
    desk.choose(hit.key, hit.point ?? null);
    if (hit.kind === "body") {
      this.act = { kind: "pan", still: true, body: true };
      return;
    }
    const thing = desk.film.things[hit.key];
    const from = desk.viewer.toFilm(at);
    this.act = { kind: "drag", hit, thing, from, off: [hit.at[0] - from[0], hit.at[1] - from[1]] };
  }

  beginRuler(at) {
    const { desk } = this;
    const start = desk.viewer.toFilm(at);
    desk.ruler = { start, end: start };
    this.act = { kind: "ruler" };
  }

  beginStroke(at) {
    const { desk } = this;
    const pixels = Boolean(desk.film.told.raster);
    if (!pixels && !desk.chosen.key) desk.choose(this.hit(at, 11)?.key ?? null, null);
    if (!pixels && (!desk.chosen.key || !desk.film.things[desk.chosen.key]?.outline)) {
      desk.say("choose_shape");
      return;
    }
    desk.stroke = [desk.viewer.toFilm(at)];
    this.act = { kind: "stroke" };
  }

  move(event) {
    const { desk } = this;
    const at = this.place(event);
    desk.pointer = at;
    if (this.fingers.has(event.pointerId)) {
      if (this.act?.kind === "pinch") this.pinch(event.pointerId, at);
      this.fingers.set(event.pointerId, at);
    }
    const dx = at[0] - (this.last?.[0] ?? at[0]), dy = at[1] - (this.last?.[1] ?? at[1]);
    this.last = at;
    const { act } = this;
    if (!act) {
      this.canvas.style.cursor = this.cursor(at);
      desk.hovered(at);
      if (desk.tool === "brush" || desk.tool === "erase") desk.viewer.redraw();
      return;
    }
    if (act.kind === "window") { desk.viewer.shiftWindow(dx, dy); desk.hovered(at); }
    else if (act.kind === "pan") { act.still &&= Math.hypot(at[0] - this.begun[0], at[1] - this.begun[1]) < 4; if (!act.still) desk.viewer.pan(dx, dy); }
    else if (act.kind === "ruler") { desk.ruler.end = desk.viewer.toFilm(at); desk.viewer.redraw(); }
    else if (act.kind === "stroke") { desk.stroke.push(desk.viewer.toFilm(at)); desk.viewer.redraw(); }
    else if (act.kind === "drag") this.drag(at);
  }

  drag(at) {
    const { desk, act } = this;
    if (!act.moved && Math.hypot(at[0] - this.begun[0], at[1] - this.begun[1]) < 2) return;
    act.moved = true;
    const there = desk.viewer.toFilm(at);
    const to = [there[0] + act.off[0], there[1] + act.off[1]];
    const { hit, thing } = act;
    desk.dragging = { at: hit.kind === "grip" ? null : to };
    if (hit.kind === "point") desk.film.draft(hit.key, withPoint(thing, hit.point, to));
    else if (hit.kind === "grip") desk.film.draft(hit.key, moved(thing, to[0] - hit.at[0], to[1] - hit.at[1]));
    else desk.film.draft(hit.key, pulled(thing, hit.at, to));
    desk.viewer.redraw();
  }

  up(event, cancelled = false) {
    const { desk, act } = this;
    this.fingers.delete(event.pointerId);
    if (!act) return;
    if (act.kind === "pinch") { if (!this.fingers.size) this.act = null; return; }
    this.act = null;
    desk.dragging = null;
    if (act.kind === "drag" && act.moved) {
      if (cancelled) desk.film.drop();
      else desk.film.keep(this.words(act));
    } else if (act.kind === "pan" && act.still && !act.body) desk.choose(null, null);
    else if (act.kind === "stroke") this.paint();
    else if (act.kind === "ruler") desk.ruled();
    desk.viewer.redraw();
  }

  abandon() {
    const { desk } = this;
    if (this.act?.kind === "drag") desk.film.drop();
    desk.dragging = null;
    desk.stroke = null;
    this.act = null;
  }

  words({ hit, thing }) {
    if (hit.kind === "point") return `move ${thing.label} ${thing.landmarks[hit.point].name}`;
    return hit.kind === "grip" ? `move ${thing.label}` : `reshape ${thing.label}`;
  }

  /** What is painted on a class for every pixel is kept as the stroke itself. */
  async paintPixels() {
    const { desk } = this;
    const { film, stroke, tool, brush, viewer } = desk;
    const key = `s${Date.now().toString(36)}${Math.floor(Math.random() * 1e6).toString(36)}`;
    await film.save(tool, { strokes: { [key]: { stroke: thinned(stroke, 0.5), radius: Math.max(0.5, brush / viewer.scale), adds: tool === "brush" } } });
    desk.stroke = null;
    viewer.redraw();
  }

  async paint() {
    const { desk } = this;
    if (desk.film.told.raster) return this.paintPixels();
    const { film, stroke, tool, brush, viewer } = desk;
    const key = desk.chosen.key, thing = film.things[key];
    const body = { instance: { label: thing.label, box: thing.box, outline: thing.outline, landmarks: null }, stroke: thinned(stroke, 0.5), radius: Math.max(0.5, brush / viewer.scale), adds: tool === "brush" };
    try {
      const { outline } = await ask(`/api/films/${film.id}/brush`, body);
      if (outline) {
        film.draft(key, { ...thing, outline });
        film.keep(`${tool} ${thing.label}`);
      } else desk.say("nothing_left");
    } catch (error) {
      desk.failed(error);
    }
    desk.stroke = null;
    viewer.redraw();
  }

  pinch(id, at) {
    const { desk, fingers } = this;
    const other = [...fingers.entries()].find(([one]) => one !== id)?.[1];
    const before = fingers.get(id);
    if (!other || !before) return;
    const far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
    desk.viewer.zoom(far(at, other) / Math.max(far(before, other), 1), [(at[0] + other[0]) / 2, (at[1] + other[1]) / 2]);
    desk.viewer.pan((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
  }

  cursor(at) {
    const { tool, spaceDown } = this.desk;
    if (spaceDown || tool === "pan") return "grab";
    if (tool === "window") return "ns-resize";
    if (tool === "brush" || tool === "erase") return "none";
    if (tool === "ruler" || tool === "place") return "crosshair";
    const kind = this.hit(at, 11)?.kind;
    return { point: "move", border: "move", corner: "move", grip: "move", body: "pointer" }[kind] ?? "default";
  }

  /** What lies under the pointer: a point before a border, a border before a body; the chosen thing before others. */
  hit(at, near) {
    const { desk } = this;
    const { film, viewer, layers, chosen } = desk;
    if (!film) return null;
    const keys = film.keys().sort((a, b) => Number(b === chosen.key) - Number(a === chosen.key));
    const far = (point) => { const [x, y] = viewer.toScreen(point); return Math.hypot(x - at[0], y - at[1]); };
    let best = { distance: near };
    if (layers.points) for (const key of keys) {
      (film.things[key].landmarks ?? []).forEach((point, index) => {
        const distance = point.xy ? far(point.xy) - (key === chosen.key ? 3 : 0) : Infinity;
        if (distance < best.distance) best = { kind: "point", key, point: index, at: point.xy, distance };
      });
    }
    if (best.kind) return best;
    const thing = film.things[chosen.key];
    if (thing) {
      if (far(middle(thing)) < near + 2) return { kind: "grip", key: chosen.key, at: middle(thing) };
      if (thing.outline) {
        for (const corner of desk.cornersOf(chosen.key)) if (far(corner) < near + 2) return { kind: "corner", key: chosen.key, at: corner };
        const border = nearestBorder(thing.outline, viewer.toFilm(at));
        if (far(border.at) < near * 0.7) return { kind: "border", key: chosen.key, at: border.at };
      }
    }
    const there = viewer.toFilm(at);
    const within = keys.filter((key) => ringsOf(film.things[key]).some((ring) => inside(ring, there)));
    const smallest = within.sort((a, b) => area(film.things[a]) - area(film.things[b]))[0];
    return smallest ? { kind: "body", key: smallest, at: there } : null;
  }
}

const area = (thing) => { const [left, top, right, bottom] = boxOf(thing); return (right - left) * (bottom - top); };

/** A way without the points that lie closer than a step. */
function thinned(way, step) {
  const kept = [way[0]];
  for (const point of way) if (Math.hypot(point[0] - kept.at(-1)[0], point[1] - kept.at(-1)[1]) >= step) kept.push(point);
  return kept.slice(0, 4000);
}
