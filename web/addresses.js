// What is where on this server, for the camera that the page's own address names.

export function addresses(location) {
  const name = /^\/(?:camera|mjpeg)\/([a-z0-9_-]{1,63})\/?$/.exec(location.pathname)?.[1] ?? "default";
  const named = name !== "default";
  const sub = named ? `/${name}` : "";
  const secure = location.protocol === "https:";
  const host = location.hostname.replace(/^\[|\]$/g, "");
  return {
    name,
    named,
    socket: (format) => `${secure ? "wss" : "ws"}://${location.host}/ws/viewer${sub}?format=${format}&events=1`,
    video: named ? `/camera/${name}` : "/",
    jpeg: `/mjpeg${sub}`,
    mjpegStream: `/stream${sub}.mjpg`,
    tsStream: `/stream${sub}.ts`,
    snapshot: `/snapshot${sub}.jpg`,
    /** Where the camera is asked for another picture. */
    change: `/api/cameras/${name}`,
    /** Where a camera has to send to. */
    server: { host, port: location.port || (secure ? "443" : "80"), path: `/ws/camera${sub}`, loopback: isLoopback(host) },
  };
}

function isLoopback(host) {
  return /^(.+\.)?localhost\.?$/i.test(host) || /^127(\.\d+){3}$/.test(host) || host === "::1";
}
