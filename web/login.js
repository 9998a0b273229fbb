// The page to log in, in place of one that its reader may not see.

import { places } from "./addresses.js";
import { ask } from "./api.js";
import { make, say } from "./dom.js";
import { STRINGS as S } from "./strings.js";

/** What a token or share link looks like, alone or in an address. */
const TOKEN = /(?:^|[?&]token=)(lcs?_[\w.-]+)/;

const at = places(location);
// A token that was no good is nothing to keep in the address or in a bookmark.
const here = new URL(location);
const hadToken = here.searchParams.has("token");
here.searchParams.delete("token");
if (hadToken) history.replaceState(null, "", here);

document.title = S.title(S.login);

const field = (label, attributes) => make("label", {}, label, make("input", attributes));
const name = field(S.loginName, { name: "name", autocomplete: "username", autocapitalize: "none", spellcheck: "false" });
const password = field(S.loginPassword, { name: "password", type: "password", autocomplete: "current-password" });
const link = field(S.loginLink, { name: "link", autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
const button = make("button", { class: "primary" }, S.login);
const answer = make("p", { class: "answer", role: "status" });
/** Why this place does not give the right that others have here, if it does not. */
const reason = document.querySelector("meta[name=reason]")?.content;
const lead = make("p", { class: "lead" }, hadToken ? S.loginBadLink : reason ? S.loginReason(reason) : S.loginLead);
const form = make(
  "form",
  { class: "login panel", novalidate: "" },
  make("h2", {}, S.login),
  lead,
  name,
  password,
  make("p", { class: "hint" }, S.loginOr),
  link,
  make("p", { class: "row" }, button),
  answer,
);

const brand = make("a", { class: "brand", href: at.wall }, make("img", { src: at.icon, alt: "", width: "28", height: "28" }), S.product);
document.body.append(make("header", {}, brand), make("main", {}, form, make("p", { class: "hint" }, S.loginHelp)));
input(name).focus();

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = credential();
  if (!given) return say(answer, S.loginMissing);
  button.disabled = true;
  say(answer, S.loginAsking);
  const { sentence } = await ask("POST", at.login, given);
  if (!sentence) return location.reload();
  button.disabled = false;
  input(password).value = "";
  say(answer, sentence);
});

/** What was typed: a link goes before a password. */
function credential() {
  const text = input(link).value.trim();
  if (text) return { token: TOKEN.exec(text)?.[1] ?? text };
  return input(password).value && { name: input(name).value.trim(), password: input(password).value };
}

function input(label) {
  return label.querySelector("input");
}

const who = await fetch(at.me).then((answer) => (answer.ok ? answer.json() : null), () => null);
// Somebody who has logged in, but not for this.
if (who?.name && !hadToken && !reason) say(lead, S.loginOther(who.name));
