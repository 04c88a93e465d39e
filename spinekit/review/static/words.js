/** The page's words in the reader's language. */

import { ask } from "./api.js";

const KEPT = "spinekit.language";
let words = { code: "en", text: {}, count: {}, plural: "one-other", languages: {} };

/** Fetches the words of the language that was chosen, or that the browser speaks. */
export async function loadWords() {
  const wanted = localStorage.getItem(KEPT) ?? navigator.language.slice(0, 2);
  words = await ask(`/api/words/${/^[a-z]{2}$/.test(wanted) ? wanted : "en"}`);
  document.documentElement.lang = words.code;
  return words;
}

/** @param {string} code */
export async function chooseLanguage(code) {
  localStorage.setItem(KEPT, code);
  await loadWords();
}

export const languageCode = () => words.code;

/**
 * A sentence with its values.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  return (words.text[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/**
 * A number with its word.
 * @param {string} key
 * @param {number} count
 */
export function n(key, count) {
  const forms = words.count[key] ?? {};
  return (forms[form(count)] ?? `{n} ${key}`).replace("{n}", String(count));
}

function form(count) {
  if (words.plural === "slavic") {
    if (count % 10 === 1 && count % 100 !== 11) return "one";
    return [2, 3, 4].includes(count % 10) && ![12, 13, 14].includes(count % 100) ? "few" : "many";
  }
  if (words.plural === "none") return "other";
  return count === 1 || (words.plural === "zero-one-other" && count === 0) ? "one" : "other";
}
