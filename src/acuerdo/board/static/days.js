// The choice of the day: what had been published by then. Boards of other days are made when they are first asked for.

import { $, h } from "./dom.js";
import * as words from "./words.js";

const { t } = words;
const LATEST = "latest";

/** Where the page's own API stands: empty, or the place of a board of another day. */
export const base = /^\/on\/[^/]+/.exec(location.pathname)?.[0] ?? "";

const title = (name) => (name === LATEST ? t("days.latest") : words.day(name));

/** The days whose figures can be shown: [{day, place, state}]; asked for once. */
function days(board) {
  board.days ??= board.fetch("/api/days", {}, "");
  return board.days;
}

/** Whether there is a board of a day other than the page's own. */
export const elsewhere = async (board, name) => name !== board.scenario.day && (await days(board)).some(({ day }) => day === name);

/** Build the choice; it fills when the server has told which days there are. */
export function dayChoice(board) {
  const select = h("select", { id: "day", onchange: () => goTo(board, select.value) });
  const field = h("label", { class: "field", hidden: true }, h("span", {}, t("days.title")), select);
  const fill = (days) => {
    const own = board.scenario.day;
    field.hidden = days.length < 2;
    select.replaceChildren(...days.map(({ day }) => h("option", { value: day, selected: day === own }, title(day))));
  };
  days(board).then(fill);
  return field;
}

/** Go to the page of another day with the same scenario, once its board is ready. */
export async function goTo(board, name, link = board.scenario.link(words.lang, name)) {
  try {
    for (;;) {
      const { state, place } = await board.fetch(`/api/days/${encodeURIComponent(name)}`, {}, "");
      if (state === "ready") {
        location.assign(`${place}/#${link}`);
        return;
      }
      if (state === "failed") throw new Error(t("days.failed", { day: title(name) }));
      board.notice(t("days.wait", { day: title(name) }));
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  } catch (problem) {
    board.notice(t("failed", { reason: problem.message }));
    $("day").value = board.scenario.day;
  }
}
