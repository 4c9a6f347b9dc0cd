// The mails that would have been sent, the newest first.

import { element, read } from "./dom.js";
import { listing } from "./table.js";

const when = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export const inbox = listing({
  name: "inbox",
  title: "Inbox",
  about: "Mails are not sent from a laptop, but kept here.",
  search: "Address, subject or text",
  none: "No mail yet. Sign somebody up, and the code appears here.",
  async load(text) {
    const words = text.toLowerCase();
    const mails = await read("/_local/inbox");
    return mails.reverse().filter((mail) => `${mail.to} ${mail.subject} ${mail.body}`.toLowerCase().includes(words)).slice(0, 200);
  },
  columns: [
    { title: "Sent", cell: (mail) => element("time", { datetime: mail.sent_at }, when.format(new Date(mail.sent_at))), kind: "narrow" },
    { title: "To", cell: (mail) => mail.to },
    { title: "Subject", cell: (mail) => mail.subject },
    { title: "Code", cell: (mail) => (mail.code ? element("code", { class: "code" }, mail.code) : "") },
  ],
  // The body is text: a mail in HTML is shown as its source, without what is only style.
  below: (mail) => element("pre", { tabindex: "0" }, plain(mail.body)),
});

function plain(body) {
  if (!/<\w+[^>]*>/.test(body)) return body;
  const parsed = new DOMParser().parseFromString(body, "text/html"); // inert: nothing of it is run or loaded
  for (const hidden of parsed.querySelectorAll("style, script, title")) hidden.remove();
  return parsed.body.textContent.replace(/[ \t]+/g, " ").replace(/\s*\n\s*/g, "\n").trim();
}
