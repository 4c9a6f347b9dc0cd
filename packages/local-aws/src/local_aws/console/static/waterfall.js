// The waterfall of one request: a bar for each part, on one scale of milliseconds.

import { duration, element, empty } from "./dom.js";

const NAMES = {
  gateway: "gateway", authorizer: "authorizer", wait: "wait", start: "cold start",
  function: "function", sql: "sql",
};

export function waterfall(bars) {
  if (!bars.length) return empty("Nothing was measured.");
  const end = Math.max(...bars.map((bar) => bar.start + bar.ms), 0.001);
  const sorted = [...bars].sort((one, other) => one.start - other.start || other.ms - one.ms);
  return element("div", { class: "waterfall" }, scale(end), element("ul", {}, ...sorted.map((bar) => row(bar, end))));
}

function scale(end) {
  const step = nice(end / 4);
  const ticks = [];
  for (let at = 0; at <= end; at += step) {
    const tick = element("span", {}, at === 0 ? "0" : duration(at));
    tick.style.left = `${(at / end) * 100}%`;
    if (at / end < 0.93) ticks.push(tick);
  }
  return element("div", { class: "scale", "aria-hidden": "true" }, ...ticks);
}

/** Return 1, 2 or 5 times a power of ten, at least `step`. */
function nice(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= step * 0.999);
}

function row(bar, end) {
  const drawn = element("span", { class: `bar ${kindOf(bar)}` });
  drawn.style.left = `${(bar.start / end) * 100}%`;
  drawn.style.width = `max(2px, ${(bar.ms / end) * 100}%)`;
  const head = [
    element("span", { class: "what" }, element("b", {}, label(bar)), " ", element("span", { class: "target" }, target(bar))),
    element("span", { class: "track", "aria-hidden": "true" }, drawn),
    element("span", { class: "ms" }, duration(bar.ms)),
  ];
  const text = [bar.kind === "sql" && bar.name !== "connect" ? bar.name : "", bar.error].filter(Boolean);
  const marked = bar.error ? "row failed" : "row";
  if (!text.length) return element("li", {}, element("div", { class: marked }, ...head));
  return element("li", {},
    element("details", {}, element("summary", { class: marked }, ...head), ...text.map((each) => element("pre", { tabindex: "0" }, each))));
}

function kindOf(bar) {
  return bar.kind in NAMES ? `k-${bar.kind}` : "k-aws";
}

function label(bar) {
  if (bar.kind === "sql") return bar.name === "connect" ? "connect" : verb(bar.name);
  return NAMES[bar.kind] ?? bar.kind;
}

/** Return what a round trip does: the first word of each statement. */
function verb(sql) {
  const verbs = sql.split(/;\n/).map((each) => each.trim().split(/\s/)[0].toUpperCase());
  return [...new Set(verbs)].join(" + ").slice(0, 40) || "sql";
}

function target(bar) {
  if (bar.kind === "sql") return bar.name === "connect" ? `to Postgres as ${bar.target}` : tables(bar.name);
  if (bar.kind === "function") return bar.name;
  if (bar.kind in NAMES) return "";
  const units = bar.units ? ` · ${bar.units} u` : "";
  return `${bar.name}${bar.target ? ` ${bar.target}` : ""}${units}`;
}

function tables(sql) {
  const found = [...sql.matchAll(/\b(?:from|into|update|join)\s+([a-z_][\w.]*)/gi)].map((each) => each[1]);
  return [...new Set(found)].slice(0, 3).join(", ");
}
