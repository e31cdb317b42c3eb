// Turns what the audio graph plays into frames of 100 ms, s16le mono, with their peak.
// Runs on the audio thread, so that a busy page loses nothing. Every machine with a browser that
// has AudioWorklet stores Int16Array in little-endian order.

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.frame = new Int16Array(Math.round(sampleRate / 10));
    this.filled = 0;
    this.peak = 0;
    this.open = true;
    this.port.onmessage = () => {
      this.open = false;
      if (this.filled > 0) this.post();
      this.port.postMessage(null); // nothing comes after this
    };
  }

  post() {
    const pcm = this.frame.slice(0, this.filled);
    this.port.postMessage({ pcm, peak: this.peak }, [pcm.buffer]);
    this.filled = 0;
    this.peak = 0;
  }

  process([[channel]]) {
    if (!this.open) return false;
    if (!channel) return true; // nothing is connected yet, or no more
    for (const sample of channel) {
      const clipped = Math.max(-1, Math.min(1, sample));
      this.frame[this.filled++] = Math.round(clipped * 32767);
      this.peak = Math.max(this.peak, Math.abs(clipped));
      if (this.filled === this.frame.length) this.post();
    }
    return true;
  }
}

registerProcessor("capture", Capture);
