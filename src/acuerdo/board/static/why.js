// The dialog that says why a number moved: its change by lever and by direct cause, one step upstream at a time.

import { h, s } from "./dom.js";
import { interval, month, pick, rounded, signed, t } from "./words.js";

const trail = [];
let dialog = null;
let asked = 0;

/** Ask why a line, an outcome or a variable moved, and show it. `at` may hold {month} or {over}. */
export async function openWhy(board, name, at = {}, back = false) {
  const box = place();
  if (!box.open) trail.length = 0;
  if (!back) trail.push([name, at]);
  asked += 1;
  const mine = asked;
  if (!box.open) {
    show(box, h("p", { class: "fine", role: "status" }, t("why.working")));
    box.showModal();
  }
  const body = JSON.stringify({ client: board.client, ...board.scenario.asked(), lines: [], name, ...at });
  let told;
  try {
    told = await board.fetch("/api/why", { method: "POST", headers: { "content-type": "application/json" }, body });
  } catch (problem) {
    if (mine === asked) show(box, h("p", { role: "alert" }, t("refused", { reason: problem.message })));
    return;
  }
  if (mine !== asked || !box.open) return;
  const next = (cause) => openWhy(board, cause, at.month ? { month: at.month, over: "end" } : { over: told.over === "end" ? "end" : "mean" });
  const ends = [...told.levers, ...told.drivers].flatMap(({ change }) => [change.mean, change.q05, change.q95]);
  const scale = { low: Math.min(...ends, 0), high: Math.max(...ends, 0) };
  show(
    box,
    h("p", { class: "why-what" }, h("strong", {}, pick(told.label).replace(/\.$/, "")), " ", h("span", { class: "unit" }, pick(told.unit_label)), " ", h("span", { class: "unit" }, span(told))),
    h("p", {}, t("why.total", { from: rounded(told.base), to: rounded(told.with_scenario), change: signed(told.change.mean), interval: interval(told.change.q05, told.change.q95, 2, true) })),
    ...part("levers", told.levers.map((one) => row(one, scale, one.lever ? pick(one.label) : t("why.interaction"))), told.levers_method, told.levers.length ? "" : t("why.nothing_set")),
    ...part("drivers", told.drivers.map((one) => row(one, scale, one.name ? pick(one.label).replace(/\.$/, "") : t("why.rest"), one.name && one.role !== "itself" ? () => next(one.name) : null, one.name)), told.drivers_method, told.drivers.length ? "" : t(told.kind === "lever" ? "why.is_set" : "why.no_drivers")),
    h("p", { class: "fine" }, t("why.key")),
    h("div", { class: "why-foot" },
      trail.length > 1 ? h("button", { type: "button", class: "quiet", id: "why-back", onclick: () => {
        trail.pop();
        openWhy(board, ...trail.at(-1), true);
      } }, `← ${t("inside.back")}`) : "",
      h("button", { type: "button", class: "quiet", onclick: () => {
        box.close();
        board.look(told.variable);
      } }, t("why.inside"))),
  );
}

function place() {
  if (dialog) return dialog;
  dialog = h("dialog", { id: "why", "aria-labelledby": "why-title" });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  return dialog;
}

function show(box, ...content) {
  const held = box.contains(document.activeElement);
  const title = h("h2", { id: "why-title", tabindex: -1 }, t("why.title"));
  box.replaceChildren(h("div", { class: "dialog-head" }, title, h("button", { type: "button", class: "quiet", onclick: () => box.close() }, t("close"))), ...content);
  box.scrollTop = 0;
  if (held) title.focus(); // what had the focus is gone; reading goes on from the top
}

function span(told) {
  const [first, last] = told.months.map((text) => month(text));
  const members = told.members === "one" ? "" : ` ${t(`why.members_${told.members}`)}`;
  return t(`why.over_${told.over}${first === last || told.over !== "end" ? "" : "_rolling"}`, { first, last }) + members;
}

function part(name, rows, method, none) {
  return [
    h("h3", {}, t(`why.${name}`)),
    none ? h("p", { class: "fine" }, none) : h("ul", { class: "plain bars", id: `why-${name}` }, ...rows),
    none ? "" : h("p", { class: "fine" }, t(`why.method_${method}`)),
  ];
}

function row({ change, role }, { low, high }, words, onclick = null, code = null) {
  const x = (value) => 4 + ((value - low) / (high - low || 1)) * 192;
  const tiny = Math.max(Math.abs(change.mean), Math.abs(change.q05), Math.abs(change.q95)) < 1e-3 * Math.max(high, -low);
  const way = role && role !== "input" && role !== "rest" ? h("span", { class: "tag" }, t(`why.role_${role}`)) : "";
  return h("li", { class: change.mean < 0 ? "down" : "up" },
    h("span", { class: "cause" }, onclick ? h("button", { type: "button", class: "link", "data-cause": code, onclick }, words) : words, " ", way),
    tiny ? h("span", { class: "size" }, t("why.tiny")) : h("span", { class: "size" }, h("strong", {}, signed(change.mean)), ` (${interval(change.q05, change.q95, 2, true)})`),
    s("svg", { viewBox: "0 0 200 18", preserveAspectRatio: "none", "aria-hidden": "true" },
      s("rect", { class: "amount", x: Math.min(x(0), x(change.mean)), y: 4, width: Math.abs(x(change.mean) - x(0)), height: 10 }),
      s("line", { class: "zero", x1: x(0), x2: x(0), y1: 0, y2: 18 }),
      s("line", { class: "reach", x1: x(change.q05), x2: x(change.q95), y1: 9, y2: 9 })));
}
