// The dialog that looks inside: equation, unit, meaning, source, neighbours, and the range before and after the figures.

import { $, h } from "./dom.js";
import { priorPicture, sectorDiagram, trackRecord } from "./track.js";
import { interval, pick, rounded, t } from "./words.js";

const trail = [];

/** Show what the model says of a variable; `line` adds what is known of a published series. */
export async function lookInside(board, name, lineId = null, back = false) {
  const dialog = $("inside");
  if (!dialog.open) trail.length = 0;
  let said;
  let published = null;
  try {
    said = await board.fetch(`/api/variable/${encodeURIComponent(name)}`);
    if (lineId) published = await board.fetch(`/api/history/${encodeURIComponent(lineId)}`);
  } catch (problem) {
    board.notice(problem.message);
    return;
  }
  if (!back) trail.push([name, lineId]);
  const go = (other) => lookInside(board, other);
  const step = () => {
    trail.pop();
    lookInside(board, ...trail.at(-1), true);
  };
  const lever = said.lever;
  const observed = [lineId, ...said.series].find((id) => board.about.lines.some((item) => item.id === id));
  const words = lever?.words[document.documentElement.lang.slice(0, 2)] ?? null;
  const facts = [
    [t("inside.kind"), pick(said.kind_label)],
    [t("inside.unit"), said.unit === "1" ? "1" : said.unit],
    [t("inside.sector"), pick(board.about.sectors[said.sector]) || said.sector],
    lever && [t("inside.owner"), pick(lever.owner_label)],
    said.flow && ["", pick(said.flow.words)],
    [t("inside.source"), said.source],
    said.evidence && [t("inside.evidence"), said.evidence_label ? pick(said.evidence_label) : said.evidence],
    ...said.equations.map((equation) => [`${t("inside.equation")} (${pick(said.roles[equation.role]).toLocaleLowerCase()})`, h("code", {}, equation.text)]),
    said.prior && [t("inside.prior"), pick(said.prior.words)],
    said.posterior && [t("inside.posterior"), h("div", {}, posterior(said.posterior, board), priorPicture(said))],
    words && [t("inside.build_up"), words.build_up],
    words && [t("inside.wear"), words.wears_off],
    words && [t("inside.cost"), words.cost],
    words && [t("inside.record"), h("ul", {}, ...words.history.map((text) => h("li", {}, text)))],
    published?.source && [t("inside.publisher"), h("span", {}, published.source, h("br"), h("a", { href: published.address, rel: "noreferrer", target: "_blank" }, published.address))],
    published?.warnings.length && [t("inside.warnings"), h("ul", {}, ...published.warnings.map((text) => h("li", {}, pick(text))))],
    observed && [t("inside.record_title"), trackRecord(board, observed)],
    [t("inside.depends"), neighbours(said, said.depends_on, go)],
    [t("inside.used"), neighbours(said, said.used_by, go)],
  ].filter(Boolean);
  dialog.replaceChildren(
    h("div", { class: "dialog-head" }, h("h2", { id: "inside-title" }, pick(said.meanings)), h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, t("close"))),
    h("p", { class: "fine" }, h("code", {}, said.name)),
    h("dl", {}, ...facts.flatMap(([term, text]) => [h("dt", {}, term), h("dd", {}, text)])),
    said.diagram ? sectorDiagram(said.sector, pick(board.about.sectors[said.sector]) || said.sector) : "",
    board.scenario.now.settings.length ? h("button", { type: "button", class: "quiet", id: "inside-why", onclick: () => {
      dialog.close();
      board.why(name);
    } }, t("why.title")) : "",
    trail.length > 1 ? h("button", { type: "button", class: "quiet", onclick: step }, `← ${t("inside.back")}`) : "",
  );
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function neighbours(said, names, go) {
  if (!names.length) return t("inside.nothing");
  return h("ul", { class: "plain neighbours" }, ...names.map((name) => h("li", {}, h("button", { type: "button", class: "link", onclick: () => go(name) }, pick(said.neighbours[name]) || name), " ", h("code", {}, name))));
}

function posterior(points, board) {
  const entries = Object.entries(points);
  const words = ({ low, median, high }) => `${rounded(median)} (${interval(low, high)})`;
  if (entries.length === 1) return words(entries[0][1]);
  return h("ul", {}, ...entries.map(([member, triple]) => h("li", {}, `${pick(board.about.members[member]) || member}: ${words(triple)}`)));
}
