// The transcript on screen: a block for each sentence, its source above its translation. Committed
// text only grows; what may still change stands behind it, marked, and out of the live region.

const ANNOUNCE_AFTER_MS = 1500;
const ANNOUNCE_UNITS = 14;

function element(tag, name, parent) {
  const made = document.createElement(tag);
  made.className = name;
  parent.append(made);
  return made;
}

export class Captions {
  /**
   * @param box scrolls, and follows the newest words unless the reader has scrolled back
   * @param live visually hidden live region: phrases of committed translation, not single words,
   *     so that a screen reader can keep up
   */
  constructor(box, live) {
    this.box = box;
    this.live = live;
    this.follows = true;
    box.addEventListener("scroll", () => {
      this.follows = box.scrollHeight - box.scrollTop - box.clientHeight < 48;
    });
    new ResizeObserver(() => this.follow()).observe(box);
    this.clear();
  }

  clear() {
    this.box.replaceChildren();
    this.live.replaceChildren();
    this.blocks = [];
    this.units = []; // {text, space, sentence, shown_s}
    this.shown = []; // spans with tentative text
    this.space = " "; // between two units of the target
    this.phrase = ""; // committed, and not yet announced
    this.waiting = 0; // units in the phrase
    this.follows = true;
  }

  /** Languages of the two texts, so that they are read aloud and hyphenated rightly. */
  languages(source, target) {
    this.source = source;
    this.target = target;
    this.live.lang = target;
  }

  block(sentence) {
    let block = this.blocks[sentence];
    if (!block) {
      const whole = element("div", "sentence", this.box);
      const source = element("p", "source", whole);
      const target = element("p", "target", whole);
      source.lang = this.source;
      target.lang = this.target;
      block = this.blocks[sentence] = {};
      for (const [name, line] of [["source", source], ["target", target]]) {
        block[name] = element("span", "committed", line);
        block[name + "Tentative"] = element("span", "tentative", line);
        block[name + "Tentative"].ariaHidden = "true";
      }
    }
    return block;
  }

  /** Number for the next sentence that a new session begins. */
  get next() {
    return this.blocks.length;
  }

  heard(sentence, text) {
    const line = this.block(sentence).source;
    line.append((line.hasChildNodes() ? " " : "") + text);
    this.follow();
  }

  written(unit) {
    const line = this.block(unit.sentence).target;
    const before = line.hasChildNodes() ? unit.space : "";
    line.append(before + unit.text);
    if (this.units.length > 0) {
      this.space = unit.space; // the first has none before it
      if (this.units.at(-1).sentence !== unit.sentence) this.announce();
    }
    this.units.push(unit);
    this.phrase += before + unit.text;
    if (++this.waiting >= ANNOUNCE_UNITS) this.announce();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.announce(), ANNOUNCE_AFTER_MS);
    this.follow();
  }

  /** Replaces the uncertain text, which belongs to the open sentence. */
  tentative(sentence, source, target) {
    for (const span of this.shown) span.textContent = "";
    this.shown = [];
    for (const [name, text, space] of [["source", source, " "], ["target", target, this.space]]) {
      if (!text) continue;
      const block = this.block(sentence);
      const span = block[name + "Tentative"];
      span.textContent = (block[name].hasChildNodes() ? space : "") + text;
      this.shown.push(span);
    }
    this.follow();
  }

  announce() {
    const text = this.phrase.trim();
    this.phrase = "";
    this.waiting = 0;
    if (!text) return;
    element("p", "", this.live).textContent = text;
    if (this.live.childElementCount > 20) this.live.firstChild.remove();
  }

  follow() {
    if (this.follows) this.box.scrollTop = this.box.scrollHeight;
  }
}
