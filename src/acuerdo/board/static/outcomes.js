// The table of outcomes by side, with change, interval, and whether that is better or worse for those who care.

import { attrs, h, s } from "./dom.js";
import { interval, pick, rounded, signed, t } from "./words.js";

/** Return better, worse, unclear, tiny (under a thousandth) or same for one outcome and its change. */
export function verdict(about, row) {
  const most = Math.max(Math.abs(row.q05), Math.abs(row.q95));
  if (most === 0) return "same";
  if (most < 1e-3 * Math.abs(row.base)) return "tiny";
  if (row.q05 <= 0 && row.q95 >= 0) return "unclear";
  return row.change > 0 === (about.prefers === "higher") ? "better" : "worse";
}

export const MARK = { better: "✓", worse: "✕", unclear: "≈", tiny: "–", same: "–" };

/** Return the side that cares about an outcome: both where all of them do. */
export const sideOf = (outcome, sides) => (outcome.sides.length === sides.length ? "both" : outcome.sides[0]);

/** Build the table; returns {node, update}. */
export function outcomeTable(board) {
  const { about } = board;
  const sides = Object.keys(about.sides).filter((side) => side !== "both");
  const intro = h("p", { class: "fine" });
  const rows = new Map();
  const bodies = ["both", ...sides].map((side) => {
    const title = side === "both" ? t("outcomes.of_both") : t("outcomes.of", { side: pick(about.sides[side]) });
    const own = about.outcomes.filter((outcome) => sideOf(outcome, sides) === side);
    return h("tbody", {}, h("tr", { class: "side" }, h("th", { colspan: 6, scope: "colgroup" }, title)), ...own.map((outcome) => {
      const row = outcomeRow(outcome, board);
      rows.set(outcome.name, row);
      return row.node;
    }));
  });
  const heads = ["outcome", "without", "change", "interval", "relative", "verdict"];
  const table = h(
    "table",
    {},
    h("caption", { class: "visually-hidden" }, t("outcomes.title")),
    h("thead", {}, h("tr", {}, ...heads.map((name) => h("th", { scope: "col", class: name }, t(`outcomes.${name}`))))),
    ...bodies,
  );
  const node = h("div", {}, h("div", { class: "title" }, h("h2", {}, t("outcomes.title")), intro), h("div", { class: "scroll" }, table), h("p", { class: "fine key" }, t("outcomes.clear_key")));
  const update = () => {
    const { answer, scenario } = board;
    const changed = scenario.now.settings.length > 0;
    intro.textContent = changed ? t("outcomes.intro", { months: answer.months.length }) : t("outcomes.none");
    const shares = answer.outcomes.filter((row) => row.base).map((row) => Math.max(Math.abs(row.q05 / row.base), Math.abs(row.q95 / row.base)));
    const most = Math.min(Math.max(...shares, 0.01), 1);
    for (const row of answer.outcomes) rows.get(row.name).update(row, changed, most);
  };
  return { node, update };
}

function outcomeRow(outcome, board) {
  const unit = t({ end: "outcomes.at_end", mean: "outcomes.mean", sum: "outcomes.total" }[outcome.over], { unit: pick(outcome.unit_label) });
  const base = h("td", { class: "without" });
  const change = h("td", { class: "change" });
  const span = h("td", { class: "interval" });
  const whisker = s("line", { class: "whisker" });
  const dot = s("circle", { r: 3.4, cy: 8 });
  const zero = s("line", { class: "zero", x1: 60, x2: 60, y1: 1, y2: 15 });
  const relative = h("td", { class: "relative" }, s("svg", { viewBox: "0 0 120 16", "aria-hidden": "true" }, zero, whisker, dot));
  const mark = h("td", { class: "verdict" });
  const name = h("button", { type: "button", class: "link", onclick: () => board.look(outcome.variable) }, pick(outcome.label));
  const node = h("tr", { "data-outcome": outcome.name }, h("th", { scope: "row" }, name, h("span", { class: "unit" }, unit)), base, change, span, relative, mark);

  const why = h("button", { type: "button", class: "link whybutton", title: t("why.title"), onclick: () => board.why(outcome.name) });

  const update = (row, changed, most) => {
    base.textContent = rounded(row.base);
    const said = changed ? verdict(outcome, row) : null;
    const shown = changed && said !== "same";
    why.textContent = signed(row.change);
    change.replaceChildren(shown ? why : changed ? "0" : "");
    span.textContent = shown ? interval(row.q05, row.q95, 2, true) : "";
    node.className = said ?? "";
    mark.replaceChildren(...(said ? [h("span", { class: "mark", "aria-hidden": "true" }, MARK[said]), t(`outcomes.${said}`)] : [h("span", { class: "unit" }, t(`outcomes.${outcome.prefers}`))]));
    const x = (value) => 60 + Math.max(-1, Math.min(1, row.base ? value / Math.abs(row.base) / most : 0)) * 56;
    attrs(whisker, { x1: x(row.q05), x2: x(row.q95), y1: 8, y2: 8 });
    attrs(dot, { cx: x(row.change) });
    relative.firstChild.classList.toggle("off", !shown);
  };
  return { node, update };
}
