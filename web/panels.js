// Below the picture: how to connect a camera, and where else to watch.

import { icon, make, say } from "./dom.js";
import { STRINGS as S } from "./strings.js";

/** Help for whoever has no camera yet, with this server's own address in the lines to type. */
export function help({ server, named }) {
  const panel = make("section", { class: "panel help", "aria-labelledby": "help" });
  const title = (text) => make("h2", { id: "help" }, text);
  if (server.loopback) {
    panel.append(
      title(S.loopbackTitle(server.host)),
      make("p", {}, S.loopback),
      console_([`$ lenscast serve --listen [::]:${server.port}`]),
      make("p", {}, S.loopbackDemo),
      console_([`$ lenscast device --server ws://${location.host}${server.path}`]),
    );
    return panel;
  }
  const lines = [
    "wifi set <network> <password> save",
    "wifi connect",
    `stream set host ${server.host} ${server.port} save`,
    ...(named ? [`stream set path ${server.path} save`] : []),
    "stream start",
  ];
  panel.append(title(S.helpTitle), make("p", {}, S.helpLead), console_(lines.map((line) => `cam> ${line}`)));
  if (named) panel.append(make("p", {}, S.helpCamera));
  return panel;
}

/** Lines of a console. Its prompt is not part of what is copied. */
function console_(lines) {
  const list = make("ol", { class: "console" });
  for (const line of lines) {
    const [prompt, ...words] = line.split(" ");
    const text = words.join(" ");
    list.append(make("li", {}, make("code", { "data-prompt": prompt }, text), copyButton(text)));
  }
  return list;
}

/** The addresses that other programs can play. */
export function links(where) {
  const list = make("ul", {});
  for (const [path, use] of [
    [where.mjpegStream, S.linkMjpeg],
    [where.tsStream, S.linkTs],
    [where.snapshot, S.linkSnapshot],
  ]) {
    const url = new URL(path, location).href;
    list.append(make("li", {}, make("div", {}, make("a", { href: path }, path), make("small", {}, use)), copyButton(url)));
  }
  return make("section", { class: "panel links", "aria-labelledby": "links" }, make("h2", { id: "links" }, S.links), list);
}

function copyButton(text) {
  const label = make("span", {}, S.copy);
  const button = make("button", { class: "copy", "aria-label": `${S.copy}: ${text}` }, icon("M9 9h11v11H9zM5 15H4V4h11v1"), label);
  button.onclick = async () => {
    await copy(text);
    say(label, S.copied);
    setTimeout(() => say(label, S.copy), 1500);
  };
  return button;
}

async function copy(text) {
  // Browsers have it on HTTPS and localhost only; a home server is mostly neither.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = make("textarea", { class: "offscreen" });
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
