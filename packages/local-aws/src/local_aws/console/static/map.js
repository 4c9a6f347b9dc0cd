// The picture of what is applied, with live traffic, and the same as a table.

import { counted, element, empty, read } from "./dom.js";
import { table } from "./table.js";

const EVERY = 1500; // milliseconds between two readings of the traffic
const WIDTH = 1040;
const COLUMNS = [{ x: 0, width: 190 }, { x: 400, width: 240 }, { x: 830, width: 210 }];
const HEIGHT = { wide: 52, line: 28 };
const GAP = 8;
const SVG = "http://www.w3.org/2000/svg";

const picture = element("div", { class: "scroll map", role: "region", "aria-label": "Picture", tabindex: "0" });
const list = element("div", { class: "rows" });
let timer;
let before;
let drawn;

export const map = {
  name: "map",
  title: "Map",
  async enter(main) {
    main.append(element("div", { class: "panel" },
      element("h1", {}, "Map"),
      element("p", { class: "about" }, "What is applied, and who may call whom. A call that has just happened is drawn thick, a failed one red."),
      picture,
      element("h2", {}, "Calls since the start"),
      list));
    before = undefined;
    const found = await read("map");
    if (!found.parts.length) { picture.replaceChildren(empty("Nothing is applied yet.")); return; }
    drawn = draw(found);
    picture.replaceChildren(drawn.svg);
    await follow();
  },
  leave() { clearTimeout(timer); },
  news() { if (picture.isConnected && drawn) { clearTimeout(timer); timer = setTimeout(follow, 100); } },
};

async function follow() {
  clearTimeout(timer);
  if (!picture.isConnected) return;
  const { traffic } = await read("traffic").catch(() => ({ traffic: [] }));
  const counts = new Map(traffic.map(([from, to, calls, failed]) => [`${from}>${to}`, { from, to, calls, failed }]));
  if (before) for (const [key, count] of counts) pulse(key, count, before.get(key));
  for (const [id, node] of drawn.nodes) {
    const calls = traffic.filter(([, to]) => to === id).reduce((sum, each) => sum + each[2], 0);
    const made = traffic.filter(([from]) => from === id).reduce((sum, each) => sum + each[2], 0);
    node.badge.textContent = calls || made ? (calls || made).toLocaleString("en") : "";
  }
  if (JSON.stringify(traffic) !== list.dataset.shown) tell(traffic);
  before = counts;
  timer = setTimeout(follow, EVERY);
}

function pulse(key, count, last) {
  const calls = count.calls - (last?.calls ?? 0);
  if (calls <= 0) return;
  const failed = count.failed - (last?.failed ?? 0) > 0;
  for (const shape of [drawn.edges.get(key) ?? drawn.edges.get(`${count.to}>${count.from}`), drawn.nodes.get(count.to)?.group]) {
    if (!shape) continue;
    shape.classList.toggle("failed", failed);
    shape.classList.add("live");
    shape.style.setProperty("--calls", String(Math.min(2 + Math.log2(calls + 1), 8)));
    clearTimeout(shape.resting);
    shape.resting = setTimeout(() => shape.classList.remove("live", "failed"), 1400);
  }
}

function tell(traffic) {
  list.dataset.shown = JSON.stringify(traffic);
  const rows = [...traffic].sort((one, other) => other[2] - one[2]).slice(0, 100);
  list.replaceChildren(rows.length ? table("Calls", [
    { title: "From", cell: (row) => nameOf(row[0]) },
    { title: "To", cell: (row) => nameOf(row[1]) },
    { title: "Calls", cell: (row) => row[2].toLocaleString("en"), kind: "number" },
    { title: "Failed", cell: (row) => row[3].toLocaleString("en"), kind: "number" },
  ], rows) : empty("No call yet."));
}

function nameOf(id) {
  if (id === "") return "clients";
  if (id === "invoke") return "Invoke API, streams and queues";
  return drawn.nodes.get(id)?.label ?? id.replace(/^\w+:/, "");
}

