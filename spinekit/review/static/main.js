/** Where the page begins: it brings queue, film, panel and keys together. */

import { ask, Conflict, login, Refused, send, takeToken } from "./api.js";
import { Desk } from "./desk.js";
import { byId, dialog, el, icon } from "./dom.js";
import { Film } from "./film.js";
import { listen } from "./keys.js";
import { LAYERS, Marks } from "./marks.js";
import { Panel } from "./panel.js";
import { fetchPicture } from "./picture.js";
import { Queue } from "./queue.js";
import { Tools } from "./tools.js";
import { Viewer } from "./viewer.js";
import { chooseLanguage, languageCode, loadWords, t } from "./words.js";

const TOOLS = {
  select: "M5 3l6 16 2.2-6.600L20 10z", pan: "M12 3v18M3 12h18M12 3l-2.500 3M12 3l2.500 3M3 12l3-2.500M3 12l3 2.500M21 12l-3-2.500M21 12l-3 2.500M12 21l-2.500-3M12 21l2.500-3",
  window: "M12 4a8 8 0 100 16zM12 4a8 8 0 010 16", ruler: "M3 16L16 3l5 5L8 21zM7 12l2 2M10 9l2 2M13 6l2 2", brush: "M14 4l6 6-8 8H6v-6zM4 21h9", erase: "M9 20l-5-5L14 5l6 6-9 9zM9 10l6 6",
};
const ACTS = { fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5", invert: "M12 3a9 9 0 100 18zM12 3a9 9 0 010 18M12 7h4M12 11h6M12 15h5", add: "M12 5v14M5 12h14" };

const desk = new Desk(heard);
let session, queue, panel, marks;
let opening = 0;

function heard(what, told) {
  if (what === "go") openFilm(queue.step(told));
  else if (what === "judged") judged(told);
  else if (what === "hovered") reading(told);
  else if (what === "window") reading(desk.pointer);
  else if (what === "tool" || what === "layers") drawTools();
  else if (what === "chosen") { panel.drawThings(); desk.viewer.redraw(); }
  else if (what === "say") banner(told, [], 3500);
  else if (what === "fault") banner(told, [], 0, true);
  else if (what === "search") { showQueue(true); byId("search").focus(); }
  else filmHeard(what);
}

function filmHeard(what) {
  const { film } = desk;
  if (what === "saving") saved(t("saving"));
  else if (what === "saved") {
    queue.update({ ...film.told.row });
    if (!film.waiting) saved(t("saved"));
    progress();
    panel.draw();
  } else if (what === "conflict") conflict();
  else if (what === "unsaved") unsaved();
  else if (what === "drafted" || what === "measured") { panel.drawResults(); }
  else if (what === "unmeasured") saved(t("unreachable"), true);
  else if (what === "taken") panel.draw();
  desk.viewer.redraw();
}

function saved(words, bad = false) {
  const place = byId("saved");
  place.textContent = words;
  place.classList.toggle("bad", bad);
}

let bannerTimer;
function banner(words, answers = [], lasts = 0, bad = false) {
  clearTimeout(bannerTimer);
  const box = byId("banner");
  const close = () => { box.hidden = true; };
  box.className = bad ? "bad" : "";
  box.replaceChildren(el("span", { textContent: words }), ...answers.map(({ words: label, act }) => el("button", { type: "button", textContent: label, on: { click: () => { close(); act(); } } })),
    ...(answers.length ? [] : [el("button", { type: "button", className: "icon", textContent: "✕", aria: { label: t("close") }, on: { click: close } })]));
  box.hidden = false;
  if (lasts) bannerTimer = setTimeout(close, lasts);
}

function conflict() {
  const { film } = desk;
  saved(t("not_saved"), true);
  banner(t("conflict"), [{ words: t("conflict_again"), act: () => film.refresh(true) }, { words: t("conflict_drop"), act: () => film.refresh(false) }], 0, true);
}

function unsaved() {
  const { film } = desk;
  saved(t("not_saved"), true);
  const refused = film.fault instanceof Refused && film.fault.status === 422;
  const words = film.fault instanceof Refused && film.fault.message ? film.fault.message : t("unreachable");
  banner(words, [...(refused ? [] : [{ words: t("try_again"), act: () => film.refresh(true).catch(unsaved) }]), { words: t("conflict_drop"), act: () => film.refresh(false).catch(unsaved) }], 0, true);
}

function progress() {
  const done = queue.rows.filter((row) => row.status !== "open").length;
  byId("done").max = Math.max(1, queue.rows.length);
  byId("done").value = done;
  byId("done-words").textContent = t("progress", { done, all: queue.rows.length });
}

function judged() {
  const next = queue.step(1, true);
  const film = desk.film;
  film.chain.then(() => {
    if (film.stranded.length || desk.film !== film) return;
    if (next !== undefined && next !== film.id) openFilm(next);
    else banner(t("all_done"), [], 4000);
  });
}

async function openFilm(id) {
  if (id === undefined || (desk.film?.id === id && !opening)) return;
  const mine = ++opening;
  desk.nudged();
  desk.film?.keep("edit");
  await desk.film?.chain; // what was done here is kept, or told, before the film goes out of sight
  if (mine !== opening) return;
  if (desk.film?.stranded.length) { opening = 0; return unsaved(); }
  queue.select(id);
  showQueue(false);
  history.replaceState(null, "", `#film=${id}`);
  byId("banner").hidden = true;
  const waiting = byId("waiting");
  const slow = setTimeout(() => { waiting.textContent = t("loading"); waiting.hidden = false; }, 250);
  const begun = performance.now();
  try {
    const [told, picture] = await Promise.all([ask(`/api/films/${id}?language=${languageCode()}`), fetchPicture(id).catch((error) => error)]);
    if (mine !== opening) return;
    const film = new Film(told, session.schemas[told.schema], heard);
    desk.film = film;
    desk.chosen = { key: null, point: null };
    desk.ruler = null;
    if (desk.tool === "place") desk.tool = "select";
    if (picture instanceof Error) { desk.viewer.clear(); banner(picture.message || t("unreachable"), [], 0, true); }
    else {
      desk.viewer.show(picture, told.aspect);
      if (!picture.facts.raw) banner(t("copy_shown"), [], 6000);
    }
    panel.draw();
    drawTools();
    reading(null);
    saved("");
    film.measure(false);
    requestAnimationFrame(() => setTimeout(() => { document.body.dataset.shown = String(id); document.body.dataset.took = String(Math.round(performance.now() - begun)); }));
    prefetch();
  } catch (error) {
    banner(error instanceof Refused && error.message ? error.message : t("unreachable"), [{ words: t("try_again"), act: () => { desk.film = null; openFilm(id); } }], 0, true);
  } finally {
    clearTimeout(slow);
    waiting.hidden = true;
    if (mine === opening) opening = 0;
  }
}

function prefetch() {
  const next = queue.step(1);
  if (next !== undefined && next !== desk.film.id && queue.byId.get(next).there) setTimeout(() => fetchPicture(next).catch(() => {}), 150);
}

function reading(at) {
  const { viewer, film } = desk;
  if (!film || !viewer.picture) { byId("reading").textContent = ""; return; }
  const [low, high] = viewer.window;
  const parts = [`${t("window_short")} ${figure((low + high) / 2)} / ${figure(high - low)}`, `${Math.round(viewer.scale * 100)} %`];
  if (at) {
    const place = viewer.toFilm(at), value = viewer.picture.valueAt(...place);
    if (value !== null) parts.push(`${Math.round(place[0])}, ${Math.round(place[1])}`, `= ${figure(value)}`);
  }
  byId("reading").textContent = parts.join("   ");
}

const figure = (value) => (Math.abs(value) >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toPrecision(3));

function drawTools() {
  const button = (name, path, key, act, pressed) => el("button", { type: "button", id: `tool-${name}`, title: `${t(`key_${name}`)} (${key})`, aria: { label: t(`key_${name}`), ...(pressed === undefined ? {} : { pressed }) }, on: { click: act } }, icon(path));
  const tools = [["select", "S"], ["pan", "␣"], ["window", "W"], ["ruler", "R"], ...(shaped() ? [["brush", "B"], ["erase", "E"]] : [])];
  byId("tools").replaceChildren(
    el("div", { className: "group" }, ...tools.map(([name, key]) => button(`tool_${name}`, TOOLS[name], key, () => desk.use(name), desk.tool === name))),
    el("div", { className: "group" }, button("fit", ACTS.fit, "F", () => desk.viewer.fit()), button("invert", ACTS.invert, "D", () => desk.invert())),
    el("div", { className: "group layers", role: "group", aria: { label: t("key_layers") } }, ...LAYERS.map((name, place) => [name, place]).filter(([name]) => has(name)).map(([name, place]) =>
      el("button", { type: "button", id: `layer-${name}`, textContent: t(`layer_${name}`), title: `${t(`layer_${name}`)} (${place + 1})`, aria: { pressed: desk.layers[name] }, on: { click: () => desk.toggle(place) } }))));
}

const shaped = () => desk.film && (Boolean(desk.film.told.raster) || !desk.film.schema.landmarks.length || Object.values(desk.film.things).some((thing) => thing.outline));
function has(name) {
  if (!desk.film) return name !== "raster";
  if (name === "raster") return Boolean(desk.film.told.raster);
  if (desk.film.told.raster) return false;
  if (name === "masks") return shaped();
  if (name === "points" || name === "spread") return desk.film.schema.landmarks.length > 0;
  return true;
}

function showQueue(open) {
  byId("queue").classList.toggle("open", open);
  byId("open-queue").setAttribute("aria-expanded", String(open));
}

function theme(name) {
  document.documentElement.classList.toggle("light", name === "light");
  localStorage.setItem("spinekit.theme", name);
}

function wording() {
  byId("title").textContent = session.title;
  byId("title").title = [session.title, ...session.notices].join("\n");
  byId("research").textContent = t("research_use");
  document.title = `${session.title} · spinekit`;
  for (const [id, key] of [["open-queue", "films"], ["theme", "theme"], ["keys", "keys"], ["language", "language"], ["marks", "film_area"]]) byId(id).setAttribute("aria-label", t(key));
  byId("theme").title = t("theme");
  byId("keys").title = `${t("keys")} (?)`;
}

async function start() {
  theme(localStorage.getItem("spinekit.theme") ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark"));
  const asked = Number(new URLSearchParams(location.hash.slice(1)).get("film") ?? NaN);
  takeToken();
  const words = await enter();
  session = await ask("/api/session");
  panel = new Panel(byId("panel"), desk);
  marks = new Marks(byId("marks"), desk);
  desk.viewer = new Viewer(byId("picture"), byId("marks"), () => { marks.draw(); reading(desk.pointer); });
  new Tools(byId("marks"), desk);
  queue = new Queue({ list: byId("rows"), space: byId("rows-space"), search: byId("search"), filters: byId("filters") }, openFilm);
  byId("language").replaceChildren(...Object.entries(words.languages).map(([code, name]) => el("option", { value: code, textContent: name, selected: code === languageCode() })));
  byId("language").addEventListener("change", async (event) => {
    await chooseLanguage(event.target.value);
    wording();
    queue.words();
    progress();
    drawTools();
    const { film } = desk;
    if (film && !film.waiting && !film.changed.size && !film.stranded.length) await film.refresh(false); // doubts are told by the server
    else panel.draw();
  });
  byId("theme").addEventListener("click", () => theme(document.documentElement.classList.contains("light") ? "dark" : "light"));
  byId("keys").addEventListener("click", () => desk.help());
  byId("open-queue").addEventListener("click", () => showQueue(!byId("queue").classList.contains("open")));
  addEventListener("beforeunload", (event) => {
    const { film } = desk;
    if (film && (film.waiting || film.stranded.length || film.changed.size)) event.preventDefault();
  });
  listen(desk);
  wording();
  queue.take((await ask("/api/queue")).films);
  progress();
  drawTools();
  const first = queue.byId.has(asked) ? asked : queue.step(1, true) ?? queue.rows[0]?.id;
  if (first !== undefined) await openFilm(first);
}

/** The words, and with them the proof that the server lets this page in; a password where it asks for one. */
async function enter() {
  for (;;) {
    try {
      return await loadWords();
    } catch (error) {
      const asks = await send("/api/login", { password: "" }).catch((refusal) => refusal);
      if (!(error instanceof Refused) || asks.status !== 401) throw error;
      const password = el("input", { type: "password", autocomplete: "off", ariaLabel: "Password" });
      const given = await dialog("spinekit", [password], [{ words: "OK", value: true, main: true }]);
      if (given) await login(password.value).catch((refusal) => banner(refusal.message, [], 4000, true));
    }
  }
}

start().catch((error) => {
  const words = error instanceof Conflict || error instanceof Refused ? error.message : "";
  banner(words || "The server was not reached: is spinekit review still running?", [], 0, true);
});
