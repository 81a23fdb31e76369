// What can be taken along: the data of the scenario, its brief, and any chart as a picture.

import { base } from "./days.js";
import { showDialog } from "./dialog.js";
import { h, s } from "./dom.js";
import { lang, pick, t } from "./words.js";

const QUANTILES = ["q05", "q25", "q50", "q75", "q95"];
const LOOK = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linejoin", "font-size", "font-weight", "text-anchor"];
const FACE = "Liberation Sans, Arial, Helvetica, sans-serif";

function give(content, name, type) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob(content, { type }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

const stem = (board) => `${t("csv.name")}-${board.answer.scenario.slice(0, 8)}`;

/** The scenario's lines and outcomes as a table, for a spreadsheet. */
export function csv(board) {
  const quote = (text) => `"${String(text).replaceAll('"', '""')}"`;
  const { answer, about } = board;
  const rows = [["kind", "id", "label", "unit", "month", ...QUANTILES.map((q) => `without_${q}`), ...QUANTILES.map((q) => `with_${q}`)]];
  for (const line of answer.lines) {
    const known = about.lines.find((item) => item.id === line.id);
    answer.months.forEach((name, i) => rows.push([known.kind, line.id, quote(pick(known.label)), quote(pick(known.unit_label)), name, ...QUANTILES.map((q) => line.baseline[q][i]), ...QUANTILES.map((q) => line.scenario?.[q][i] ?? "")]));
  }
  const second = [["kind", "id", "label", "unit", "months", "without_mean", "with_mean", "change_mean", "change_q05", "change_q95", "p_wrong_sign"]];
  for (const row of answer.outcomes) {
    const known = about.outcomes.find((item) => item.name === row.name);
    second.push([`outcome_${known.over}`, row.name, quote(pick(known.label)), quote(pick(known.unit_label)), answer.months.length, row.base, row.scenario, row.change, row.q05, row.q95, row.p_wrong_sign]);
  }
  const text = [`# ${location.href}`, ...[...rows, [""], ...second].map((row) => row.join(","))].join("\r\n");
  give(["\ufeff", text, "\r\n"], `${stem(board)}.csv`, "text/csv");
}

/** Fetch a file that the server makes of the scenario. */
async function fetched(board, path, name) {
  const answer = await fetch(base + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(board.scenario.asked()) });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => null);
    throw new Error(problem?.error?.message ?? `${answer.status}`);
  }
  give(await answer.blob(), name);
}

/** Return a drawn chart as a picture that stands alone: title, unit, key and source in it, and its look in attributes. */
export function picture(board, at) {
  const { chart } = board.cards[at];
  const drawn = chart.svg;
  const { width, height } = drawn.getBoundingClientRect();
  const copy = drawn.cloneNode(true);
  const [from, to] = [drawn.querySelectorAll("*"), copy.querySelectorAll("*")];
  from.forEach((node, i) => {
    const look = getComputedStyle(node);
    for (const name of LOOK) to[i].setAttribute(name, look.getPropertyValue(name));
    to[i].removeAttribute("class");
  });
  copy.querySelectorAll("line:not([x1])").forEach((node) => node.remove()); // a cursor that is not shown
  const line = board.line(at);
  const source = board.drawn.histories[at].source;
  const text = (x, y, size, words, look = {}) => s("text", { x, y, "font-size": size, fill: "#5a626b", ...look }, words);
  const changed = Boolean(chart.data.scenario);
  const keys = [["#1b1f24", t("charts.key_history"), ""], ["#0072b2", t("charts.key_baseline"), changed ? "5 3" : ""], ...(changed ? [["#d55e00", t("charts.key_scenario"), ""]] : [])];
  const measure = document.createElement("canvas").getContext("2d");
  measure.font = `11px ${FACE}`;
  let x = 8;
  const legend = keys.flatMap(([colour, words, dash]) => {
    const found = [s("line", { x1: x, x2: x + 16, y1: 51, y2: 51, stroke: colour, "stroke-width": 2.2, "stroke-dasharray": dash || null }), text(x + 21, 55, 11, words)];
    x += 33 + measure.measureText(words).width;
    return found;
  });
  const wide = Math.max(width, x, 480);
  const high = (height * wide) / width;
  const wrapped = wrap(`${t("picture.bands")} ${source ? t("picture.source", { source }) : ""} ${pick(board.about.title)}: ${board.dayWords()}${board.about.provisional ? `. ${t("provisional")}` : ""}.`, wide - 16, measure);
  const tall = high + 72 + wrapped.length * 14;
  for (const [name, value] of Object.entries({ x: 0, y: 62, width: wide, height: high, class: null })) {
    if (value === null) copy.removeAttribute(name);
    else copy.setAttribute(name, value);
  }
  const words = drawn.getAttribute("aria-label");
  copy.removeAttribute("aria-label");
  copy.removeAttribute("tabindex");
  const whole = s("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${wide} ${tall}`, width: wide, height: tall, "font-family": FACE, role: "img", lang },
    s("title", {}, `${pick(line.label)} (${pick(line.unit_label)})`), s("desc", {}, words),
    s("rect", { width: wide, height: tall, fill: "#fff" }),
    text(8, 20, 15, pick(line.label), { "font-weight": "bold", fill: "#1b1f24" }), text(8, 37, 11, pick(line.unit_label)), ...legend, copy,
    ...wrapped.map((row, i) => text(8, high + 78 + i * 14, 10.5, row)));
  return { text: new XMLSerializer().serializeToString(whole), width: wide, height: tall };
}

function wrap(text, width, measure) {
  const rows = [""];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = rows.at(-1) ? `${rows.at(-1)} ${word}` : word;
    if (rows.at(-1) && measure.measureText(longer).width > width) rows.push(word);
    else rows[rows.length - 1] = longer;
  }
  return rows;
}

async function png({ text, width, height }) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = h("canvas", { width: Math.round(width * 2), height: Math.round(height * 2) });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** Open the choice of what to take along. */
export function openDownloads(board) {
  const said = h("p", { class: "said", role: "status" });
  const button = (id, act) => h("button", { type: "button", class: "action", id: `get-${id}`, onclick: async () => {
    said.textContent = t("take.working");
    try {
      await act();
      said.textContent = t("take.done");
    } catch (problem) {
      said.textContent = t("refused", { reason: problem.message });
    }
  } }, t(`take.${id}`));
  const choice = h("select", { "aria-label": t("take.chart"), id: "get-chart" }, ...board.cards.map((_, i) => h("option", { value: i }, `${i + 1}. ${pick(board.line(i).label)}`)));
  const chart = () => Number(choice.value);
  const name = (ending) => `${board.line(chart()).id.replaceAll(/[^\w.-]/g, "-")}.${ending}`;
  const part = (key, ...nodes) => h("section", { class: "take" }, h("h3", {}, t(`take.${key}`)), h("p", { class: "fine" }, t(`take.${key}_help`)), h("div", { class: "group" }, ...nodes));
  showDialog("downloads", t("download"), said,
    part("data", button("csv", () => csv(board)), button("netcdf", () => fetched(board, "/api/download/netcdf", `${stem(board)}.nc`))),
    part("brief", ...["html", "pdf"].map((form) => button(form, () => fetched(board, `/api/download/brief?lang=${lang}&form=${form}`, `${stem(board)}.${lang}.${form}`)))),
    part("chart", choice, button("svg", () => give([picture(board, chart()).text], name("svg"), "image/svg+xml")), button("png", async () => give(await png(picture(board, chart())), name("png")))),
  );
}