function draw({ parts, edges }) {
  const prefix = commonPrefix(parts.filter((each) => each.kind === "function").map((each) => each.name));
  const columns = COLUMNS.map((_, column) => parts.filter((part) => part.column === column));
  columns[1].sort((one, other) => callerOf(one, columns[0], edges) - callerOf(other, columns[0], edges));
  const heights = columns.map((column) => column.reduce((sum, part) => sum + heightOf(part) + gapOf(part), 0));
  const height = Math.max(...heights, 120) + 24;
  const nodes = new Map();
  const svg = shape("svg", { viewBox: `-8 0 ${WIDTH + 16} ${height}`, role: "img", "aria-label": inWords(parts, edges) });
  const lines = shape("g", { class: "edges" });
  svg.append(lines);
  columns.forEach((column, index) => {
    let y = (height - heights[index]) / 2;
    for (const part of column) {
      const node = place(part, prefix, COLUMNS[index], y);
      nodes.set(part.id, node);
      svg.append(node.group);
      y += heightOf(part) + gapOf(part);
    }
  });
  const paths = new Map();
  for (const [from, to] of edges) {
    const path = line(nodes.get(from), nodes.get(to));
    paths.set(`${from}>${to}`, path);
    lines.append(path);
  }
  for (const [id, node] of nodes) {
    node.group.addEventListener("mouseenter", () => emphasise(svg, paths, id));
    node.group.addEventListener("mouseleave", () => emphasise(svg, paths));
  }
  return { svg, nodes, edges: paths };
}

function emphasise(svg, paths, id) {
  svg.classList.toggle("chosen", id !== undefined);
  for (const [key, path] of paths) path.classList.toggle("near", id !== undefined && key.split(">").includes(id));
}

/** Return the place of the first part that calls a function, so that fewer ways cross. */
function callerOf(part, callers, edges) {
  const place = callers.findIndex((caller) => edges.some(([from, to]) => from === caller.id && to === part.id));
  return place < 0 ? callers.length : place;
}

function heightOf(part) { return part.kind === "function" ? HEIGHT.line : HEIGHT.wide; }

function gapOf(part) { return part.kind === "function" ? GAP : 18; }

function place(part, prefix, { x, width }, y) {
  const height = heightOf(part);
  const label = part.name.startsWith(prefix) ? part.name.slice(prefix.length) : part.name;
  const group = shape("g", { class: `part ${part.kind === "function" ? "is-function" : `column-${part.column}`}` });
  const badge = shape("text", { x: x + width - 10, y: y + height / 2 + 4, class: "badge", "text-anchor": "end" });
  group.append(shape("title", {}, part.name), shape("rect", { x, y, width, height, rx: 6 }));
  if (part.kind === "function") {
    group.append(shape("text", { x: x + 12, y: y + height / 2 + 4, class: "label" }, label));
  } else {
    group.append(
      shape("text", { x: x + 12, y: y + 20, class: "kind" }, part.kind),
      shape("text", { x: x + 12, y: y + 39, class: "label" }, label.length > 22 ? `${label.slice(0, 21)}…` : label));
  }
  group.append(badge);
  return { group, badge, label, x, y: y + height / 2, width, column: part.column };
}

function line(from, to) {
  const same = from.column === to.column;
  const left = from.column < to.column;
  const [start, end] = same ? [from.x + from.width, to.x + to.width] : left ? [from.x + from.width, to.x] : [from.x, to.x + to.width];
  const bend = same ? 70 : (end - start) * 0.5;
  const [one, other] = same ? [start + bend, end + bend] : [start + bend, end - bend];
  return shape("path", { d: `M${start},${from.y} C${one},${from.y} ${other},${to.y} ${end},${to.y}`, class: left || same ? "edge" : "edge back" });
}

function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function commonPrefix(names) {
  if (names.length < 2) return "";
  let end = 0;
  while (end < names[0].length && names.every((name) => name[end] === names[0][end])) end += 1;
  return names[0].slice(0, names[0].lastIndexOf("-", end - 1) + 1);
}

function inWords(parts, edges) {
  const functions = parts.filter((each) => each.kind === "function").length;
  const others = parts.filter((each) => each.kind !== "function").map((each) => `${each.kind} ${each.name}`);
  return `${counted(functions, "function")}, with ${others.join(", ")}, and ${counted(edges.length, "way", "ways")} between them. The table below lists the calls.`;
}
