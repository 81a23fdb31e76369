// Up to four scenarios beside each other: outcomes by side with change and interval, and small charts of the lines.

import { count, niceDomain } from "./chart.js";
import { showDialog } from "./dialog.js";
import { h, s } from "./dom.js";
import { saved } from "./library.js";
import { verdict, MARK, sideOf } from "./outcomes.js";
import { compact, interval, month, pick, rounded, signed, t } from "./words.js";

export const MOST = 4;
const WIDTH = 300;
const HEIGHT = 150;
const PAD = { left: 40, right: 46, top: 8, bottom: 20 };

class Comparison {
  constructor(board) {
    this.board = board;
    this.chosen = new Map(); // key to {title, settings}, in the order chosen
    this.answers = new Map();
    this.results = h("div", { class: "results" });
    this.said = h("p", { class: "said", role: "status" });
    this.picker = h("div", { class: "picker" });
    showDialog("compare", t("compare.title"), h("p", { class: "fine" }, this.common()), this.picker, this.said, this.results);
  }

  /** What all of them share: months, future and assumptions of the page. */
  common() {
    const { months, held, future } = this.board.scenario.now;
    const named = this.board.about.futures.find((item) => item.name === future);
    return t("compare.intro", { most: MOST, months, future: named ? pick(named.title) : t("future.none"), held: Object.keys(held).length });
  }

  async open() {
    const { board } = this;
    const now = board.scenario.now.settings;
    const groups = [[t("compare.page"), now.length ? [["now", t("compare.now"), now]] : []]];
    const packages = (kind) => board.packages.filter((item) => item.kind === kind && !item.problem).map((item) => [`package ${item.name}`, pick(item.title), item.settings]);
    groups.push([t("package.proposals"), packages("proposal")], [t("package.replays"), packages("replay")]);
    try {
      const { entries } = await saved(board);
      groups.push([t("library.saved"), entries.filter((entry) => entry.scenario).map((entry) => [`saved ${entry.id}`, entry.title, entry.scenario.settings])]);
    } catch (problem) {
      if (problem.status !== 503) throw problem;
      groups.push([t("library.saved"), [], t("library.closed", { reason: problem.message })]);
    }
    this.picker.replaceChildren(...groups.filter(([, items, reason]) => items.length || reason).map(([title, items, reason]) => h("fieldset", {}, h("legend", {}, title), reason ? h("p", { class: "fine" }, reason) : "", ...items.map((item) => this.choice(...item)))));
    const first = this.picker.querySelector("input");
    if (now.length && first) {
      first.checked = true;
      await this.choose("now", t("compare.now"), now, true);
    } else this.draw();
  }

  choice(key, title, settings) {
    const box = h("input", { type: "checkbox", value: key, onchange: () => this.choose(key, title, settings, box.checked) });
    return h("label", { class: "choice" }, box, " ", title);
  }

  async choose(key, title, settings, on) {
    if (on) this.chosen.set(key, { title, settings });
    else this.chosen.delete(key);
    for (const box of this.picker.querySelectorAll("input")) box.disabled = !box.checked && this.chosen.size >= MOST;
    try {
      if (on && !this.answers.has(key)) {
        const { months, held, future, lines } = this.board.scenario.asked();
        const body = JSON.stringify({ client: this.board.client, months, held, future, lines, settings });
        this.answers.set(key, await this.board.fetch("/api/run", { method: "POST", headers: { "content-type": "application/json" }, body }));
      }
      this.said.textContent = "";
    } catch (problem) {
      this.chosen.delete(key);
      this.said.textContent = t("refused", { reason: problem.message });
    }
    this.draw();
  }

  draw() {
    const shown = [...this.chosen].filter(([key]) => this.answers.has(key)).map(([key, item], i) => ({ ...item, answer: this.answers.get(key), look: `look${i}` }));
    this.results.dataset.shown = shown.length;
    if (!shown.length) {
      this.results.replaceChildren(h("p", {}, t("compare.none")));
      return;
    }
    this.results.replaceChildren(
      h("ul", { class: "plain comparekey" }, h("li", {}, sample("lookbase"), t("charts.key_baseline")), ...shown.map((one) => h("li", {}, sample(one.look), one.title))),
      this.table(shown),
      h("p", { class: "fine" }, t("outcomes.clear_key")),
      h("p", { class: "fine" }, t("compare.charts_key")),
      h("div", { class: "multiples" }, ...shown[0].answer.lines.map((_, at) => this.multiple(shown, at))),
    );
  }

