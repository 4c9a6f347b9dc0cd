// Access decisions with their reasons, and requests that were refused.

import { element, moment, read } from "../../dom.js";
import { listing } from "../../table.js";

export default listing({
  name: "decisions",
  title: "Decisions",
  about: "Decisions of /access/v1 with their reasons, and requests that Atrium refused with 401 or 403.",
  search: "User, action, resource or reason",
  polls: false,
  none: "No decision yet. Ask POST /access/v1/evaluation, or call an operation without its right.",
  async load(text) {
    const [decisions, refused] = await Promise.all([
      read(`log?${new URLSearchParams({ text: '"message":"decision"' })}`),
      read(`requests?${new URLSearchParams({ kind: "refused" })}`),
    ]);
    const codes = await codesOf();
    const rows = [
      ...decisions.lines.map(ofDecision).filter(Boolean),
      ...refused.requests.filter((each) => each.status === 401 || each.status === 403).map((each) => ofRequest(each, codes)),
    ];
    const words = text.toLowerCase();
    return rows.filter((row) => JSON.stringify(row).toLowerCase().includes(words)).sort((one, other) => other.at - one.at).slice(0, 200);
  },
  columns: [
    { title: "Time", cell: (row) => element("a", { href: `#/requests/${row.number}`, "aria-label": `Request ${row.number}` }, moment(row.at)), kind: "narrow" },
    { title: "Decision", cell: (row) => element("span", { class: `status ${row.permit ? "good" : "warn"}` }, row.permit ? "permit" : "deny") },
    { title: "Subject", cell: (row) => element("code", {}, row.subject) },
    { title: "Action", cell: (row) => element("code", {}, row.action) },
    { title: "Resource", cell: (row) => element("code", {}, row.resource) },
    { title: "Reason", cell: (row) => row.reason },
  ],
});

function ofDecision(line) {
  try {
    const record = JSON.parse(line.text);
    return { number: line.number, at: line.at, permit: record.decision, subject: record.subject, action: record.action, resource: record.resource, reason: record.reason };
  } catch {
    return undefined;
  }
}

/** Return what the kernel logged of refused requests, by the request's number. */
async function codesOf() {
  const found = await Promise.all([401, 403].map((status) => read(`log?${new URLSearchParams({ text: `"status":${status}` })}`)));
  return new Map(found.flatMap((each) => each.lines).flatMap((line) => {
    try {
      return [[line.number, JSON.parse(line.text)]];
    } catch {
      return [];
    }
  }));
}

function ofRequest(request, codes) {
  const record = codes.get(request.number);
  return {
    number: request.number, at: request.at, permit: false, subject: record?.uid ?? "",
    action: request.method, resource: request.path, reason: record?.code ?? request.reason,
  };
}
