// Atrium's users, with their grants and sessions.

import { element, empty, read } from "../../dom.js";
import { listing, table } from "../../table.js";

const when = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const NEWEST = `
SELECT uid, email, given_name || ' ' || family_name AS name, status, created_at, version
FROM users ORDER BY created_at DESC LIMIT 200`;

export default listing({
  name: "users",
  title: "Users",
  about: "The newest users of Atrium. Open one to see their items: grants, sessions and attributes.",
  search: "Name, address, status or id",
  none: "No user yet. Sign somebody up.",
  async load(text) {
    const found = await read(`sql?${new URLSearchParams({ sql: NEWEST })}`);
    const words = text.toLowerCase();
    return found.rows
      .map((row) => Object.fromEntries(found.columns.map((name, at) => [name, row[at]])))
      .filter((row) => `${row.email} ${row.name} ${row.status} ${row.uid}`.toLowerCase().includes(words));
  },
  columns: [
    { title: "Email", cell: (row) => row.email ?? "" },
    { title: "Name", cell: (row) => row.name ?? "" },
    { title: "Status", cell: (row) => element("span", { class: `status ${row.status === "active" ? "good" : "warn"}` }, row.status) },
    { title: "Created", cell: (row) => when.format(new Date(row.created_at)), kind: "narrow" },
    { title: "Version", cell: (row) => String(row.version), kind: "number" },
    { title: "Id", cell: (row) => element("code", {}, row.uid) },
  ],
  below(row) {
    const place = element("div", {});
    const button = element("button", { type: "button", onclick: async () => place.replaceChildren(await items(row.uid)) }, "Show the user's items");
    place.append(button);
    return place;
  },
});

async function items(uid) {
  try {
    const { tables } = await read("tables");
    const of = tables.find((each) => each.name.endsWith("UserAttributes"));
    if (!of) return empty("The table UserAttributes does not exist.");
    const pages = await Promise.all(["G", "U", "S"].map((kind) =>
      read(`tables/${of.region}/${of.name}?${new URLSearchParams({ hash: `${kind}#${uid}` })}`)));
    const found = pages.flatMap((page) => page.items);
    if (!found.length) return empty("No items.");
    return table("Items of the user", [
      { title: "Partition", cell: (item) => element("code", {}, item.pk.slice(0, 2)) },
      { title: "Item", cell: (item) => element("code", {}, item.sk) },
      { title: "Attributes", cell: (item) => element("div", { class: "line" }, ...Object.entries(item)
        .filter(([name]) => !["pk", "sk"].includes(name)).sort()
        .flatMap(([name, value]) => [element("span", { class: "name" }, `${name} `), typeof value === "string" ? value : JSON.stringify(value), " "])) },
    ], found);
  } catch (error) {
    return empty(error.message);
  }
}
