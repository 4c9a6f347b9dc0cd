// DynamoDB's tables and their items.

import { element, empty, read } from "./dom.js";
import { table as rowsTable } from "./table.js";

const names = element("ul", { class: "names" });
const result = element("div", { class: "result" });
const index = element("select", { "aria-label": "Table or index", onchange: () => look() });
const hash = element("input", { type: "search", "aria-label": "Partition key", autocapitalize: "off" });
const sort = element("input", { type: "search", "aria-label": "Beginning of the sort key", autocapitalize: "off" });
const tools = element("form", { class: "tools", hidden: true, onsubmit: (event) => { event.preventDefault(); look(); } },
  index, hash, sort, element("button", { type: "submit", class: "main" }, "Show"));
let chosen;

export const tables = {
  name: "tables",
  title: "Tables",
  async enter(main) {
    main.append(element("div", { class: "panel" },
      element("h1", {}, "Tables"),
      element("p", { class: "about" }, "Items of DynamoDB's tables, by partition or in the table's order."),
      element("div", { class: "sides" },
        element("nav", { class: "box", "aria-label": "Tables" }, names),
        element("div", {}, tools, result))));
    const found = await read("tables");
    names.replaceChildren(...found.tables.map((each) => element("li", {},
      element("button", { type: "button", onclick: () => choose(each) },
        element("span", {}, each.name), element("small", {}, each.items.toLocaleString("en"))))));
    if (!found.tables.length) names.append(element("li", {}, empty("No table yet.")));
    else choose(found.tables.find((each) => each.name === chosen?.name) ?? found.tables[0]);
  },
};

function choose(table) {
  chosen = table;
  index.replaceChildren(...[["", `by ${keys(table)}`], ...table.indexes.map((each) => [each.name, `${each.name} by ${keys(each)}`])]
    .map(([value, label]) => element("option", { value }, label)));
  tools.hidden = false;
  return look();
}

function keys(named) {
  return [named.hash, named.sort].filter(Boolean).join(", ");
}

async function look(after) {
  const of = chosen.indexes.find((each) => each.name === index.value) ?? chosen;
  hash.placeholder = of.hash;
  sort.placeholder = of.sort ? `${of.sort} begins with` : "no sort key";
  sort.disabled = !of.sort;
  const query = new URLSearchParams({ index: index.value, hash: hash.value, sort: sort.value });
  if (after) query.set("after", JSON.stringify(after));
  try {
    const found = await read(`tables/${chosen.region}/${encodeURIComponent(chosen.name)}?${query}`);
    draw(of, found);
  } catch (error) {
    result.replaceChildren(element("p", { class: "reason", role: "alert" }, error.message));
  }
}

function draw(of, found) {
  if (!found.items.length) { result.replaceChildren(empty("No item.")); return; }
  const first = [...new Set([of.hash, of.sort, chosen.hash, chosen.sort].filter(Boolean))];
  const columns = first.map((title) => ({ title, cell: (item) => element("code", {}, text(item[title])) }));
  columns.push({ title: "Attributes", cell: (item) => element("div", { class: "line" },
    ...Object.entries(item).filter(([name]) => !first.includes(name)).sort()
      .flatMap(([name, value]) => [element("span", { class: "name" }, `${name} `), text(value), " "])) });
  result.replaceChildren(
    rowsTable("Items", columns, found.items),
    ...(found.after ? [element("button", { type: "button", class: "more", onclick: () => look(found.after) }, "Next items")] : []));
}

function text(value) {
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}
