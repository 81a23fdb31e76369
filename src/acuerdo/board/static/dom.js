// Small helpers to build the page. Text is only ever set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.setAttribute("class", value);
    else if (name in node && !(node instanceof SVGElement) && name !== "list" && name !== "form") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Return a new element with properties, attributes, `on...` listeners and children. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** Return a new SVG element. */
export function s(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

const ICONS = {
  undo: "M5 4 2 7l3 3M2.5 7H9a4 4 0 0 1 0 8H6",
  redo: "M11 4l3 3-3 3M13.5 7H7a4 4 0 0 0 0 8h3",
  reset: "M4 4l8 8M12 4l-8 8",
  clear: "M5 4 2 7l3 3M2.5 7H9a4 4 0 0 1 0 8H6",
  share: "M8 10V2M5 4.5 8 1.5l3 3M4 7H3v7h10V7h-1",
  download: "M8 2v8M5 7.5 8 10.5l3-3M3 13.5h10",
  replay: "M3 8a5 5 0 1 0 2-4M5 1v3h3",
  library: "M3 2v12M6 2v12M9 2.5l4 11M1.5 14h13",
  compare: "M2 13V7h3v6M6.5 13V3h3v10M11 13V9h3v4M1 13.5h14",
  plus: "M8 3v10M3 8h10",
  present: "M1.5 3h13v8h-13zM8 11v3M5 14.5h6",
  why: "M5 5.2a3 3 0 1 1 4.6 2.5C8.5 8.5 8 9 8 10.2M8 13v.6",
  inside: "M7 2a5 5 0 1 1 0 10A5 5 0 0 1 7 2M11 11l3.5 3.5",
  more: "M3 6l5 5 5-5",
};

/** Return a small drawing that stands for an action; its button carries the words. */
export function icon(name) {
  return s("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, s("path", { d: ICONS[name] }));
}

/** Whether the reader wants nothing to move. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export const $ = (id) => document.getElementById(id);

/** Set attributes of an SVG element; null takes one away. */
export function attrs(node, values) {
  for (const [name, value] of Object.entries(values)) {
    if (value === null) node.removeAttribute(name);
    else node.setAttribute(name, value);
  }
  return node;
}
