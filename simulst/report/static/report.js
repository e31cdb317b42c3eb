"use strict";
// Titles become a tip that follows the pointer; without this script the browser shows them itself.
const tip = document.getElementById("tip");
const said = new WeakMap();
for (const title of document.querySelectorAll("main svg title")) {
  const owner = title.parentNode;
  said.set(owner, title.textContent);
  title.remove();
}

let shown = null;
let lit = [];

const light = (owner) => {
  for (const element of lit) element.classList.remove("on");
  lit = [];
  const section = owner && owner.closest("section");
  if (!section) return;
  const { s, k } = owner.dataset;
  if (s === undefined) return;
  const same = `[data-s="${CSS.escape(s)}"]`;
  const find = owner.classList.contains("said")
    ? same
    : `${same}[data-k="${CSS.escape(k)}"], .said${same}`;
  lit = [...section.querySelectorAll(find), owner];
  for (const element of lit) element.classList.add("on");
};

const show = (owner, x, y) => {
  if (owner !== shown) {
    shown = owner;
    light(owner);
    tip.hidden = !owner;
    if (owner) tip.textContent = said.get(owner);
  }
  if (!owner) return;
  const box = tip.getBoundingClientRect();
  const left = Math.min(x + 14, window.innerWidth - box.width - 8);
  const below = y + 18 + box.height < window.innerHeight;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${below ? y + 18 : y - box.height - 12}px`;
};

document.addEventListener("pointermove", (event) => {
  let owner = event.target;
  while (owner instanceof Element && !said.has(owner)) owner = owner.parentNode;
  show(owner instanceof Element ? owner : null, event.clientX, event.clientY);
});
document.addEventListener("scroll", () => show(null), { passive: true });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") show(null);
});

// a folded section opens when a link leads to it
const unfold = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && target.querySelector(":scope > details");
  if (folded) folded.open = true;
};
window.addEventListener("hashchange", unfold);
unfold();
