// The list of requests, live, and the page of one.

import { counted, duration, element, empty, moment, read } from "./dom.js";
import { logLines } from "./log.js";
import { waterfall } from "./waterfall.js";

const MOST = 1000; // lines in the page; older ones are loaded again on demand
const KINDS = [
  ["", "All"], ["failed", "Failed (5xx)"], ["refused", "Refused (4xx)"], ["cold", "Cold starts"],
  ["invoked", "Without a request"],
];

const list = element("ol", { class: "requests", "aria-label": "Requests" });
const page = element("section", { class: "detail", "aria-label": "Request", tabindex: "-1" });
const more = element("button", { type: "button", class: "more", hidden: true, onclick: older }, "Show older requests");
const count = element("p", { class: "count" });
const text = element("input", {
  type: "search", placeholder: "Path, status or request id", "aria-label": "Search requests", oninput: later,
});
const kind = element("select", { "aria-label": "Kind of requests", onchange: reload },
  ...KINDS.map(([value, label]) => element("option", { value }, label)));
const pause = element("button", { type: "button", "aria-pressed": "false", onclick: toggle }, "Pause");

let oldest;
let chosen = "";
let missed = false;
let waiting;
let asked = 0;

export const requests = {
  name: "requests",
  title: "Requests",
  enter(main) {
    main.append(
      element("h1", { class: "unseen" }, "Requests"),
      element("div", { class: "pane" },
        element("div", { class: "tools", role: "search" }, text, kind, pause),
        count, list, more),
      page,
    );
    return reload();
  },
  show: choose,
  restarted() { if (list.isConnected) reload(); },
  news(news) {
    if (paused() || !list.isConnected) { missed = true; return; }
    tell(news.kept);
    const found = news.requests.filter(fits).reverse();
    list.querySelector(".empty")?.remove();
    list.prepend(...found.map((each) => line(each, true)));
    while (list.children.length > MOST) list.lastElementChild.remove();
    oldest = Number(list.lastElementChild?.dataset.number ?? oldest);
  },
};

function fits(summary) {
  const words = text.value.toLowerCase();
  const shown = `${summary.method} ${summary.path} ${summary.status} ${summary.id} ${summary.reason}`;
  const ofKind = {
    failed: summary.status >= 500 || (summary.status === 0 && summary.reason !== ""),
    refused: summary.status >= 400 && summary.status < 500,
    cold: summary.start === "cold",
    invoked: summary.status === 0,
  };
  return (ofKind[kind.value] ?? true) && shown.toLowerCase().includes(words);
}

function paused() {
  return pause.getAttribute("aria-pressed") === "true";
}

function toggle() {
  pause.setAttribute("aria-pressed", String(!paused()));
  pause.textContent = paused() ? "Resume" : "Pause";
  if (!paused() && missed) { missed = false; reload(); }
}

function later() {
  clearTimeout(waiting);
  waiting = setTimeout(reload, 150);
}

async function reload() {
  oldest = undefined;
  await load((lines) => list.replaceChildren(...lines));
}

function older() {
  return load((lines) => list.append(...lines));
}

async function load(put) {
  const number = ++asked;
  const query = new URLSearchParams({ text: text.value, kind: kind.value });
  if (oldest !== undefined) query.set("before", oldest);
  const found = await read(`requests?${query}`);
  if (number !== asked) return; // a newer search has begun
  put(found.requests.map((each) => line(each, false)));
  oldest = found.requests.at(-1)?.number ?? oldest;
  more.hidden = !found.more;
  tell(found.kept);
  if (!list.children.length) {
    list.append(element("li", { class: "empty" }, found.kept ? "No request matches." : "No request yet. Call the API, and it appears here."));
  }
}

function tell(kept) {
  count.textContent = `${kept.toLocaleString("en")} ${kept === 1 ? "request" : "requests"} kept`;
}

function line(summary, isNew) {
  const costs = [
    summary.start === "cold" ? element("span", { class: "chip cold" }, "cold") : undefined,
    summary.sql ? element("span", { class: "chip sql" }, `sql ${summary.sql}`) : undefined,
    summary.calls ? element("span", { class: "chip aws" }, summary.units ? `aws ${summary.calls} · ${summary.units} u` : `aws ${summary.calls}`) : undefined,
  ];
  const link = element("a", { href: `#/requests/${summary.number}`, "aria-current": String(summary.number) === chosen ? "true" : undefined },
    moment(summary.at),
    status(summary),
    element("span", { class: "method" }, summary.method),
    element("span", { class: "path", title: summary.path }, summary.path),
    element("span", { class: "costs" }, ...costs),
    element("span", { class: "ms" }, duration(summary.ms)));
  return element("li", { "data-number": summary.number, class: isNew ? "new" : undefined }, link);
}

export function status(summary) {
  const failed = summary.status >= 500 || (summary.status === 0 && summary.reason);
  const kindOf = failed ? "bad" : summary.status >= 400 ? "warn" : summary.status ? "good" : "none";
  return element("span", { class: `status ${kindOf}` }, summary.status ? String(summary.status) : summary.reason || "done");
}

async function choose(number) {
  chosen = number;
  document.body.classList.toggle("detailed", number !== "");
  for (const link of list.querySelectorAll("a")) {
    if (link.hash === `#/requests/${number}`) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  if (!number) {
    page.replaceChildren();
    return;
  }
  try {
    const found = await read(`requests/${number}`);
    if (chosen !== number) return;
    page.replaceChildren(...detail(found));
    page.scrollTop = 0;
  } catch (error) {
    page.replaceChildren(back(), empty(error.message));
  }
}

function back() {
  return element("a", { class: "back", href: "#/requests" }, "← All requests");
}

function detail(found) {
  const { summary } = found;
  const facts = [
    ["Request id", summary.id],
    ["Trace id", found.trace_id],
    ["Caller", found.caller],
    ["Function", found.function],
    ["Invocation", found.function_request_id !== summary.id ? found.function_request_id : ""],
    ["Start", summary.start],
  ].filter(([, value]) => value);
  return [
    back(),
    element("h2", {}, status(summary), " ", element("span", { class: "method" }, summary.method), " ", element("span", { class: "path" }, summary.path)),
    element("p", { class: "when" }, moment(summary.at), ` · ${duration(summary.ms)} · ${counted(summary.sql, "SQL round trip")} · ${counted(summary.calls, "AWS call")}`,
      summary.units ? ` · ${counted(summary.units, "capacity unit")}` : ""),
    summary.reason ? element("p", { class: "reason" }, summary.reason) : undefined,
    element("h3", {}, "Waterfall"),
    waterfall(found.bars),
    element("h3", {}, "Log"),
    logLines(found.log),
    element("h3", {}, "Ids"),
    element("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
  ].filter(Boolean);
}
