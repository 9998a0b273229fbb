// Below the picture: how to connect a camera, and where else to watch.

import { icon, make, say } from "./dom.js";
import { STRINGS as S } from "./strings.js";

/** Help for whoever has no camera yet, with this server's own address in the lines to type. */
export function help({ server, named }) {
  const panel = make("section", { class: "panel help", "aria-labelledby": "help" });
  const title = (text) => make("h2", { id: "help" }, text);
  if (server.loopback && server.port) {
    panel.append(
      title(S.loopbackTitle(server.host)),
      make("p", {}, S.loopback),
      console_([`$ lenscast serve --listen [::]:${server.port}`]),
      make("p", {}, S.loopbackDemo),
      console_([`$ lenscast device --server ws://${location.hostname}:${server.port}${server.path}`]),
    );
    return panel;
  }
  panel.append(title(S.helpTitle), ...typed(server, named && server.path));
  return panel;
}

/** The same below a wall, for one more camera. */
export function helpAnother({ server }) {
  const lines = server.loopback && server.port
    ? [make("p", {}, `${S.loopbackTitle(server.host)}. ${S.loopback}`), console_([`$ lenscast serve --listen [::]:${server.port}`])]
    : typed(server, `${server.path}/${S.helpPlaceholder}`);
  return make("details", { class: "panel help" }, make("summary", {}, S.helpAnother), ...lines);
}

/** What is typed on a camera; `path` unless it is the default one. */
function typed({ host, port }, path) {
  if (port === "") return [make("p", {}, S.helpTls)];
  const lines = [
    "wifi set <network> <password> save",
    "wifi connect",
    `stream set host ${host} ${port} save`,
    ...(path ? [`stream set path ${path} save`] : []),
    "stream start",
  ];
  const all = [make("p", {}, S.helpLead), console_(lines.map((line) => `cam> ${line}`))];
  return path ? [...all, make("p", {}, S.helpCamera)] : all;
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

/** What stands in a snippet where a token belongs. */
const TOKEN = "TOKEN";

/** The addresses that other programs can play, and what to paste into them. */
export function links(where, title) {
  const url = (path) => new URL(path, location).href;
  const list = make("ul", {});
  for (const [path, use] of [
    [where.tsStream, S.linkTs],
    [where.mjpegStream, S.linkMjpeg],
    [where.snapshot, S.linkSnapshot],
    [where.jpeg, S.linkPage],
  ]) {
    list.append(make("li", {}, make("div", {}, make("a", { href: path }, path), make("small", {}, use)), copyButton(url(path))));
  }
  const snippets = make("ul", { class: "snippets" });
  for (const [use, text] of [
    [S.snippetPage, `<img src="${url(where.mjpegStream)}?token=${TOKEN}" alt="${escape(title)}">`],
    [S.snippetHome, `type: picture\nimage: ${url(where.mjpegStream)}?token=${TOKEN}`],
    [S.snippetPlay, `ffplay -fflags nobuffer ${url(where.tsStream)}`],
    [S.snippetRecord, `ffmpeg -i ${url(where.tsStream)} -c copy ${where.name}.mp4`],
  ]) {
    snippets.append(make("li", {}, make("div", {}, make("small", {}, use), make("code", {}, text)), copyButton(text)));
  }
  return make(
    "details",
    { class: "panel links" },
    make("summary", {}, S.links),
    ...(where.server.loopback ? [make("p", {}, S.linksLoopback)] : []),
    list,
    make("h3", {}, S.snippets),
    make("p", {}, S.snippetsToken(TOKEN)),
    snippets,
  );
}

/** As HTML has it between double quotes. */
const escape = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");

function copyButton(text) {
  const label = make("span", {}, S.copy);
  const button = make(
    "button",
    { type: "button", class: "copy", "aria-label": `${S.copy}: ${text}` },
    icon("M9 9h11v11H9zM5 15H4V4h11v1"),
    label,
  );
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
