// The frame: panels by the address's hash, `#/<panel>/<rest>`, and the stream of news.

import { accounts } from "./accounts.js";
import { database } from "./database.js";
import { element, empty, read } from "./dom.js";
import { inbox } from "./inbox.js";
import { logs } from "./logs.js";
import { map } from "./map.js";
import { refusals } from "./refusals.js";
import { requests } from "./requests.js";
import { tables } from "./tables.js";

const panels = [requests, map, logs, refusals, inbox, accounts, tables, database];
const main = document.getElementById("main");
const state = document.getElementById("state");
let shown;

function show() {
  const [name, ...rest] = location.hash.slice(2).split("/");
  const panel = panels.find((each) => each.name === name) ?? panels[0];
  if (panel !== shown) {
    shown?.leave?.();
    main.replaceChildren();
    main.className = `panel-${panel.name}`;
    shown = panel;
    document.title = `${panel.title} · local AWS`;
    for (const link of document.querySelectorAll("#panels a")) {
      if (link.hash === `#/${panel.name}`) {
        link.setAttribute("aria-current", "page");
        link.scrollIntoView({ block: "nearest", inline: "nearest" });
      }
      else link.removeAttribute("aria-current");
    }
    Promise.resolve(panel.enter(main)).catch((error) => main.append(empty(error.message)));
  }
  Promise.resolve(panel.show?.(rest.join("/"))).catch((error) => {
    main.replaceChildren(empty(error.message));
  });
}

function listen() {
  const events = new EventSource("events");
  events.onopen = () => {
    if (state.dataset.kind === "lost") for (const panel of panels) panel.restarted?.();
    told("live", "Live");
  };
  events.onerror = () => told("lost", "The stack does not answer");
  events.onmessage = (event) => {
    const news = JSON.parse(event.data);
    for (const panel of panels) panel.news?.(news);
  };
}

function told(kind, text) {
  state.dataset.kind = kind;
  state.textContent = text;
}

/** Add the panels of the program that started the stack. */
async function others() {
  const listed = await read("panels");
  const loaded = await Promise.all(listed.panels.map((each) => import(`./panels/${each.name}/${each.name}.js`)));
  panels.push(...loaded.map((each) => each.default));
}

await others().catch((error) => console.error(error));
document.getElementById("panels").append(
  ...panels.map((panel) => element("li", {}, element("a", { href: `#/${panel.name}` }, panel.title))),
);
addEventListener("hashchange", show);
show();
listen();
