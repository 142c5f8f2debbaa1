// A short sound for a visit, made here: low and soft for who is known, two notes for who is not.

const NOTES = { match: [440], unknown: [587, 440], spoof_suspected: [740, 587, 740] };
const LENGTH_S = 0.14;

let context = null;

export function chime(kind) {
  const notes = NOTES[kind];
  if (!notes) return;
  context ??= new AudioContext();
  notes.forEach((frequency, at) => {
    const start = context.currentTime + at * LENGTH_S;
    const tone = new OscillatorNode(context, { frequency });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.linearRampToValueAtTime(0.15, start + 0.02);
    volume.gain.linearRampToValueAtTime(0, start + LENGTH_S);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + LENGTH_S);
  });
}
