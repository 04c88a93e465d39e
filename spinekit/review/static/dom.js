/** Elements without markup: texts of films and labels are only ever set as text. */

/**
 * @param {string} tag
 * @param {Record<string, any>} [given] properties; `on` names listeners, `data` and `aria` attributes
 * @param {...(Node | string | null)} children
 * @returns {HTMLElement}
 */
export function el(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name === "on") for (const [event, heard] of Object.entries(value)) made.addEventListener(event, heard);
    else if (name === "aria") for (const [key, words] of Object.entries(value)) made.setAttribute(`aria-${key}`, String(words));
    else if (name === "data") Object.assign(made.dataset, value);
    else if (name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/**
 * A drawing of lines in a box of 24 by 24.
 * @param {string} path
 */
export function icon(path) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/**
 * Asks in a dialog.
 * @param {string} title
 * @param {(Node | string)[]} content
 * @param {{words: string, value: any, main?: boolean}[]} answers
 * @returns {Promise<any>} the value of the answer, or undefined where it was closed
 */
export function dialog(title, content, answers) {
  const box = byId("dialog");
  return new Promise((resolve) => {
    let given;
    const buttons = answers.map(({ words, value, main }) =>
      el("button", { type: "button", textContent: words, autofocus: Boolean(main), aria: { pressed: Boolean(main) }, on: { click: () => { given = value; box.close(); } } }));
    box.replaceChildren(el("h2", { textContent: title }), ...content, el("div", { className: "line" }, ...buttons));
    box.onclose = () => resolve(given);
    box.showModal();
  });
}
