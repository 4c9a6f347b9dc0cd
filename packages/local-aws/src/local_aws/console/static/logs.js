// A search in the logs of all kept requests.

import { element, moment } from "./dom.js";
import { logLine } from "./log.js";
import { listing, rowsOf } from "./table.js";

export const logs = listing({
  name: "logs",
  title: "Logs",
  about: "The newest lines that functions wrote, searched through all kept requests.",
  search: "Text of a line",
  polls: false,
  none: "No function has written anything yet.",
  load: (text) => rowsOf("log", "lines", text),
  columns: [
    { title: "Time", cell: (row) => element("a", { href: `#/requests/${row.number}`, "aria-label": `Request ${row.number}` }, moment(row.at)), kind: "narrow" },
    { title: "Request", cell: (row) => element("code", {}, row.path), kind: "request" },
    { title: "Line", cell: (row) => element("div", { class: "line" }, ...logLine(row.text)) },
  ],
});
