// Charts as SVG: what was published, then medians with their 50 and 90 % bands. Drawn anew in a few milliseconds.

import { attrs, h, s } from "./dom.js";
import { compact, interval, month, rounded, t } from "./words.js";

const HEIGHT = 190;
const SMALL = { left: 44, right: 52, top: 10, bottom: 22 };
const LARGE = { left: 64, right: 72, top: 14, bottom: 32 };
const PAST = 36;

/** Return round ends that hold low to high, and the ticks between them. */
export function niceDomain(low, high, ticks = 4) {
  low = Math.min(low, 0);
  high = Math.max(high, 0);
  if (!(high > low)) high = low + 1;
  const raw = (high - low) / ticks;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= raw * 0.999);
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  const found = [];
  for (let i = first; i <= last; i += 1) found.push(i * step);
  return { low: first * step, high: last * step, ticks: found };
}

/** Count months from year 0, to place them on the axis. */
export function count(text) {
  const [year, index] = text.split("-").map(Number);
  return year * 12 + index - 1;
}

export const monthOf = (index) => `${Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, "0")}`;

function path(points) {
  let text = "";
  let pen = false;
  for (const [x, y] of points) {
    if (y === null) pen = false;
    else {
      text += `${pen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      pen = true;
    }
  }
  return text;
}

function band(xs, low, high) {
  const there = xs.map((x, i) => `${x.toFixed(1)} ${low[i].toFixed(1)}`);
  const back = xs.map((x, i) => `${x.toFixed(1)} ${high[i].toFixed(1)}`).reverse();
  return `M${there.concat(back).join("L")}Z`;
}

/** Keep labels apart: returns places at least `gap` from each other. */
function apart(places, gap) {
  const order = places.map((place, i) => [place, i]).sort((a, b) => a[0] - b[0]);
  for (let i = 1; i < order.length; i += 1) {
    const short = gap - (order[i][0] - order[i - 1][0]);
    if (short > 0) {
      order[i - 1][0] -= short / 2;
      order[i][0] += short / 2;
    }
  }
  return order.sort((a, b) => a[1] - b[1]).map(([place]) => place);
}

export class Chart {
  /** A chart that is drawn again and again into the same elements. `onopen` is called when it is clicked. */
  constructor(onopen) {
    this.parts = {
      grid: s("g", { class: "grid" }),
      axis: s("g", { class: "axis" }),
      outer: s("path", { class: "base outer" }),
      inner: s("path", { class: "base inner" }),
      scenarioOuter: s("path", { class: "scen outer" }),
      scenarioInner: s("path", { class: "scen inner" }),
      history: s("path", { class: "past" }),
      dots: s("g", { class: "dots" }),
      median: s("path", { class: "base line" }),
      scenarioMedian: s("path", { class: "scen line" }),
      labels: s("g", { class: "ends" }),
      start: s("line", { class: "today" }),
      cursor: s("line", { class: "cursor" }),
    };
    this.svg = s("svg", { class: "chart", role: "img", tabindex: 0, preserveAspectRatio: "none" }, ...Object.values(this.parts));
    this.readout = h("p", { class: "readout" });
    this.at = null;
    this.width = 0;
    this.height = HEIGHT;
    this.pad = SMALL;
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.look(null));
    this.svg.addEventListener("click", onopen);
    this.svg.addEventListener("keydown", (event) => this.key(event, onopen));
    new ResizeObserver(() => this.resize()).observe(this.svg);
  }

  resize() {
    const box = this.svg.getBoundingClientRect();
    if (!box.width || (box.width === this.width && box.height === this.height)) return;
    this.width = box.width;
    this.height = box.height;
    this.pad = box.height > 260 ? LARGE : SMALL;
    attrs(this.svg, { viewBox: `0 0 ${box.width} ${box.height}` });
    if (this.data) this.draw(this.data);
  }

  /** Draw {line, unit, history, months, baseline, scenario}. */
  draw(data) {
    this.data = data;
    if (!this.width) return;
    const { history, months, baseline, scenario } = data;
    const first = count(months[0]);
    const last = first + months.length - 1;
    const from = Math.min(first - PAST, first);
    const past = history.months.map((text, i) => [count(text), history.values[i]]).filter(([at]) => at >= from);
    const start = past.length ? Math.min(past[0][0], first) : first - 1;
    const values = past.map(([, value]) => value).filter((value) => value !== null);
    const all = [...values, ...baseline.q95, ...baseline.q05, ...(scenario ? [...scenario.q95, ...scenario.q05] : [])];
    const domain = niceDomain(Math.min(...all), Math.max(...all), this.height > 260 ? 6 : 4);
    const right = this.width - this.pad.right;
    const x = (at) => this.pad.left + ((at - start) / Math.max(last - start, 1)) * (right - this.pad.left);
    const y = (value) => this.height - this.pad.bottom - ((value - domain.low) / (domain.high - domain.low)) * (this.height - this.pad.bottom - this.pad.top);
    this.scale = { x, start, last, first };
    this.axes(domain, x, y, start, last, right);

    const xs = months.map((_, i) => x(first + i));
    const row = (quantile) => quantile.map(y);
    const p = this.parts;
    attrs(p.outer, { d: band(xs, row(baseline.q05), row(baseline.q95)) });
    attrs(p.inner, { d: band(xs, row(baseline.q25), row(baseline.q75)) });
    attrs(p.median, { d: path(xs.map((at, i) => [at, y(baseline.q50[i])])) });
    attrs(p.scenarioOuter, { d: scenario ? band(xs, row(scenario.q05), row(scenario.q95)) : "" });
    attrs(p.scenarioInner, { d: scenario ? band(xs, row(scenario.q25), row(scenario.q75)) : "" });
    attrs(p.scenarioMedian, { d: scenario ? path(xs.map((at, i) => [at, y(scenario.q50[i])])) : "" });
    this.svg.classList.toggle("with", Boolean(scenario));
    attrs(p.history, { d: path(past.map(([at, value]) => [x(at), value === null ? null : y(value)])) });
    const alone = past.filter(([, value], i) => value !== null && (past[i - 1]?.[1] ?? null) === null && (past[i + 1]?.[1] ?? null) === null);
    const end = past.filter(([, value]) => value !== null).at(-1);
    p.dots.replaceChildren(...[...alone, ...(end ? [end] : [])].map(([at, value]) => s("circle", { cx: x(at), cy: y(value), r: 2.4 })));
    attrs(p.start, { x1: x(first - 0.5), x2: x(first - 0.5), y1: this.pad.top, y2: this.height - this.pad.bottom });
    const ends = [["base", baseline.q50.at(-1)]];
    if (scenario) ends.push(["scen", scenario.q50.at(-1)]);
    const places = apart(ends.map(([, value]) => y(value)), this.pad === LARGE ? 18 : 13);
    p.labels.replaceChildren(
      ...ends.map(([kind, value], i) => s("text", { class: kind, x: right + 5, y: places[i], dy: "0.35em" }, compact(Number(value.toPrecision(3))))),
    );
    this.look(this.at);
  }

  axes(domain, x, y, start, last, right) {
    const rows = domain.ticks.flatMap((tick) => [
      s("line", { x1: this.pad.left, x2: right, y1: y(tick), y2: y(tick), class: tick === 0 ? "zero" : null }),
      s("text", { x: this.pad.left - 6, y: y(tick), dy: "0.35em", "text-anchor": "end" }, compact(tick)),
    ]);
    this.parts.grid.replaceChildren(...rows);
    const years = [];
    for (let at = Math.ceil(start / 12) * 12; at <= last; at += 12) {
      years.push(s("line", { x1: x(at), x2: x(at), y1: this.height - this.pad.bottom, y2: this.height - this.pad.bottom + 4 }));
      years.push(s("text", { x: x(at), y: this.height - this.pad.bottom + (this.pad === LARGE ? 22 : 16), "text-anchor": "middle" }, String(at / 12)));
    }
    this.parts.axis.replaceChildren(...years);
  }

  point(event) {
    if (!this.scale) return;
    const { start, last } = this.scale;
    const box = this.svg.getBoundingClientRect();
    const share = (event.clientX - box.left - this.pad.left) / (this.width - this.pad.right - this.pad.left);
    this.look(Math.min(Math.max(Math.round(start + share * (last - start)), start), last));
  }

  key(event, onopen) {
    if (!this.scale) return;
    const { start, last } = this.scale;
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: 12, PageDown: -12 }[event.key];
    if (event.key === "Enter") onopen();
    else if (event.key === "Home") this.look(start);
    else if (event.key === "End") this.look(last);
    else if (step) this.look(Math.min(Math.max((this.at ?? last) + step, start), last));
    else return;
    event.preventDefault();
  }

  /** Return the month ahead that the reader looks at, or null. */
  ahead() {
    return this.scale && this.at !== null && this.at >= this.scale.first ? monthOf(Math.min(this.at, this.scale.last)) : null;
  }

  /** Say what holds in a month; without one, in the last. */
  look(at) {
    this.at = at;
    if (!this.scale) return;
    const { x, first, last } = this.scale;
    const { history, baseline, scenario } = this.data;
    const chosen = Math.min(at ?? last, last);
    const name = month(monthOf(chosen));
    const i = chosen - first;
    attrs(this.parts.cursor, at === null ? { class: "cursor" } : { class: "cursor shown", x1: x(chosen), x2: x(chosen), y1: this.pad.top, y2: this.height - this.pad.bottom });
    const said = [];
    if (i >= 0) {
      const of = (q) => ({ value: rounded(q.q50[i]), interval: interval(q.q05[i], q.q95[i]) });
      said.push(t("charts.readout", { month: name, ...of(baseline) }));
      if (scenario) said.push(h("span", { class: "scen" }, t("charts.readout_with", of(scenario))));
    } else {
      const value = history.values[history.months.indexOf(monthOf(chosen))] ?? null;
      said.push(value === null ? t("charts.none", { month: name }) : t("charts.recorded", { month: name, value: rounded(value) }));
    }
    this.readout.replaceChildren(...said.flatMap((part, k) => (k ? [" · ", part] : [part])));
    const words = t("charts.words", { label: this.data.label, unit: this.data.unit });
    attrs(this.svg, { "aria-label": `${words} ${this.readout.textContent}` });
  }
}

/** Return a small line of a lever: its record, what is ahead, and what is set. */
export class Spark {
  constructor() {
    this.past = s("path", { class: "past" });
    this.ahead = s("path", { class: "base line" });
    this.made = s("path", { class: "scen line" });
    this.svg = s("svg", { class: "spark", role: "img", viewBox: "0 0 110 30" }, this.past, this.ahead, this.made);
  }

  draw(past, ahead, made, label) {
    const all = [...past, ...ahead, ...(made ?? [])];
    const high = Math.max(...all) || 1;
    const low = Math.min(...all, 0);
    const x = (i) => 2 + (i / (past.length + ahead.length - 1)) * 106;
    const y = (value) => 27 - ((value - low) / (high - low)) * 24;
    const line = (values, from) => path(values.map((value, i) => [x(from + i), y(value)]));
    attrs(this.past, { d: line(past, 0) });
    attrs(this.ahead, { d: line([past.at(-1), ...ahead], past.length - 1) });
    attrs(this.made, { d: made ? line([past.at(-1), ...made], past.length - 1) : "" });
    attrs(this.svg, { "aria-label": label });
  }
}
