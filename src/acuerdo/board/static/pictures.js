// Where people and goods are: one box a stage, with bars for now, for later without, and for later with the measures, and
// an arrow to the next stage. Between two stages of one unit it is as wide at each end as the amount there.

import { attrs, h, s } from "./dom.js";
import { interval, month, pick, rounded, t } from "./words.js";

// people and kilograms: below ten, whole numbers are close enough
const whole = (value) => rounded(value, value < 10 ? 1 : 3);

/** Build the pictures; returns {node, update}. */
export function picturePanel(board) {
  const parts = board.pictures.map((picture) => pictureOf(picture, board));
  const key = h("p", { class: "fine legend" });
  const node = h("div", {}, ...parts.map((part) => part.node), key);
  const update = () => {
    const last = month(board.answer.months.at(-1));
    const changed = board.scenario.now.settings.length > 0;
    key.replaceChildren(
      h("span", { class: "swatch now" }), t("pictures.now"),
      h("span", { class: "swatch base" }), t("pictures.then", { month: last }),
      ...(changed ? [h("span", { class: "swatch scen" }), t("pictures.with", { month: last })] : []),
      h("span", { class: "note" }, t("pictures.key", { month: month(board.about.last_recorded, false), last })),
    );
    for (const part of parts) part.update(board.answer.pictures[part.name], last);
  };
  return { node, update };
}

const WIDE = 40; // of the arrow, in pixels, and its largest height
const TALL = 84;

/** An arrow from a stage to the next; `draw` takes the amounts at both ends as shares of the largest, or nothing. */
function arrow() {
  const ribbon = s("path", { class: "ribbon" });
  const thread = s("path", { class: "thread", d: `M2 ${TALL / 2}H${WIDE - 6}` });
  const point = s("path", { class: "point", d: `M${WIDE - 10} ${TALL / 2 - 5}l6 5l-6 5` });
  const node = s("svg", { class: "link-on", viewBox: `0 0 ${WIDE} ${TALL}`, "aria-hidden": "true" }, ribbon, thread, point);
  const draw = (from, to) => {
    const known = from !== undefined;
    attrs(thread, { visibility: known ? "hidden" : "visible" });
    if (!known) {
      attrs(ribbon, { d: "" });
      return;
    }
    const [a, b] = [from, to].map((share) => Math.max((share * TALL) / 2, 0.75));
    const middle = TALL / 2;
    const bend = WIDE / 2;
    attrs(ribbon, { d: `M0 ${middle - a}C${bend} ${middle - a} ${bend} ${middle - b} ${WIDE} ${middle - b}V${middle + b}C${bend} ${middle + b} ${bend} ${middle + a} 0 ${middle + a}Z` });
  };
  return { node, draw };
}

function pictureOf(picture, board) {
  const boxes = picture.stages.map((stage, at) => {
    const link = at < picture.stages.length - 1 ? arrow() : null;
    const bars = ["now", "base", "scen"].map((kind) => ({ kind, bar: h("span", { class: `bar ${kind}` }), text: h("span", { class: "number" }) }));
    const node = h(
      "li",
      { class: "stagebox" },
      h("button", { type: "button", class: "link", onclick: () => board.look(stage.variables[0]) }, pick(stage.label)),
      h("span", { class: "unit" }, pick(stage.unit_label)),
      ...bars.map(({ kind, bar, text }) => h("span", { class: `row ${kind}` }, h("span", { class: "track" }, bar), text)),
      link?.node,
    );
    return { stage, node, bars, link };
  });
  const node = h("section", { class: "picture" }, h("h2", {}, pick(picture.title)), h("ol", { class: "plain flow" }, ...boxes.map((box) => box.node)));
  const update = (stages, last) => {
    const tops = {};
    boxes.forEach(({ stage }, i) => {
      const unit = pick(stage.unit_label);
      tops[unit] = Math.max(tops[unit] ?? 0, stage.now.q50, stages[i].baseline.q50, stages[i].scenario?.q50 ?? 0);
    });
    boxes.forEach(({ stage, link }, i) => {
      const unit = pick(stage.unit_label);
      const next = picture.stages[i + 1];
      if (!link) return;
      const share = (at) => (stages[at].scenario ?? stages[at].baseline).q50 / (tops[unit] || 1);
      if (pick(next.unit_label) === unit) link.draw(share(i), share(i + 1));
      else link.draw();
    });
    boxes.forEach(({ stage, bars }, i) => {
      const top = tops[pick(stage.unit_label)] || 1;
      const values = [stage.now, stages[i].baseline, stages[i].scenario];
      const words = [t("pictures.now"), t("pictures.then", { month: last }), t("pictures.with", { month: last })];
      bars.forEach(({ bar, text }, k) => {
        const value = values[k];
        bar.parentNode.parentNode.hidden = !value;
        if (!value) return;
        bar.style.width = `${Math.max((100 * value.q50) / top, 0.5)}%`;
        text.replaceChildren(h("span", { class: "visually-hidden" }, `${words[k]}: `), whole(value.q50));
        bar.parentNode.parentNode.title = `${words[k]}: ${whole(value.q50)} (${interval(value.q05, value.q95)})`;
      });
    });
  };
  return { name: picture.name, node, update };
}
