/** The list of films: thousands of rows of which only those in sight exist. */

import { el } from "./dom.js";
import { n, t } from "./words.js";

const ROW = 52;
const SIGNS = ["refused", "unmeasured", "disagreement", "doubt", "wide", "review", "unsure"];
const GRAVE = new Set(["refused", "unmeasured", "disagreement"]);
export const FILTERS = ["all", "open", "accepted", "rejected", "mended", "doubtful"];

export class Queue {
  /** @param {{list: HTMLElement, space: HTMLElement, search: HTMLInputElement, filters: HTMLElement}} parts @param {(id: number) => void} open */
  constructor(parts, open) {
    this.parts = parts;
    this.open = open;
    this.rows = [];
    this.shown = [];
    this.current = -1;
    this.filter = "all";
    this.nodes = new Map();
    parts.list.addEventListener("scroll", () => this.wish());
    new ResizeObserver(() => this.wish()).observe(parts.list);
    parts.search.addEventListener("input", () => this.sift());
    parts.list.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) open(Number(row.dataset.id));
    });
  }

  take(rows) {
    this.rows = rows;
    this.byId = new Map(rows.map((row) => [row.id, row]));
    this.words();
  }

  /** All words anew, in another language. */
  words() {
    this.parts.search.placeholder = t("search");
    this.parts.search.setAttribute("aria-label", t("search"));
    this.parts.list.setAttribute("aria-label", t("films"));
    this.sift();
  }

  update(row) {
    Object.assign(this.byId.get(row.id) ?? {}, row);
    this.parts.filters.replaceChildren(...this.chips());
    this.nodes.get(row.id)?.remove();
    this.nodes.delete(row.id);
    this.wish();
  }

  count(filter) { return this.rows.filter((row) => passes(row, filter)).length; }

  chips() {
    return FILTERS.map((filter) => el("button", {
      type: "button", textContent: `${t(`filter_${filter}`)} ${this.count(filter)}`, aria: { pressed: this.filter === filter },
      on: { click: () => { this.filter = filter; this.sift(); } },
    }));
  }

  sift() {
    const wanted = this.parts.search.value.trim().toLowerCase();
    this.shown = this.rows.filter((row) => passes(row, this.filter) && (!wanted || row.name.toLowerCase().includes(wanted)));
    this.places = new Map(this.shown.map((row, place) => [row.id, place]));
    this.parts.space.style.height = `${this.shown.length * ROW}px`;
    this.parts.filters.replaceChildren(...this.chips());
    for (const node of this.nodes.values()) node.remove();
    this.nodes.clear();
    this.draw();
  }

  wish() {
    this.wished ??= requestAnimationFrame(() => { this.wished = undefined; this.draw(); });
  }

  draw() {
    const { list } = this.parts;
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
    const last = Math.min(this.shown.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 4);
    const wanted = new Set();
    for (let place = first; place < last; place++) {
      const row = this.shown[place];
      wanted.add(row.id);
      if (!this.nodes.has(row.id)) {
        const node = this.node(row, place);
        this.nodes.set(row.id, node);
        list.append(node);
      }
    }
    for (const [id, node] of this.nodes) if (!wanted.has(id)) { node.remove(); this.nodes.delete(id); }
    for (const [id, node] of this.nodes) node.setAttribute("aria-selected", String(id === this.current));
  }

  node(row, place) {
    const node = el("div", { className: "row", role: "option", data: { id: row.id }, title: row.name },
      el("span", { className: `state ${look(row)}`, textContent: MARK[look(row)], title: t(`status_${look(row)}`) }),
      el("span", { className: "name", textContent: row.name, dir: "auto" }),
      el("span", { className: "why" }, ...signs(row)));
    node.style.transform = `translateY(${place * ROW}px)`;
    node.style.top = "0";
    return node;
  }

  select(id) {
    this.current = id;
    const place = this.places?.get(id);
    const { list } = this.parts;
    if (place !== undefined) {
      const top = place * ROW;
      if (top < list.scrollTop) list.scrollTop = top;
      else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
    }
    this.draw();
  }

  /** The film so many places on, of those that are shown; with `open` the next that nobody has judged. */
  step(by, open = false) {
    const place = this.places.get(this.current) ?? -1;
    if (!open) return this.shown[Math.max(0, Math.min(this.shown.length - 1, place + by))]?.id;
    const rest = [...this.shown.slice(place + 1), ...this.shown.slice(0, Math.max(place, 0))];
    return rest.find((row) => row.status === "open")?.id;
  }
}

const MARK = { open: "○", accepted: "✓", rejected: "✕", mended: "✎" };
const look = (row) => (row.status === "open" && row.mended ? "mended" : row.status);

function passes(row, filter) {
  if (filter === "all") return true;
  if (filter === "mended") return row.mended;
  if (filter === "doubtful") return Object.keys(row.signs).length > 0;
  return row.status === filter;
}

function signs(row) {
  const found = SIGNS.filter((sign) => row.signs[sign]).slice(0, 3);
  const parts = found.map((sign) => {
    const value = Math.round(row.signs[sign]);
    const words = ["disagreement", "doubt", "review"].includes(sign) ? n(`sign_${sign}`, value) : t(`sign_${sign}`, { value: sign === "unsure" ? 100 - value : value });
    return el("span", { className: GRAVE.has(sign) ? "grave" : "some", textContent: words });
  });
  if (!row.there) parts.unshift(el("span", { className: "grave", textContent: t("not_there") }));
  return parts.flatMap((part, place) => (place ? [" · ", part] : [part]));
}
