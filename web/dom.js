// Helpers to make elements.

const SVG = "http://www.w3.org/2000/svg";

/** Makes an element: `make("p", { class: "lead" }, "text", child)`. */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** An icon of 24 × 24, drawn with lines. */
export function icon(path) {
  return draw("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, draw("path", { d: path }));
}

/** A button with an icon; its label is read out, and seen where there is room. */
export function button(path, label, attributes = {}) {
  return make("button", { type: "button", title: label, "aria-label": label, ...attributes }, icon(path), make("span", {}, label));
}

/** Sets a text only when it differs: the same is not read out twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
