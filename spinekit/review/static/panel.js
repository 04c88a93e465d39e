/** Beside the film: what is said of it, what was measured, what is on it. */

import { el } from "./dom.js";
import { t } from "./words.js";

export class Panel {
  /** @param {HTMLElement} root @param {any} desk */
  constructor(root, desk) {
    this.root = root;
    this.desk = desk;
    this.verdict = el("div", { className: "verdict" });
    this.head = el("section");
    this.results = el("section");
    this.things = el("section");
    this.remarks = el("section");
    this.facts = el("section");
    root.append(this.head, this.verdict, this.results, this.things, this.remarks, this.facts);
  }

  draw() {
    const { film } = this.desk;
    this.root.hidden = !film;
    if (!film) return;
    this.drawHead(film);
    this.drawVerdict(film);
    this.drawResults();
    this.drawThings();
    this.drawRemarks(film);
    this.drawFacts(film);
  }

  drawHead(film) {
    const { told } = film;
    const doubts = [...told.notes, ...film.keys().flatMap((key) => film.things[key].flags.map((flag) => `${film.things[key].label}: ${flag}`))];
    const said = told.refusal ? [told.refusal] : doubts;
    const shown = said.slice(0, 5);
    if (said.length > shown.length) shown.push(t("more_doubts", { count: said.length - shown.length }));
    this.head.replaceChildren(
      el("h2", { textContent: told.name, dir: "auto" }),
      ...(said.length ? [el("ul", { className: told.refusal ? "doubts refusal" : "doubts" }, ...shown.map((words) => el("li", { textContent: words, dir: "auto" })))] : []));
  }

  drawVerdict(film) {
    const { desk } = this;
    const { status, undo, redo } = film.told;
    const button = (kind, words, key, act, extra = {}) => el("button", { type: "button", className: kind, title: `${words} (${key})`, on: { click: act }, ...extra }, words, " ", el("kbd", { textContent: key }));
    this.verdict.replaceChildren(
      button("accept", t("accept"), "A", () => desk.judge("accepted"), { id: "accept", aria: { pressed: status === "accepted" } }),
      button("reject", t("reject"), "X", () => desk.judge("rejected"), { id: "reject", aria: { pressed: status === "rejected" } }),
      button("undo", t("undo"), "Z", () => desk.turn("undo"), { id: "undo", disabled: !undo && !film.changed.size }),
      button("redo", t("redo"), "Y", () => desk.turn("redo"), { id: "redo", disabled: !redo }));
  }

  drawResults() {
    const { desk } = this;
    const { film } = desk;
    const results = film.results.results;
    const measured = results.filter((one) => "value" in one), refused = results.filter((one) => "refused" in one);
    const first = new Set(film.results.calipers.map((one) => one.name));
    const front = measured.filter((one) => first.has(one.name)), rest = measured.filter((one) => !first.has(one.name));
    const open = this.results.querySelector("details.rest")?.open ?? false, no = this.results.querySelector("details.no")?.open ?? false;
    const fold = (kind, title, rows, was) => rows.length ? [el("details", { className: kind, open: was }, el("summary", { className: "faint", textContent: `${title} (${rows.length})` }), this.table(rows))] : [];
    const main = front.length ? front : rest.splice(0, 12);
    this.results.replaceChildren(
      el("h3", { textContent: t("measurements") }),
      ...(main.length ? [this.table(main)] : refused.length ? [] : [el("p", { className: "faint", textContent: t("nothing_measured") })]),
      ...fold("rest", t("more_measurements"), rest, open),
      ...fold("no", t("not_measured"), refused, no || !measured.length));
  }

  table(results) {
    const { desk } = this;
    return el("table", { className: desk.film.live ? "results moving" : "results" }, el("tbody", {}, ...results.map((one) => this.row(one))));
  }

