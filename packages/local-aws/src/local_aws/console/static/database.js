// Tables of the database, and queries that only read.

import { duration, element, empty, read } from "./dom.js";
import { table } from "./table.js";

const sql = element("textarea", { id: "sql", rows: "4", spellcheck: "false", autocapitalize: "off", onkeydown: (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
} });
const result = element("div", { class: "result", "aria-live": "polite" });
const names = element("ul", { class: "names" });

export const database = {
  name: "database",
  title: "Database",
  async enter(main) {
    main.append(element("div", { class: "panel" },
      element("h1", {}, "Database"),
      element("p", { class: "about" }, "Queries run in a read-only transaction of at most 3 seconds, and show 200 rows."),
      element("div", { class: "sides" },
        element("nav", { class: "box", "aria-label": "Tables" }, names),
        element("div", {},
          element("form", { onsubmit: (event) => { event.preventDefault(); run(); } },
            element("label", { for: "sql" }, "Query"), sql,
            element("button", { type: "submit", class: "main" }, "Run"),
            element("span", { class: "hint" }, "Ctrl + Enter")),
          result))));
    const found = await read("sql/tables");
    names.replaceChildren(...found.rows.map(([schema, name, rows, , columns]) => element("li", {},
      element("button", { type: "button", title: JSON.parse(columns ?? "[]").join("\n"), onclick: () => look(schema, name) },
        element("span", {}, schema === "public" ? name : `${schema}.${name}`), element("small", {}, rows ? `~${rows}` : "")))));
    if (!names.children.length) names.append(element("li", {}, empty("No table yet.")));
  },
};

function look(schema, name) {
  const quoted = [schema, name].map((each) => `"${each.replaceAll('"', '""')}"`);
  sql.value = `SELECT * FROM ${quoted.join(".")} LIMIT 100`;
  return run();
}

async function run() {
  result.replaceChildren(element("p", { class: "about" }, "Running…"));
  try {
    const found = await read(`sql?${new URLSearchParams({ sql: sql.value })}`);
    const rows = found.rows.length;
    result.replaceChildren(
      element("p", { class: "about" }, `${rows}${found.more ? " and more" : ""} ${rows === 1 ? "row" : "rows"} · ${duration(found.ms)}`),
      found.columns.length ? table("Result", found.columns.map(column), found.rows) : empty("No columns."));
  } catch (error) {
    result.replaceChildren(element("p", { class: "reason", role: "alert" }, error.message));
  }
}

function column(title, index) {
  return { title, cell: (row) => value(row[index]), kind: "value" };
}

function value(content) {
  if (content === null) return element("span", { class: "null" }, "null");
  return element("code", {}, String(content));
}
