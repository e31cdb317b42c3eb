// The transcript as files: plain text and SubRip. Cues are cut as `simulst interpret` cuts them:
// a cue appears when its first word was written and grows; no word is dropped or moved.

const LINES = 2;
const LINE_CELLS = 42;
const WIDE_CELLS = 32; // of a line with full-width characters
const LONGEST_S = 6;
const PAUSE_S = 2;
const SHORTEST_S = 1;
const CELLS_PER_S = 20; // fastest reading expected of a viewer

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60]/;

// Marks that may not begin a line, those that may not end one, and parts of one Latin word.
const NEVER_FIRST =
  /[\p{Pe}\p{Pf}\p{M}\p{Lm}、。，．,.・：:；;？?！!…‥‼⁇⁈⁉%％‰°′″℃ーゝゞヽヾ々〻‐゠–～〜ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ’”]/u;
const NEVER_LAST = /[\p{Ps}\p{Pi}$¥￥£＄￡#＃‘“]/u;
const LATIN = /[0-9A-Za-z]/;

/** Whether a line may end between two units. */
function mayBreak(before, unit) {
  if (unit.space) return true;
  const [first] = unit.text;
  const last = [...before].at(-1);
  if (NEVER_FIRST.test(first) || NEVER_LAST.test(last)) return false;
  return !(LATIN.test(last) && LATIN.test(first));
}

/** Width in character cells; those of East Asian scripts take two. */
function cells(text) {
  let width = 0;
  for (const character of text) {
    width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}

/** The lines with one more unit, or null where it does not fit. */
function grown({ lines, before }, unit) {
  const last = lines.at(-1);
  const longer = last + unit.space + unit.text;
  const most = WIDE.test(longer) && mayBreak(before, unit) ? WIDE_CELLS : LINE_CELLS;
  if (cells(longer) <= most) return [...lines.slice(0, -1), longer];
  return lines.length < LINES ? [...lines, unit.text] : null;
}

/**
 * @param units [{text, space, sentence, shown_s}], in order
 * @returns [{start_s, end_s, lines}]
 */
export function cues(units) {
  const done = [];
  let cue = null;
  let free_s = 0; // end of the cue before
  const close = (until_s) => {
    const reading_s = cue.lines.reduce((sum, line) => sum + cells(line), 0) / CELLS_PER_S;
    const least_s = Math.min(Math.max(SHORTEST_S, reading_s), LONGEST_S);
    free_s = Math.max(
      cue.start_s + least_s,
      Math.min(until_s, cue.last_s + PAUSE_S, cue.start_s + LONGEST_S)
    );
    done.push({ start_s: cue.start_s, end_s: free_s, lines: cue.lines });
  };
  for (const unit of units) {
    const lines = cue && grown(cue, unit);
    const mark = !unit.space && [...unit.text].every((letter) => NEVER_FIRST.test(letter));
    const fits =
      lines &&
      unit.sentence === cue.sentence &&
      unit.shown_s - cue.last_s < PAUSE_S &&
      (mark || unit.shown_s - cue.start_s < LONGEST_S);
    if (fits) {
      cue = { ...cue, lines, before: unit.text, last_s: unit.shown_s };
      continue;
    }
    if (cue) close(unit.shown_s);
    cue = {
      start_s: Math.max(unit.shown_s, free_s),
      last_s: unit.shown_s,
      sentence: unit.sentence,
      lines: [unit.text],
      before: unit.text,
    };
  }
  if (cue) close(cue.last_s + PAUSE_S);
  return done;
}

function clock(s) {
  const ms = Math.floor(s * 1000 + 1e-6);
  const two = (n) => String(Math.floor(n) % 60).padStart(2, "0");
  const hours = String(Math.floor(ms / 3600000)).padStart(2, "0");
  return `${hours}:${two(ms / 60000)}:${two(ms / 1000)},${String(ms % 1000).padStart(3, "0")}`;
}

/** SubRip. */
export function srt(units) {
  return cues(units)
    .map((cue, i) => `${i + 1}\n${clock(cue.start_s)} --> ${clock(cue.end_s)}\n${cue.lines.join("\n")}\n\n`)
    .join("");
}

/** A sentence a line. */
export function txt(units) {
  let text = "";
  let sentence = null;
  for (const unit of units) {
    if (sentence !== null) text += unit.sentence === sentence ? unit.space : "\n";
    text += unit.text;
    sentence = unit.sentence;
  }
  return text && text + "\n";
}
