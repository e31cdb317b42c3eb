// The last minutes of sound, so that what a cut connection lost can be sent again.

/** Positions are samples since the sound began. */
export class History {
  constructor(limit) {
    this.limit = limit; // samples that are kept
    this.frames = []; // {start, pcm}, without gaps
    this.start = 0; // of the oldest frame that is kept
    this.end = 0;
  }

  push(pcm) {
    this.frames.push({ start: this.end, pcm });
    this.end += pcm.length;
    while (this.end - this.start > this.limit && this.frames.length > 1) {
      this.start += this.frames.shift().pcm.length;
    }
  }

  /**
   * The sound from `position` on, up to the end of its frame; silence where it is no longer kept,
   * so that all later times stay right. Null at the end.
   */
  from(position) {
    if (position >= this.end) return null;
    if (position < this.start) return new Int16Array(Math.min(this.start - position, 16000));
    let low = 0;
    let high = this.frames.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.frames[middle].start <= position) low = middle;
      else high = middle - 1;
    }
    const { start, pcm } = this.frames[low];
    return pcm.subarray(position - start);
  }
}
