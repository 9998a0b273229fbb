// Every word the pages say, in one place; but why a frame is refused, the server and its documents say alike.

import { CAUSES, MENDS } from "./causes.js";

export const STRINGS = {
  product: "lenscast",
  title: (...parts) => [...parts, "lenscast"].join(" · "),

  // The wall
  cameras: (count, live) => `${count} cameras, ${live === count ? "all" : live} live`,
  noCameras: "No cameras",
  wall: "Cameras",
  allCameras: "All cameras",
  enlarge: (title) => `Enlarge ${title}`,
  appeared: (title) => `${title} is connected.`,
  vanished: (title) => `${title} is disconnected.`,
  forget: "Forget",
  forgetThis: (title) => `Forget ${title}`,
  forgetAll: (count) => `Forget all ${count} that are gone`,
  forgotten: "All cameras that were gone are forgotten.",
  virtual: "virtual",
  startDemo: "Start a virtual camera",
  stopDemo: "End this virtual camera",
  goneLong: "This camera is gone. It comes back by itself when it connects; forgotten, its title goes too.",
  demo: "This is a virtual camera: the server makes its pictures itself.",

  // How things are
  connecting: "Connecting to the server…",
  reconnecting: "Reconnecting to the server…",
  waiting: "No camera connected yet",
  waitingMore: "Its picture will appear here.",
  refusedCameras: "Cameras that were not let in",
  left: "Camera disconnected",
  leftMore: (time) => `${time} ago, waiting for it`,
  gone: (time) => `gone for ${time}`,
  noFrame: "Camera connected, waiting for its first picture",
  refused: "What the camera sends is refused",
  silent: "Camera silent",
  since: (time) => `for ${time}`,
  starting: "Camera live, starting the picture",
  blocked: "The browser waits for your click",
  paused: "Paused while nobody looks",
  stalled: "Nothing new arrives from the server",
  offline: "This device has no network",
  noVideo: "No video of the camera's pictures",
  troubleMore: ({ text, advice }) => `${text[0].toUpperCase()}${text.slice(1)}. ${advice}`,
  frozen: "The browser shows no new picture",
  live: "Live",
  pictureOf: (title) => `Live picture of ${title}`,

  // What can be done
  actions: "What to do with the picture",
  play: "Play",
  fullscreen: "Full screen",
  pictureInPicture: "Picture in picture",
  snapshot: "Snapshot",
  record: "Record",
  stop: "Stop",
  recordStop: "Stop and save",
  recorded: (seconds, bytes) => `${clock(seconds)} · ${size(bytes)}`,
  saved: (file) => `Saved ${file}`,
  noSnapshot: "There is no picture to save.",
  noRecording: "Nothing was recorded.",
  noPictureInPicture: "The browser does not allow that now.",
  share: "Links",
  adjust: "Picture",
  play_: "Way of playing",
  ways: { auto: "Auto", webcodecs: "No buffer (WebCodecs)", mse: "Buffered (MSE)", jpeg: "JPEG pictures" },
  rename: "Rename",
  renameLabel: "Title of the camera",
  renameHint: "Paths and links stay as they are. Empty: back to the name.",
  save: "Save",
  cancel: "Cancel",
  notAsked: "The server did not answer. Try again.",

  // Numbers
  numbers: "Numbers",
  rate: "Rate",
  size: "Picture",
  bitrate: "Bitrate",
  age: "Age",
  ageHint: "From a picture's arrival at the server until it was shown here",
  lost: "Lost",
  lostHint: "Pictures that this page missed since it was opened",
  way: "Playing",
  none: "–",
  fps: (n) => (n > 0 && n < 0.75 ? `1 in ${Math.round(1 / n)} s` : `${n < 9.95 ? n.toFixed(1) : Math.round(n)} fps`),
  pixels: (width, height) => `${width} × ${height}`,
  bits: (n) => (n < 999_500 ? `${Math.round(n / 1000)} kbit/s` : `${(n / 1e6).toFixed(1)} Mbit/s`),
  ms: (n) => `${n < 9.95 ? n.toFixed(1) : Math.round(n)} ms`,
  frames: (n) => (n === 1 ? "1 frame" : `${n} frames`),
  playing: { webcodecs: "H.264, no buffer", mse: "H.264, buffered", jpeg: "JPEG pictures" },
  because: (way, reason) => `It is played as ${way}. ${reason}.`,
  fallback: "So you see the camera's JPEG pictures as they come.",

  stages: "Where the time goes",
  stagesLead: "From the last byte of a picture at the server until the picture is on your screen, each a mean:",
  stageNames: {
    ingest: "Taken in",
    decode: "JPEG decoded",
    encode: "Video encoded",
    queue: "In the queue",
    network: "On the network",
    render: "In this browser",
  },
  stagesTotal: "Together",
  stagesUnknown: "The parts are known once a picture plays.",

  losses: "Pictures lost, and why",
  lossesNothing: "None.",
  lossSkipped: "left out for this page, which read too slowly",
  lossLate: "came, but this browser was too slow to show them",
  lossDropped: "not encoded: a newer one came before the encoder was free",
  lossBursts: "not encoded: they come in bursts, several at once (the WiFi is weak)",
  lossSlow: "not encoded: the server's computer is too slow for so many",
  lossQuarantined: (cause) => `refused: ${CAUSES[cause] ?? cause.replaceAll("_", " ")}`,
  lossDevice: "left out by the camera: a newer one came, or the connection broke",
  lossFaults: "not delivered whole by the camera's sensor",
  lossTooBig: "too big for the camera's frame buffer (counted above as well)",
  mended: (kinds) => `Mended by the server, and shown: ${kinds}.`,
  mendedKind: (kind, number) => `${number} × ${MENDS[kind] ?? kind.replaceAll("_", " ")}`,
  lossesSince: "The server counts since it started, the camera since it did, and this page since it was opened.",

  history: "The last 10 minutes",
  historyRate: "Rate",
  historyLatency: "Time in the server",
  historyStart: "10 min ago",
  historyEnd: "now",
  historySaid: (name, now, low, high) => `${name} over the last ten minutes: now ${now}, lowest ${low}, highest ${high}.`,
  historyNothing: (name) => `${name} over the last ten minutes: nothing measured.`,

  // Help
  helpTitle: "Connect your first camera",
  helpAnother: "Connect another camera",
  helpPlaceholder: "<name>",
  helpLead: "Plug the camera in by USB, open its console and type these lines:",
  helpTls: "This server takes cameras with TLS only, which few have. With plain = \"cameras\" in its configuration, it takes the others, too.",
  helpCamera: "The line with the path is for firmware of lenscast: the original firmware knows no names, and its camera is called default.",
  loopbackTitle: (host) => `Cameras cannot reach ${host}`,
  loopback:
    "That means this computer only. Open this page at the network address that the server printed at its start, and " +
    "the lines to type on the camera stand here. If it printed none, start it so:",
  loopbackDemo: "Or try it without a camera:",

  // The device
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
  changeElsewhere: "To change the picture or the title, log in as somebody who may, or open this page on the computer that runs lenscast.",
  sizeOf: (name, width, height) => `${name.toUpperCase()} (${width} × ${height})`,
  wishSize: "Size",
  wishQuality: "JPEG quality",
  wishFps: "Pictures a second, at most",
  change: "Change",
  asking: "Asking the camera…",
  asked: "The camera was asked, and its picture changes in a moment.",
  changed: "Changed, until the camera starts again.",
  notChanged: "The camera did not take all of it: these are the values that it uses now.",

  // The way up
  turnTitle: "Which way up",
  turn: "Turned",
  turned: (degrees) => ({ 0: "Not turned", 90: "90° to the right", 180: "Upside down", 270: "90° to the left" })[degrees],
  mirrored: "Mirrored",
  turnAsked: "The next picture is turned so.",

  // Links
  links: "Watch it elsewhere",
  linkMjpeg: "Home Assistant (MJPEG IP Camera), web pages",
  linkTs: "VLC, mpv, OBS, ffmpeg",
  linkSnapshot: "One picture, the newest; Home Assistant's still image",
  linkPage: "A page that shows JPEG pictures only, for old browsers",
  snippets: "Ready to paste",
  snippetsToken: (token) =>
    `Pages of other servers show the picture only with a token in its address: for ${token}, put one that ` +
    `"lenscast access new view" or "lenscast share" prints.`,
  snippetPage: "Into a web page",
  snippetHome: "Home Assistant, dashboard card",
  snippetPlay: "Play on another computer",
  snippetRecord: "Record without a browser",
  linksLoopback: "These addresses work on this computer only. Open the page at its network address for ones that work elsewhere.",
  copy: "Copy",
  copied: "Copied",

  // Logging in
  login: "Log in",
  loginReason: (reason) => `${reason} Or log in:`,
  loginLead: "To see this, log in, or open the link that you were given.",
  loginBadLink: "This link is not, or no longer, good. Ask for another one, or log in.",
  loginOther: (name) => `You are here as ${name}, which does not allow to see this. Log in as somebody else, or open another link.`,
  loginName: "Name",
  loginPassword: "Password",
  loginOr: "Or instead, without a password:",
  loginLink: "Link or token",
  loginMissing: "Type your password, or paste the link.",
  loginAsking: "Logging in…",
  loginHelp: "The links were printed when lenscast was first started. On the computer that runs it, no login is needed.",

  // The player
  noWebCodecs: "This browser has no WebCodecs",
  insecure: "Browsers play without a buffer only on pages with https",
  noSource: "This browser has no Media Source Extensions",
  noCodec: (codec) => `This browser does not play ${codec}`,
  noVideoOf: (trouble) => (trouble ? `There is no video, since of each picture: ${trouble.text}` : "There is no video of the camera's pictures"),
  keepsFailing: "The video failed again and again",
  noWorker: "The browser's worker for video did not start",
  clipLost: "The connection to the server broke",
  clipLeft: "The camera left",
  clipChanged: "The picture's size changed",
  clipLong: "A clip ends after ten minutes or 200 MB",
};

/** The same words as in the server's diagnosis, from −75 dBm down. */
function signalWord(dbm) {
  if (dbm >= -60) return "very good";
  if (dbm >= -67) return "good";
  if (dbm >= -75) return "fair";
  return dbm >= -85 ? "weak" : "very weak";
}

const round = (number) => Math.round(number * 10) / 10;

const size = (bytes) => (bytes < 999_500 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function clock(seconds) {
  const s = Math.floor(seconds);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

/** A time span in seconds as people say it. */
export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  return `${Math.floor(s / 3600)} h`;
}
