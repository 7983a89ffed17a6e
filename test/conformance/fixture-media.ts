// The smallest image and sound that decode: one red pixel, and an empty 8 kHz track.

/** A PNG of one pixel, base64. */
export const pixelPng =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

/** A WAV without samples, base64. */
export const silentWav = Buffer.concat([
  Buffer.from("RIFF$\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0", "latin1"),
  Buffer.from([0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0]),
  Buffer.from("data\0\0\0\0", "latin1"),
]).toString("base64");
