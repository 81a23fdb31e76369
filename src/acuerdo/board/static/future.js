// The switch of external futures: what neither side decides, laid over the outlook without and with the measures alike.

import { $, h } from "./dom.js";
import { pick, t } from "./words.js";

/** Build the choice of a future; empty where the corridor has none. */
export function futureChoice(board) {
  if (!board.about.futures.length) return "";
  const option = (item) => h("option", { value: item.name }, pick(item.title));
  const group = (kind) => h("optgroup", { label: t(`future.${kind}`) }, ...board.about.futures.filter((item) => item.kind === kind).map(option));
  const select = h("select", { id: "future", onchange: () => {
    board.scenario.now.future = select.value || null;
    board.refresh();
    board.commit();
  } }, h("option", { value: "" }, t("future.none")), group("future"), group("test"));
  return h("label", { class: "field" }, h("span", {}, t("future.title")), select);
}

/** Show which future is laid over, and where its size comes from. */
export function showFuture(board) {
  const name = board.scenario.now.future;
  const item = board.about.futures.find((one) => one.name === name);
  if ($("future")) $("future").value = name ?? "";
  $("future-note").hidden = !item;
  if (!item) return;
  $("future-note").replaceChildren(h("strong", {}, pick(item.title)), ". ", t("future.help"), " ", h("span", { class: "fine" }, t("future.source", { source: item.source })));
}
