/** What can be done with the film that is open; pointer, keyboard and buttons all come here. */

import { Conflict, Refused } from "./api.js";
import { dialog, el } from "./dom.js";
import { KEYS } from "./keys.js";
import { LAYERS } from "./marks.js";
import { boxOf, moved, proposed, withPoint } from "./shapes.js";
import { t } from "./words.js";

export class Desk {
  /** @param {(what: string, told?: any) => void} heard */
  constructor(heard) {
    this.heard = heard;
    /** @type {import("./film.js").Film | null} */
    this.film = null;
    /** @type {import("./viewer.js").Viewer} */
    this.viewer = null;
    this.chosen = { key: null, point: null };
    this.pinned = new Set();
    this.layers = Object.fromEntries(LAYERS.map((name) => [name, true]));
    this.tool = "select";
    this.brush = 14; // radius on the screen
    this.pointer = null;
    this.stroke = null;
    this.ruler = null;
    this.dragging = null;
    this.spaceDown = false;
  }

  /** Corners fitted to a mask, as the engine has them. */
  cornersOf(key) {
    const place = this.film.resultKeys?.indexOf(key) ?? -1;
    return (place >= 0 && this.film.results.corners[place]) || [];
  }

  choose(key, point) {
    this.chosen = { key, point };
    this.heard("chosen");
    this.viewer.redraw();
  }

  /** A point out of the list: one that is absent is put down by the next click. */
  choosePoint(key, index) {
    this.choose(key, index);
    const absent = !this.film.things[key].landmarks[index].xy;
    this.use(absent ? "place" : "select");
    if (absent) this.say("place_point", { name: this.film.things[key].landmarks[index].name });
  }

  put(at) {
    const { key, point } = this.chosen;
    const thing = this.film?.things[key];
    if (!thing?.landmarks || point === null) return this.use("select");
    this.film.draft(key, withPoint(thing, point, at, 2));
    this.film.keep(`place ${thing.label} ${thing.landmarks[point].name}`);
    const next = this.film.things[key].landmarks.findIndex((one) => !one.xy);
    if (next >= 0) return this.choosePoint(key, next);
    return this.use("select");
  }

  nextThing(by) {
    const keys = this.film?.keys() ?? [];
    if (!keys.length) return;
    const place = keys.indexOf(this.chosen.key);
    this.choose(keys[place < 0 ? (by > 0 ? 0 : keys.length - 1) : (place + by + keys.length) % keys.length], null);
  }

  nextPoint(by) {
    if (!this.film?.things[this.chosen.key]) this.nextThing(1);
    const points = this.film?.things[this.chosen.key]?.landmarks;
    if (!points) return;
    const count = points.length;
    let place = this.chosen.point ?? (by > 0 ? -1 : count);
    for (let tried = 0; tried < count; tried++) {
      place = (place + by + count) % count;
      if (points[place].xy) break;
    }
    this.choose(this.chosen.key, place);
  }

  /** Moves the chosen point, or the whole thing; kept when the key is let go. */
  nudge(dx, dy) {
    const { key, point } = this.chosen;
    const thing = this.film?.things[key];
    if (!thing) return this.viewer.pan(-40 * Math.sign(dx), -40 * Math.sign(dy));
    const at = point === null ? null : thing.landmarks?.[point]?.xy;
    this.film.draft(key, at ? withPoint(thing, point, [at[0] + dx, at[1] + dy]) : moved(thing, dx, dy));
    this.nudging = at ? `move ${thing.label} ${thing.landmarks[point].name}` : `move ${thing.label}`;
    this.viewer.redraw();
  }

  nudged() {
    if (this.nudging) this.film?.keep(this.nudging);
    this.nudging = null;
  }

  hidePoint() {
    const { key, point } = this.chosen;
    const thing = this.film?.things[key];
    const one = point === null ? null : thing?.landmarks?.[point];
    if (!one?.xy) return this.say("choose_point");
    this.film.draft(key, withPoint(thing, point, one.xy, one.visibility === 1 ? 2 : 1));
    this.film.keep(`${one.visibility === 1 ? "show" : "hide"} ${thing.label} ${one.name}`);
  }