  row(one) {
    const { desk } = this;
    const named = el("td", { className: "named" }, el("bdi", { textContent: one.title || one.name.replaceAll("_", " ") }));
    const row = el("tr", { data: { name: one.name }, title: one.name, tabIndex: -1, className: desk.pinned.has(one.name) ? "shown" : "", on: { click: () => desk.pin(one.name) } }, named);
    if ("refused" in one) {
      row.append(el("td", { className: "refused" }, el("bdi", { textContent: one.refused })));
      return row;
    }
    if (one.review) named.append(el("span", { className: "why", textContent: one.review }));
    else if (one.grade) named.append(el("span", { className: "interval", textContent: one.grade }));
    row.append(el("td", { className: "value" }, one.text, one.interval ? el("span", { className: "interval", textContent: one.interval }) : null));
    return row;
  }

  drawThings() {
    const { desk } = this;
    const { film } = desk;
    const keys = film.keys();
    this.things.hidden = Boolean(film.told.raster);
    this.things.replaceChildren(
      el("h3", { textContent: t("things") }),
      el("div", { className: "chips" },
        ...keys.map((key) => this.chip(key, film.things[key])),
        ...(film.told.raster ? [] : [el("button", { type: "button", id: "add", textContent: `+ ${t("add")}`, on: { click: () => desk.add() } })])),
      ...(desk.chosen.key && film.things[desk.chosen.key] ? [this.thing(desk.chosen.key, film.things[desk.chosen.key])] : []));
  }

  chip(key, thing) {
    const { desk } = this;
    const dot = el("i");
    dot.style.background = thing.colour;
    return el("button", {
      type: "button", className: `${thing.flags.length ? "doubt " : ""}${thing.author}`, title: thing.flags.join("; "), data: { key },
      aria: { pressed: desk.chosen.key === key }, on: { click: () => desk.choose(desk.chosen.key === key ? null : key, null), dblclick: () => desk.look(key) },
    }, dot, thing.label);
  }

  thing(key, thing) {
    const { desk } = this;
    const labels = desk.film.schema.labels;
    const name = el("select", { id: "label", aria: { label: t("name") }, on: { change: (event) => desk.rename(key, event.target.value) } },
      ...[...new Set([...labels, thing.label])].map((label) => el("option", { value: label, textContent: label, selected: label === thing.label })));
    const parts = [el("div", { className: "line" }, name,
      el("button", { type: "button", id: "look", textContent: t("look_closer"), on: { click: () => desk.look(key) } }),
      el("button", { type: "button", id: "delete", textContent: t("delete"), on: { click: () => desk.remove(key) } }))];
    if (thing.landmarks) parts.push(this.points(key, thing));
    parts.push(el("small", { className: "faint", textContent: t(thing.author === "human" ? "by_person" : "by_model", { share: Math.round(thing.score * 100) }) }));
    return el("div", { className: "thing" }, ...parts);
  }

  points(key, thing) {
    const { desk } = this;
    return el("div", { className: "points" }, ...thing.landmarks.map((point, index) => el("button", {
      type: "button", textContent: point.name, title: desk.film.schema.landmarks.find((one) => one.name === point.name)?.definition ?? point.name,
      className: point.visibility === 0 ? "absent" : point.visibility === 1 ? "hidden-point" : "", aria: { pressed: desk.chosen.point === index },
      on: { click: () => desk.choosePoint(key, index) },
    })));
  }

  drawRemarks(film) {
    const { desk } = this;
    if (this.remarks.contains(document.activeElement)) return;
    const box = el("textarea", { id: "comment", rows: 2, maxLength: 2000, value: film.told.comment, placeholder: t("comment_hint"), aria: { label: t("comment") }, on: {
      change: (event) => desk.comment(event.target.value),
      keydown: (event) => { if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); event.target.blur(); } },
    } });
    this.remarks.replaceChildren(el("h3", { textContent: t("comment") }), box);
  }

  drawFacts(film) {
    const { told } = film;
    const facts = [
      [t("scale"), told.spacing ? `${told.spacing.row_mm.toPrecision(4)} × ${told.spacing.col_mm.toPrecision(4)} ${told.spacing.words}` : t("no_scale")],
      [t("size"), `${told.width} × ${told.height}`],
      [t("set"), told.schema],
      ...(told.model ? [[t("model"), told.model]] : []),
    ];
    this.facts.replaceChildren(el("dl", { className: "facts" }, ...facts.flatMap(([name, words]) => [el("dt", { textContent: name }), el("dd", { textContent: words })])));
  }
}
