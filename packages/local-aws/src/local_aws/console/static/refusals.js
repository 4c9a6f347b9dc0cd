// The calls that IAM refused, with the reason.

import { element, moment } from "./dom.js";
import { listing, rowsOf } from "./table.js";

export const refusals = listing({
  name: "refusals",
  title: "IAM refusals",
  about: "Calls that a role's policies do not allow. AWS would refuse them, too.",
  search: "Role, action or resource",
  none: "IAM has refused no call since the start.",
  load: (text) => rowsOf("refusals", "refusals", text),
  columns: [
    { title: "Last", cell: (row) => moment(row.at), kind: "narrow" },
    { title: "Times", cell: (row) => String(row.times), kind: "number" },
    { title: "Caller", cell: (row) => element("code", {}, row.caller.split("/").slice(1).join("/") || row.caller) },
    { title: "Action", cell: (row) => element("code", {}, row.action) },
    { title: "Resource", cell: (row) => element("code", {}, row.resource) },
    { title: "Reason", cell: (row) => row.reason },
  ],
});
