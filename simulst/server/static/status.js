// What the page says about itself: how things stand, and messages.

const $ = (id) => document.getElementById(id);
const NOTE_MS = 15000;
let notes = 0; // timer

/** Show a message. `kind` is "error", or names what unsay() takes away; a "note" goes by itself. */
export function say(text, kind = "error") {
  $("message").dataset.kind = kind;
  $("message").textContent = text;
  $("message").hidden = false;
  clearTimeout(notes);
  if (kind === "note") notes = setTimeout(() => unsay("note"), NOTE_MS);
}

/** Take away a message of a kind, or any. */
export function unsay(kind) {
  if (!kind || $("message").dataset.kind === kind) $("message").hidden = true;
}

/** How things stand; `kind` is "idle", "busy", "live", "lost" or "bad". */
export function state(kind, text) {
  $("state").dataset.state = kind;
  if ($("state").textContent !== text) $("state").textContent = text;
}
