// The accounts of the user pools.

import { element } from "./dom.js";
import { listing, rowsOf } from "./table.js";

const when = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

export const accounts = listing({
  name: "accounts",
  title: "Accounts",
  about: "The newest accounts of the user pools, as Cognito has them.",
  search: "Name, address or status",
  none: "No account yet.",
  load: (text) => rowsOf("accounts", "accounts", text),
  columns: [
    { title: "Email", cell: (row) => row.email },
    { title: "Status", cell: (row) => chip(row) },
    { title: "Verified", cell: (row) => (row.verified ? "yes" : "no"), kind: "narrow" },
    { title: "Created", cell: (row) => when.format(new Date(row.created_at * 1000)), kind: "narrow" },
    { title: "Username", cell: (row) => element("code", {}, row.username) },
    { title: "Pool", cell: (row) => row.pool },
  ],
  below: (row) => element("dl", { class: "facts" },
    ...Object.entries({ ...row.attributes, groups: row.groups.join(", ") })
      .flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
});

function chip(row) {
  if (!row.enabled) return element("span", { class: "status bad" }, "disabled");
  const kind = row.status === "CONFIRMED" ? "good" : "warn";
  return element("span", { class: `status ${kind}` }, row.status.toLowerCase().replaceAll("_", " "));
}