  remove(key) {
    const { key: chosen, point } = this.chosen;
    const thing = this.film.things[key];
    const placed = thing.landmarks?.filter((one) => one.xy).length ?? 0;
    if (key === chosen && point !== null && !this.film.schema.levels.length && placed > 1 && thing.landmarks[point].xy) {
      this.film.draft(key, withPoint(thing, point, null)); // of a single thing with many points the point goes
      this.film.keep(`delete ${thing.landmarks[point].name}`);
      return;
    }
    this.film.draft(key, null);
    this.film.keep(`delete ${thing.label}`);
    this.choose(null, null);
  }

  async add() {
    const { film } = this;
    if (!film || film.told.raster) return;
    const labels = film.schema.labels, there = new Set(film.keys().map((key) => film.things[key].label));
    const free = film.schema.levels.length ? labels.filter((label) => !there.has(label)) : labels;
    let label = free[0] ?? labels[0];
    if (labels.length > 1) {
      const list = el("select", { aria: { label: t("name") } }, ...(free.length ? free : labels).map((one) => el("option", { value: one, textContent: one })));
      label = (await dialog(t("add_what"), [list], [{ words: t("cancel"), value: false }, { words: t("add"), value: true, main: true }])) ? list.value : null;
    }
    if (!label || film !== this.film) return;
    const seen = this.viewer.toFilm([this.viewer.width / 2, this.viewer.height / 2]);
    const key = `n${Date.now().toString(36)}${Math.floor(Math.random() * 1e6).toString(36)}`;
    const thing = proposed(film, label, seen, Math.max(8, film.told.height / 18));
    if (thing.landmarks?.every((point) => !point.xy)) {
      // Points without a shape that could be proposed are put down one by one.
      film.things[key] = { ...thing, author: "human" };
      this.choosePoint(key, 0);
      return;
    }
    film.draft(key, thing);
    film.keep(`add ${label}`);
    this.choose(key, null);
  }

  askName() {
    const list = document.getElementById("label");
    if (!list) return this.say("choose_thing");
    list.focus();
    list.showPicker?.();
  }

  /** Another name; along a spine the others may move with it. */
  async rename(key, label) {
    const { film } = this;
    const thing = film.things[key], levels = film.schema.levels;
    const by = levels.indexOf(label) - levels.indexOf(thing.label);
    const was = levels.indexOf(thing.label);
    let keys = [key];
    const ranked = film.keys().filter((one) => levels.includes(film.things[one].label));
    if (was >= 0 && by && levels.includes(label) && ranked.length > 1) {
      const rank = (one) => levels.indexOf(film.things[one].label);
      const fits = (list) => list.every((one) => levels[rank(one) + by] !== undefined);
      const below = ranked.filter((one) => rank(one) >= was), above = ranked.filter((one) => rank(one) <= was);
      const answers = [
        { words: t("cancel"), value: null },
        { words: t("shift_one", { label }), value: [key], main: true },
        ...(above.length > 1 && fits(above) ? [{ words: t("shift_above"), value: above }] : []),
        ...(below.length > 1 && fits(below) ? [{ words: t("shift_below"), value: below }] : []),
        ...(fits(ranked) ? [{ words: t("shift_all"), value: ranked }] : []),
      ];
      keys = await dialog(t("shift_title", { old: thing.label, label }), [el("p", { textContent: t("shift_why") })], answers);
    }
    if (keys && film === this.film) {
      const names = new Map(keys.map((one) => [one, one === key ? label : levels[levels.indexOf(film.things[one].label) + by]]));
      for (const [one, name] of names) film.draft(one, { ...film.things[one], label: name });
      await film.keep(keys.length > 1 ? `shift ${keys.length} levels by ${by}` : `rename ${thing.label} to ${label}`);
    }
    this.heard("chosen");
  }

  judge(status) {
    if (!this.film) return;
    this.film.keep("edit");
    const again = this.film.told.status === status;
    this.film.save(again ? "reopen" : status, { status: again ? "open" : status });
    if (!again) this.heard("judged", status);
  }

