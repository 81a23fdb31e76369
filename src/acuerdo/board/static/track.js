// Past forecasts of a series beside what came, and the pictures of the look-inside dialog.

import { count, monthOf, niceDomain } from "./chart.js";
import { base } from "./days.js";
import { h, s } from "./dom.js";
import { compact, day, interval, lang, month, number, percent, pick, rounded, t } from "./words.js";

/** Return a section with the track record of a line; it is filled when the answer comes. */
export function trackRecord(board, line) {
  const node = h("div", { class: "record", id: "inside-record" }, t("record.working"));
  board.fetch(`/api/record/${encodeURIComponent(line)}`).then(
    (told) => node.replaceChildren(...words(board, told)),
    (problem) => node.replaceChildren(problem.message),
  );
  return node;
}

function words(board, told) {
  const about = board.about.lines.find((item) => item.id === told.id);
  const found = [h("p", {}, h("strong", {}, pick(about.label)), " ", h("span", { class: "unit" }, pick(about.unit_label)))];
  if (told.reason) found.push(h("p", {}, t(`record.none_${told.reason}`)));
  for (const one of told.forecasts) {
    const skill = one.skill === null ? "" : ` ${t(one.skill >= 0 ? "record.better" : "record.worse", { share: percent(Math.abs(one.skill)) })}`;
    found.push(
      h("p", {}, t("record.inside", { day: day(one.day), scored: number(one.scored.length), in90: number(one.inside_90), in50: number(one.inside_50) }), skill),
      picture(one, pick(about.label)),
      h("details", {}, h("summary", {}, t("record.table")), table(one)),
    );
  }
  if (told.forecasts.length) found.push(h("p", { class: "fine" }, t("record.note")));
  if (told.weights.length) {
    const list = told.weights.map((row) => t("record.weight", { count: row.horizon, share: percent(row.weight) })).join(", ");
    found.push(h("p", {}, t("record.weights", { list }), told.weights_same_model ? "" : ` ${t("record.other_model")}`));
  }
  return found;
}

function table(one) {
  const at = (row) => one.months.indexOf(row.month);
  return h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ...["month", "published", "median", "band"].map((name) => h("th", { scope: "col" }, t(`record.${name}`))))),
    h("tbody", {}, ...one.scored.map((row) => h("tr", {}, h("th", { scope: "row" }, month(row.month)), h("td", {}, rounded(row.published)), h("td", {}, rounded(one.band.q50[at(row)])), h("td", {}, interval(one.band.q05[at(row)], one.band.q95[at(row)])))))));
}

function picture(one, label) {
  const [width, height, left, bottom] = [Math.min(420, innerWidth - 60), 170, 46, 22]; // about as wide as it is shown
  const { band, months } = one;
  const domain = niceDomain(Math.min(...band.q05), Math.max(...band.q95, ...one.scored.map((row) => row.published)));
  const x = (i) => left + ((i + 0.5) / months.length) * (width - left - 8);
  const y = (value) => 8 + (1 - (value - domain.low) / (domain.high - domain.low)) * (height - bottom - 8);
  const point = (value, i) => `${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
  const area = (low, high) => `M${[...low.map(point), ...high.map(point).reverse()].join("L")}Z`;
  const first = count(months[0]);
  const ticks = months.map((_, i) => i).filter((i) => (first + i) % 6 === 0);
  return s("svg", { class: "chart record-chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": t("record.words", { label, day: day(one.day) }) },
    s("g", { class: "grid" }, ...domain.ticks.flatMap((tick) => [s("line", { x1: left, x2: width - 8, y1: y(tick), y2: y(tick) }), s("text", { x: left - 6, y: y(tick), dy: "0.35em", "text-anchor": "end" }, compact(tick))])),
    s("path", { class: "base outer", d: area(band.q05, band.q95) }),
    s("path", { class: "base inner", d: area(band.q25, band.q75) }),
    s("path", { class: "base line", d: `M${band.q50.map(point).join("L")}` }),
    s("g", { class: "dots" }, ...one.scored.map((row) => s("circle", { cx: x(months.indexOf(row.month)), cy: y(row.published), r: 3.2, class: row.inside_90 ? "" : "outside" }))),
    ...ticks.map((i) => s("text", { x: x(i), y: height - 6, "text-anchor": "middle" }, month(monthOf(first + i)))));
}

/** Return the range before the figures against the range after them, member by member, as a picture. */
export function priorPicture(said) {
  const rows = Object.entries(said.posterior).map(([member, after]) => [said.prior.points[member], after]);
  const all = rows.flatMap((pair) => pair.flatMap(({ low, high }) => [low, high]));
  const [low, high] = [Math.min(...all), Math.max(...all)];
  if (!(high > low)) return "";
  const x = (value) => 6 + ((value - low) / (high - low)) * 288;
  const mark = (points, kind, top) => [
    s("line", { class: kind, x1: x(points.low), x2: x(points.high), y1: top, y2: top }),
    s("circle", { class: kind, cx: x(points.median), cy: top, r: 4 }),
  ];
  return h("div", { class: "ranges" },
    s("svg", { viewBox: `0 0 300 ${rows.length * 28}`, role: "img", "aria-label": t("inside.ranges") }, ...rows.flatMap(([before, after], i) => [...mark(before, "before", i * 28 + 8), ...mark(after, "after", i * 28 + 20)])),
    h("p", { class: "fine" }, h("span", { class: "swatch before" }), ` ${t("inside.prior")} `, h("span", { class: "swatch base" }), ` ${t("inside.posterior")}`));
}

/** Return the causal diagram of a sector, fetched when it is opened. */
export function sectorDiagram(sector, name) {
  const address = `${base}/api/diagram/${encodeURIComponent(sector)}?lang=${encodeURIComponent(lang)}`;
  const frame = h("div", { class: "diagram", tabindex: 0, role: "region", "aria-label": t("inside.diagram", { sector: name }) });
  return h("details", { class: "wide", id: "inside-diagram", ontoggle: (event) => {
    if (event.target.open && !frame.firstChild) frame.append(h("img", { src: address, alt: t("inside.diagram_words", { sector: name }) }));
  } }, h("summary", {}, t("inside.diagram", { sector: name })), frame, h("p", { class: "fine" }, h("a", { href: address, target: "_blank", rel: "noreferrer" }, t("inside.diagram_large"))));
}
