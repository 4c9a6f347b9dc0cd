// A panel that lists rows of one kind, with a search, and reads them again while it is shown.

import { element, empty, read } from "./dom.js";

const EVERY = 4000; // milliseconds between two readings
const AFTER_NEWS = 400;
const SHORTEST = 2000; // between two readings because of news

/**
 * Return a panel.
 *
 * `load(text)` returns the rows, `columns` are [{title, cell(row), kind}], and `below(row)` an
 * element that is shown when a row is opened. Without `polls`, rows change with requests only.
 */
export function listing({ name, title, about, search, load, columns, below, none, polls = true }) {
  const text = element("input", { type: "search", placeholder: search, "aria-label": search, oninput: () => soon(150) });
  const place = element("div", { class: "rows" });
  let shown;
  let timer;
  let due = Infinity;
  let last = 0;
  let asked = 0;

  function soon(milliseconds) {
    due = performance.now() + milliseconds;
    clearTimeout(timer);
    timer = setTimeout(refresh, milliseconds);
  }

  /** Read again soon, but not so often that steady news would keep the stack busy. */
  function changed() {
    const now = performance.now();
    const wait = Math.max(AFTER_NEWS, last + SHORTEST - now);
    if (now + wait < due) soon(wait);
  }

  async function refresh() {
    clearTimeout(timer);
    if (!place.isConnected) return;
    last = performance.now();
    due = Infinity;
    const number = ++asked;
    try {
      const rows = document.hidden ? undefined : await load(text.value);
      if (number !== asked) return;
      const content = JSON.stringify(rows);
      if (rows && content !== shown) {
        draw(rows);
        shown = content;
      }
    } catch (error) {
      if (number !== asked) return;
      place.replaceChildren(empty(error.message));
      shown = undefined;
    }
    if (polls) soon(EVERY);
  }

  function draw(rows) {
    const opened = new Set([...place.querySelectorAll("[aria-expanded=true]")].map((each) => each.dataset.key));
    place.replaceChildren(rows.length ? table(title, columns, rows, below, opened) : empty(text.value ? "Nothing matches." : none));
  }

  return {
    name,
    title,
    enter(main) {
      shown = undefined;
      main.append(element("div", { class: "panel" },
        element("h1", {}, title),
        element("p", { class: "about" }, about),
        element("div", { class: "tools", role: "search" }, text),
        place));
      return refresh();
    },
    leave() { clearTimeout(timer); },
    news() { if (place.isConnected) changed(); },
    restarted() { if (place.isConnected) soon(0); },
  };
}

/** Return a table; a row with something `below` it has a button that shows it. */
export function table(label, columns, rows, below, opened = new Set()) {
  const head = element("tr", {}, ...columns.map((each) => element("th", { scope: "col", class: each.kind }, each.title)));
  const body = rows.flatMap((row, index) => lines(row, index, columns, below, opened));
  return element("div", { class: "scroll", role: "region", "aria-label": label, tabindex: "0" },
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)));
}

function lines(row, index, columns, below, opened) {
  const cells = columns.map((each) => element("td", { class: each.kind, "data-title": each.title }, each.cell(row)));
  const line = element("tr", {}, ...cells);
  const more = below?.(row);
  if (!more) return [line];
  const key = JSON.stringify(row);
  const isOpen = opened.has(key);
  const under = element("tr", { class: "below", hidden: !isOpen }, element("td", { colspan: columns.length }, more));
  const button = element("button", { type: "button", class: "open", "aria-expanded": String(isOpen), "aria-label": "Details", onclick: () => {
    under.hidden = !under.hidden;
    button.setAttribute("aria-expanded", String(!under.hidden));
  } });
  button.dataset.key = key;
  cells[0].prepend(button);
  return [line, under];
}

/** Return the rows of an answer's member at a path, searched by a text. */
export async function rowsOf(path, member, text) {
  return (await read(`${path}?${new URLSearchParams({ text })}`))[member];
}
