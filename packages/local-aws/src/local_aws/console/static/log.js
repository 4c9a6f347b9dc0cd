// Lines of a function's log: JSON records are shown by their fields.

import { element, empty } from "./dom.js";

const QUIET = new Set(["level", "message", "service", "stage", "_aws", "FunctionName"]);

export function logLines(lines) {
  if (!lines.length) return empty("The function wrote nothing.");
  return element("ol", { class: "log", tabindex: "0", "aria-label": "Log lines" }, ...lines.map((text) => element("li", {}, ...logLine(text))));
}

/** Return the children of an element that shows a line. */
export function logLine(text) {
  const record = parsed(text);
  if (!record) return [text];
  const level = String(record.level ?? "INFO").toUpperCase();
  const fields = Object.entries(record).filter(([name]) => !QUIET.has(name));
  return [
    element("span", { class: `level ${level.toLowerCase()}` }, level), " ",
    element("b", {}, String(record.message ?? "")), " ",
    ...fields.flatMap(([name, value]) => [element("span", { class: "name" }, `${name} `), shown(value), " "]),
  ];
}

function shown(value) {
  if (value && typeof value === "object" && typeof value.stack === "string") {
    return element("pre", {}, value.stack);
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

function parsed(text) {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