  turn(way) {
    this.nudging = null;
    this.film?.turn(way);
  }

  comment(words) {
    if (words !== this.film.told.comment) this.film.save("comment", { comment: words });
  }

  use(tool) {
    this.tool = tool;
    if (tool !== "ruler") this.ruler = null;
    this.heard("tool");
    this.viewer.redraw();
  }

  letGo() {
    if (this.film && this.dragging) this.film.drop();
    this.dragging = null;
    this.stroke = null;
    if (this.tool !== "select") this.use("select");
    else if (this.chosen.point !== null) this.choose(this.chosen.key, null);
    else this.choose(null, null);
  }

  toggle(place) {
    const name = LAYERS[place];
    this.layers[name] = !this.layers[name];
    this.heard("layers");
    this.viewer.redraw();
  }

  hideAll() {
    const any = LAYERS.some((name) => this.layers[name]);
    for (const name of LAYERS) this.layers[name] = !any;
    this.heard("layers");
    this.viewer.redraw();
  }

  pin(name) {
    if (!this.pinned.delete(name)) this.pinned.add(name);
    this.heard("measured");
    this.viewer.redraw();
  }

  look(key) { this.viewer.frame(boxOf(this.film.things[key])); }
  resizeBrush(factor) { this.brush = Math.max(2, Math.min(200, this.brush * factor)); this.viewer.redraw(); }
  invert() { this.viewer.invert(); this.heard("window"); }
  resetWindow() { this.viewer.resetWindow(); this.heard("window"); }
  stepWindow(by) { this.viewer.shiftWindow(by * 20, 0); this.heard("window"); }
  hovered(at) { this.heard("hovered", at); }
  go(by) { this.heard("go", by); }
  search() { this.heard("search"); }

  rulerWords() {
    const { start, end } = this.ruler;
    const { spacing, aspect } = this.film.told;
    const dx = end[0] - start[0], dy = end[1] - start[1];
    return spacing ? `${Math.hypot(dx * spacing.col_mm, dy * spacing.row_mm).toFixed(1)} mm` : `${Math.hypot(dx, dy * aspect).toFixed(1)} px`;
  }

  /** The ruler is drawn: it measures, and where its true length is known it calibrates the film. */
  async ruled() {
    const { film, ruler } = this;
    const [a, b] = [this.viewer.toScreen(ruler.start), this.viewer.toScreen(ruler.end)];
    if (Math.hypot(a[0] - b[0], a[1] - b[1]) < 8) { this.ruler = null; return; }
    const length = el("input", { type: "number", min: "0.1", max: "9999", step: "any", id: "length", placeholder: t("ruler_hint"), aria: { label: t("ruler_length") } });
    const answers = [{ words: t("close"), value: "close" }, ...(film.told.calibrated ? [{ words: t("ruler_back"), value: "back" }] : []), { words: t("ruler_calibrate"), value: "set", main: true }];
    const given = await dialog(`${t("ruler")}: ${this.rulerWords()}`, [el("p", { textContent: t("ruler_why") }), length], answers);
    if (film !== this.film) return;
    if (given === "back") film.save("calibration taken back", { ruler: null });
    if (given === "set" && Number(length.value) > 0) film.save("calibrate", { ruler: { start: ruler.start, end: ruler.end, length_mm: Number(length.value) } });
  }

  help() {
    const list = el("ul", { className: "keys" }, ...KEYS.map(([key, what]) => el("li", {}, el("span", { textContent: t(`key_${what}`) }), el("kbd", { textContent: key }))));
    dialog(t("keys"), [list, el("p", { className: "faint", textContent: t("mouse_help") })], [{ words: t("close"), value: null, main: true }]);
  }

  say(key, values) { this.heard("say", t(key, values)); }

  failed(error) {
    if (error instanceof Conflict) this.heard("conflict");
    else this.heard("fault", error instanceof Refused && error.message ? error.message : t("unreachable"));
  }
}
