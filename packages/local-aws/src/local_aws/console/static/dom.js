// Elements are built from text only, never from HTML: what is shown is other people's text.

/** Create an element. Properties that begin with "on" are listeners, others attributes. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

/** Return the JSON at a path below the console; throw an Error with the server's message. */
export async function read(path) {
  const response = await fetch(path, { headers: { Accept: "application/json" } });
  const content = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(content.message ?? `The console answered ${response.status}.`);
  return content;
}

export function duration(ms) {
  if (ms < 1) return `${(ms * 1000).toFixed(0)} µs`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 10_000) return `${ms.toFixed(0)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3,
});

/** Return a time element of epoch seconds. */
export function moment(seconds) {
  const date = new Date(seconds * 1000);
  return element("time", { datetime: date.toISOString() }, clock.format(date));
}

export function empty(...children) {
  return element("p", { class: "empty" }, ...children);
}

export function counted(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}
