// Where the sound comes from: a microphone, or a file that is played at its speaker's pace.
// Both go through the same worklet; what comes out are frames of s16le at `rate`.

const WORKLET = new URL("capture-worklet.js", import.meta.url);
const WANTED_RATE = 16000; // what the engine works at; other rates are resampled by the server

/** Something about the sound that the user can put right. */
export class SoundError extends Error {}

function explained(error) {
  const reasons = {
    NotAllowedError:
      "The browser may not use the microphone. Allow it in the address bar or in the system's privacy settings, then start again.",
    NotFoundError: "No microphone was found. Plug one in, or choose an audio file.",
    NotReadableError: "The microphone is in use by another program, or was switched off. Free it, then start again.",
    OverconstrainedError: "The chosen microphone is gone. Choose another one.",
  };
  return new SoundError(reasons[error.name] ?? `The microphone cannot be opened: ${error.message}`);
}

/** An audio context that knows the worklet, at its own rate unless one is asked for. */
async function prepared(sampleRate) {
  const context = new AudioContext(sampleRate ? { sampleRate } : {});
  await context.audioWorklet.addModule(WORKLET);
  return context;
}

async function stream(device) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new SoundError(
      "Browsers give the microphone only to pages from https or from localhost. Open this page over https, or choose an audio file."
    );
  }
  // cleaning made for phone calls eats the softer parts of speech; an even level does no harm
  const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true };
  if (device) audio.deviceId = { exact: device };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw explained(error);
  }
}

/** Microphones by name; names are known once the microphone has been allowed. */
export async function microphones() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const real = (id) => id && id !== "default" && id !== "communications";
  return devices
    .filter((device) => device.kind === "audioinput" && real(device.deviceId))
    .map((device, i) => ({ id: device.deviceId, label: device.label || `Microphone ${i + 1}` }));
}

/** One run of sound, from start() until it ends or stop() is called. */
export class Sound {
  /**
   * @param onframe called with {pcm, peak}, about ten times a second
   * @param onend called once after the last frame with (reason, sound); the reason says why it
   *     ended by itself, "" where that is no surprise
   */
  constructor(context, source, media, onframe, onend) {
    this.context = context;
    this.source = source;
    this.media = media;
    this.rate = context.sampleRate;
    this.reason = "";
    this.stopped = false;
    this.capture = new AudioWorkletNode(context, "capture", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit", // the graph mixes stereo down
    });
    this.capture.port.onmessage = ({ data }) => {
      if (data) {
        onframe(data);
        return;
      }
      this.context.close();
      onend(this.reason, this);
    };
  }

  static async microphone(device, onframe, onend) {
    // all is made ready first: once the microphone is open, what is said counts
    let context = await prepared(WANTED_RATE);
    let media;
    try {
      media = await stream(device);
    } catch (error) {
      context.close();
      throw error;
    }
    let source;
    try {
      source = context.createMediaStreamSource(media);
    } catch {
      // some browsers want the context to have the microphone's own rate
      context.close();
      context = await prepared();
      source = context.createMediaStreamSource(media);
    }
    const sound = new Sound(context, source, media, onframe, onend);
    media.getAudioTracks()[0].onended = () => sound.stop("The microphone was disconnected.");
    return sound;
  }

  static async file(file, onframe, onend) {
    const context = await prepared(WANTED_RATE);
    const source = context.createBufferSource();
    try {
      source.buffer = await context.decodeAudioData(await file.arrayBuffer());
    } catch {
      context.close();
      throw new SoundError(
        `The browser cannot decode ${file.name}. Most browsers understand WAV, MP3, FLAC, Ogg and M4A.`
      );
    }
    const sound = new Sound(context, source, null, onframe, onend);
    source.onended = () => sound.stop();
    return sound;
  }

  async start() {
    if (this.context.state !== "running") await this.context.resume();
    if (this.stopped) return;
    this.source.connect(this.capture);
    if (!this.media) {
      this.source.connect(this.context.destination); // whoever reads along wants to hear it
      this.source.start();
    }
  }

  stop(reason = "") {
    if (this.stopped) return;
    this.stopped = true;
    this.reason = reason;
    for (const track of this.media?.getTracks() ?? []) track.stop();
    // a context that the browser has suspended still answers: the port does not need its clock
    this.capture.port.postMessage(null);
  }
}
