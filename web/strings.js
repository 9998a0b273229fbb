// Every word the pages say, in one place.

export const STRINGS = {
  product: "lenscast",
  nav: "Way to watch",
  navVideo: "Video",
  navJpeg: "JPEG",
  pictureOf: (name) => `Live picture of camera ${name}`,
  fullscreen: "Full screen",
  play: "Play",

  connecting: "Connecting to the server…",
  reconnecting: "Reconnecting to the server…",
  waiting: "No camera connected yet",
  waitingMore: "Its picture will appear here.",
  left: "Camera disconnected",
  leftMore: (time) => `${time} ago, waiting for it`,
  noFrame: "Camera connected, waiting for its first picture",
  silent: "Camera silent",
  since: (time) => `for ${time}`,
  starting: "Camera live, starting the picture",
  blocked: "The browser waits for your click",
  stalled: "Nothing new arrives from the server",
  frozen: "The browser shows no new picture",
  live: "Live",

  rate: "Rate",
  size: "Picture",
  delay: "Delay",
  delayHint: "Estimated: how long pictures wait on the way and in this browser, beyond the fastest",
  age: "Age",
  lost: "Lost",
  way: "Playing",
  none: "–",
  fps: (n) => `${n < 9.95 ? n.toFixed(1) : Math.round(n)} fps`,
  pixels: (width, height) => `${width} × ${height}`,
  frames: (n) => (n === 1 ? "1 frame" : `${n} frames`),
  wayVideo: "H.264 video",
  wayJpeg: "JPEG pictures",
  fallback: "So you see the camera's JPEG pictures as they come.",

  helpTitle: "Connect your first camera",
  helpLead: "Plug the camera in by USB, open its console and type these lines:",
  helpCamera: "The line with the path is for firmware of lenscast: the original firmware knows no names, and sends to the first page.",
  loopbackTitle: (host) => `Cameras cannot reach ${host}`,
  loopback:
    "That means this computer only. Open this page at the network address that the server printed at its start, and " +
    "the lines to type on the camera stand here. If it printed none, start it so:",
  loopbackDemo: "Or try it without a camera:",

  diagnosis: "What is wrong with the camera",
  device: "The camera",
  signal: "WiFi signal",
  signalOf: (dbm) => `${signalWord(dbm)} (${dbm < 0 ? "−" : ""}${Math.abs(dbm)} dBm)`,
  sends: "It sends",
  pictureNow: ({ width, height, quality, fps }) => `${width} × ${height}, quality ${quality}, up to ${round(fps)} fps`,
  running: "Running for",
  started: "Last start",
  firmware: "Firmware",
  changeForm: "Ask the camera for another picture",
  changeElsewhere: "To change the picture, open this page on the computer that runs lenscast.",
  sizeOf: (name, width, height) => `${name.toUpperCase()} (${width} × ${height})`,
  wishSize: "Size",
  wishQuality: "JPEG quality",
  wishFps: "Pictures a second, at most",
  change: "Change",
  asking: "Asking the camera…",
  asked: "The camera was asked, and its picture changes in a moment.",
  notAsked: "The server did not answer. Try again.",
  changed: "Changed, until the camera starts again.",
  notChanged: "The camera did not take all of it: these are the values that it uses now.",

  links: "Watch it elsewhere",
  linkMjpeg: "Web pages, Home Assistant",
  linkTs: "VLC, mpv, OBS, ffmpeg",
  linkSnapshot: "One picture, the newest",
  copy: "Copy",
  copied: "Copied",

  noSource: "This browser has no Media Source Extensions",
  noCodec: (codec) => `This browser does not play ${codec}`,
  keepsFailing: "The video failed again and again",
};

/** The same words as in the server's diagnosis, from −75 dBm down. */
function signalWord(dbm) {
  if (dbm >= -60) return "very good";
  if (dbm >= -67) return "good";
  if (dbm >= -75) return "fair";
  return dbm >= -85 ? "weak" : "very weak";
}

const round = (number) => Math.round(number * 10) / 10;

/** A time span in seconds as people say it. */
export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  return `${Math.floor(s / 3600)} h`;
}
