// Where people and goods are: one box a stage, with bars for now, for later without, and for later with the measures.

import { h } from "./dom.js";
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
      h("span", { class: "note" }, t("pictures.key", { month: month(board.about.last_recorded, false) })),
    );
    for (const part of parts) part.update(board.answer.pictures[part.name], last);
  };
  return { node, update };
}

function pictureOf(picture, board) {
  const boxes = picture.stages.map((stage) => {
    const bars = ["now", "base", "scen"].map((kind) => ({ kind, bar: h("span", { class: `bar ${kind}` }), text: h("span", { class: "number" }) }));
    const node = h(
      "li",
      { class: "stagebox" },
      h("button", { type: "button", class: "link", onclick: () => board.look(stage.variables[0]) }, pick(stage.label)),
      h("span", { class: "unit" }, pick(stage.unit_label)),
      ...bars.map(({ kind, bar, text }) => h("span", { class: `row ${kind}` }, h("span", { class: "track" }, bar), text)),
    );
    return { stage, node, bars };
  });
  const node = h("section", { class: "picture" }, h("h2", {}, pick(picture.title)), h("ol", { class: "plain flow" }, ...boxes.map((box) => box.node)));
  const update = (stages, last) => {
    const tops = {};
    boxes.forEach(({ stage }, i) => {
      const unit = pick(stage.unit_label);
      tops[unit] = Math.max(tops[unit] ?? 0, stage.now.q50, stages[i].baseline.q50, stages[i].scenario?.q50 ?? 0);
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
