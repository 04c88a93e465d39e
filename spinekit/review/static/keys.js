/** The keyboard: everything that the page does can be done from here. */

/** Keys with what they do, as the help lists them. */
export const KEYS = [
  ["J", "next"], ["K", "previous"], ["A", "accept"], ["X", "reject"], ["Z", "undo"], ["Y", "redo"],
  ["G", "next_thing"], ["N", "next_point"], ["← ↑ → ↓", "nudge"], ["Shift + ←", "nudge_far"], ["V", "hide_point"], ["L", "rename"], ["+ I", "add"], ["Del", "delete"],
  ["S", "tool_select"], ["W", "tool_window"], ["R", "tool_ruler"], ["B", "tool_brush"], ["E", "tool_erase"], ["[ ]", "brush_size"],
  ["F", "fit"], ["O", "look_closer"], ["+ −", "zoom"], ["D", "invert"], ["0", "reset_window"], ["Q", "window_keys"], ["1 … 6", "layers"], ["H", "hide_all"],
  ["C", "comment"], ["/", "search"], ["Esc", "let_go"], ["?", "help"],
];

/** @param {any} desk */
export function listen(desk) {
  addEventListener("keydown", (event) => down(desk, event));
  addEventListener("keyup", (event) => {
    if (event.key === " ") desk.spaceDown = false;
    if (event.key.startsWith("Arrow")) desk.nudged();
  });
}

function down(desk, event) {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "Escape") {
    if (typing) event.target.blur();
    desk.letGo();
    return;
  }
  if (typing || document.querySelector("dialog[open]")) return;
  const ctrl = event.ctrlKey || event.metaKey;
  const act = ctrl ? withControl(desk, event) : plain(desk, event);
  if (act) {
    event.preventDefault();
    act();
  }
}

function withControl(desk, event) {
  const key = event.key.toLowerCase();
  if (key === "z") return () => desk.turn(event.shiftKey ? "redo" : "undo");
  if (key === "y") return () => desk.turn("redo");
  return null;
}

function plain(desk, event) {
  const far = event.shiftKey ? 10 : event.altKey ? 0.1 : 1;
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (arrows[event.key]) {
    const [dx, dy] = arrows[event.key];
    return event.target.closest?.("#rows") ? () => desk.go(dy || dx) : () => desk.nudge(dx * far, dy * far);
  }
  if (event.key === " ") return event.target.tagName === "BUTTON" ? null : () => { desk.spaceDown = true; };
  if (event.key === "Enter") return null;
  const back = event.shiftKey;
  return {
    j: () => desk.go(1), k: () => desk.go(-1), pagedown: () => desk.go(1), pageup: () => desk.go(-1),
    a: () => desk.judge("accepted"), x: () => desk.judge("rejected"), z: () => desk.turn("undo"), y: () => desk.turn("redo"),
    g: () => desk.nextThing(back ? -1 : 1), n: () => desk.nextPoint(back ? -1 : 1), v: () => desk.hidePoint(), l: () => desk.askName(), i: () => desk.add(),
    delete: () => desk.chosen.key && desk.remove(desk.chosen.key), backspace: () => desk.chosen.key && desk.remove(desk.chosen.key),
    s: () => desk.use("select"), w: () => desk.use("window"), r: () => desk.use("ruler"), b: () => desk.use("brush"), e: () => desk.use("erase"),
    "[": () => desk.resizeBrush(0.85), "]": () => desk.resizeBrush(1.18),
    f: () => desk.viewer.fit(), o: () => desk.chosen.key && desk.look(desk.chosen.key), "+": () => desk.viewer.zoom(1.25), "=": () => desk.viewer.zoom(1.25), "-": () => desk.viewer.zoom(0.8),
    d: () => desk.invert(), 0: () => desk.resetWindow(), q: () => desk.stepWindow(back ? 1 : -1),
    1: () => desk.toggle(0), 2: () => desk.toggle(1), 3: () => desk.toggle(2), 4: () => desk.toggle(3), 5: () => desk.toggle(4), 6: () => desk.toggle(5), h: () => desk.hideAll(),
    c: () => document.getElementById("comment")?.focus(), "/": () => desk.search(), "?": () => desk.help(),
  }[event.key.toLowerCase()] ?? null;
}