  table(shown) {
    const { about } = this.board;
    const sides = Object.keys(about.sides).filter((side) => side !== "both");
    const head = h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("outcomes.outcome")), h("th", { scope: "col" }, t("outcomes.without")), ...shown.map((one) => h("th", { scope: "col" }, sample(one.look), one.title))));
    const bodies = ["both", ...sides].map((side) => {
      const title = side === "both" ? t("outcomes.of_both") : t("outcomes.of", { side: pick(about.sides[side]) });
      const own = about.outcomes.filter((outcome) => sideOf(outcome, sides) === side);
      return h("tbody", {}, h("tr", { class: "side" }, h("th", { colSpan: shown.length + 2, scope: "colgroup" }, title)), ...own.map((outcome) => this.row(outcome, shown)));
    });
    return h("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": t("compare.title") }, h("table", { class: "comparetable" }, h("caption", { class: "visually-hidden" }, t("compare.title")), head, ...bodies));
  }

  row(outcome, shown) {
    const rows = shown.map((one) => one.answer.outcomes.find((row) => row.name === outcome.name));
    const cells = rows.map((row) => {
      const said = verdict(outcome, row);
      return h("td", { class: said }, h("span", { class: "change" }, h("span", { class: "mark", "aria-hidden": "true" }, MARK[said]), said === "same" ? "0" : signed(row.change)), said === "same" ? "" : h("span", { class: "fine interval" }, interval(row.q05, row.q95, 2, true)), h("span", { class: "visually-hidden" }, t(`outcomes.${said}`)));
    });
    return h("tr", { "data-outcome": outcome.name }, h("th", { scope: "row" }, pick(outcome.label), h("span", { class: "unit" }, pick(outcome.unit_label))), h("td", {}, rounded(rows[0].base)), ...cells);
  }

  multiple(shown, at) {
    const { about } = this.board;
    const { id, baseline } = shown[0].answer.lines[at];
    const line = about.lines.find((item) => item.id === id);
    const months = shown[0].answer.months;
    const bands = shown.map((one) => ({ look: one.look, title: one.title, band: one.answer.lines[at].scenario ?? baseline }));
    const all = [baseline, ...bands.map((item) => item.band)].flatMap((band) => [...band.q25, ...band.q75]);
    const domain = niceDomain(Math.min(...all), Math.max(...all), 3);
    const right = WIDTH - PAD.right;
    const x = (i) => PAD.left + (i / Math.max(months.length - 1, 1)) * (right - PAD.left);
    const y = (value) => HEIGHT - PAD.bottom - ((value - domain.low) / (domain.high - domain.low)) * (HEIGHT - PAD.bottom - PAD.top);
    const points = (values) => values.map((value, i) => `${x(i).toFixed(1)} ${y(value).toFixed(1)}`);
    const area = (band) => `M${points(band.q25).concat(points(band.q75).reverse()).join("L")}Z`;
    const median = (band) => `M${points(band.q50).join("L")}`;
    const last = (band) => `${rounded(band.q50.at(-1))} (${interval(band.q05.at(-1), band.q95.at(-1))})`;
    const words = [`${pick(line.label)}, ${pick(line.unit_label)}. ${month(months.at(-1))}: ${t("charts.key_baseline")} ${last(baseline)}`, ...bands.map((item) => `${item.title} ${last(item.band)}`)].join("; ");
    const years = months.map((text, i) => [count(text), i]).filter(([index]) => index % 12 === 0);
    return h("figure", { class: "multiple" }, h("figcaption", {}, h("strong", {}, pick(line.label)), h("span", { class: "unit" }, pick(line.unit_label))), s(
      "svg",
      { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words },
      s("g", { class: "grid" }, ...domain.ticks.flatMap((tick) => [s("line", { x1: PAD.left, x2: right, y1: y(tick), y2: y(tick), class: tick === 0 ? "zero" : null }), s("text", { x: PAD.left - 6, y: y(tick), dy: "0.35em", "text-anchor": "end" }, compact(tick))])),
      ...years.map(([index, i]) => s("text", { x: x(i), y: HEIGHT - 5, "text-anchor": "middle" }, String(index / 12))),
      ...bands.map((item) => s("path", { class: `spread ${item.look}`, d: area(item.band) })),
      s("path", { class: "course lookbase", d: median(baseline) }),
      ...bands.map((item) => s("path", { class: `course ${item.look}`, d: median(item.band) })),
      s("text", { x: right + 5, y: y(bands[0].band.q50.at(-1)), dy: "0.35em" }, compact(Number(bands[0].band.q50.at(-1).toPrecision(3)))),
    ));
  }
}

const sample = (look) => s("svg", { class: "sample", viewBox: "0 0 28 8", "aria-hidden": "true" }, s("path", { class: `course ${look}`, d: "M1 4H27" }));

/** Open the comparison. */
export async function openCompare(board) {
  await new Comparison(board).open();
}
