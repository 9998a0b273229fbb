// What is where on this server. All of it is found from where this module was loaded: the server may stand behind a path.

const BASE = /^https?:/.test(import.meta.url) ? new URL("..", import.meta.url).pathname : "/";

/** Where cameras come to when this page came by TLS, which they have not: a port, "" if there is none, undefined if nobody tells. */
const CAMERA_PORT = globalThis.document?.querySelector("meta[name=camera-port]")?.content;

/** What belongs to no camera. `only` is the camera that the page's address names, null on the wall. */
export function places({ pathname }, base = BASE) {
  const [, page, name] = /^(camera|mjpeg)(?:\/([a-z0-9_-]{1,63}))?\/?$/.exec(pathname.slice(base.length)) ?? [];
  return {
    only: name ?? (page ? "default" : null),
    wall: base,
    icon: `${base}assets/icon.svg`,
    events: `${base}api/events`,
    login: `${base}api/login`,
    me: `${base}api/me`,
    /** Where all cameras that are gone are forgotten. */
    cameras: `${base}api/cameras`,
    /** Where virtual cameras are started and ended. */
    demo: `${base}api/demo`,
  };
}

/** What belongs to a camera: to the one that the page's address names, unless another is asked for. */
export function addresses(location, name = places(location).only ?? "default", base = BASE) {
  const named = name !== "default";
  const sub = named ? `/${name}` : "";
  const secure = location.protocol === "https:";
  const host = location.hostname.replace(/^\[|\]$/g, "");
  return {
    name,
    named,
    socket: (format) => `${secure ? "wss" : "ws"}://${location.host}${base}ws/viewer${sub}?format=${format}&events=1`,
    page: `${base}camera/${name}`,
    jpeg: `${base}mjpeg${sub}`,
    mjpegStream: `${base}stream${sub}.mjpg`,
    tsStream: `${base}stream${sub}.ts`,
    snapshot: `${base}snapshot${sub}.jpg`,
    clock: `${base}api/clock`,
    /** Where the camera is given a title, asked for another picture, and forgotten. */
    change: `${base}api/cameras/${name}`,
    history: `${base}api/cameras/${name}/history`,
    /** Where a camera has to send to. */
    server: {
      host,
      port: (secure ? CAMERA_PORT : undefined) ?? (location.port || (secure ? "443" : "80")),
      path: `${base}ws/camera${sub}`,
      loopback: isLoopback(host),
    },
  };
}

function isLoopback(host) {
  return /^(.+\.)?localhost\.?$/i.test(host) || /^127(\.\d+){3}$/.test(host) || host === "::1";
}
