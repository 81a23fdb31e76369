// The panel of levers, by owner and sector.

import { Spark } from "./chart.js";
import { h, icon } from "./dom.js";
import { month, number, percent, pick, plain as inFull, rounded, t } from "./words.js";

/** How a lever's values are shown: shares as per cent. */
function shown(lever) {
  const times = lever.share ? 100 : 1;
  const words = (value) => (lever.share ? percent(value, Math.abs(value) < 0.1 ? 1 : 0) : Number.isInteger(value) ? number(value) : rounded(value));
  const unit = lever.share ? `% ${pick(lever.unit_label)}` : pick(lever.unit_label);
  return { times, words, unit };
}

class LeverCard {
  constructor(lever, board) {
    this.lever = lever;
    this.board = board;
    this.open = false;
    const { times, unit } = shown(lever);
    const [low, high] = lever.range.map((end) => Number((end * times).toPrecision(8)));
    const id = `lever-${lever.name}`;
    const name = t("lever.number", { label: pick(lever.label), unit });
    const bounds = { min: low, max: high };
    this.slider = h("input", { type: "range", id, ...bounds, step: Number((lever.step * times).toPrecision(6)), "aria-describedby": `${id}-now`, oninput: () => this.input(this.slider.value), onchange: () => board.commit() });
    this.field = h("input", { type: "number", ...bounds, step: "any", inputMode: "decimal", "aria-label": name, onchange: () => this.typed() });
    this.now = h("span", { class: "now", id: `${id}-now` });
    this.clear = h("button", { type: "button", class: "quiet small", title: t("lever.clear"), "aria-label": `${t("lever.clear")}: ${pick(lever.label)}`, onclick: () => this.reset() }, icon("clear"));
    this.spark = new Spark();
    this.more = h("button", { type: "button", class: "quiet small", "aria-expanded": "false", "aria-controls": `${id}-more`, title: t("lever.more"), "aria-label": `${t("lever.more")}: ${pick(lever.label)}`, onclick: () => this.toggle() }, icon("more"));
    this.details = h("div", { class: "more", id: `${id}-more`, hidden: true });
    this.node = h(
      "li",
      { class: "lever" },
      h("div", { class: "head" }, h("label", { for: id }, pick(lever.label)), lever.contested && h("span", { class: "tag warn", title: t("lever.contested_help") }, t("lever.contested")), this.spark.svg),
      h("div", { class: "move" }, this.slider, this.field),
      h("div", { class: "foot" }, h("span", { class: "unit" }, unit, " · ", this.now), this.clear, this.more),
      this.details,
    );
    this.update();
  }

  input(text) {
    const { times } = shown(this.lever);
    const [low, high] = this.lever.range;
    const value = Math.min(Math.max(Number((Number(text) / times).toPrecision(10)), low), high);
    this.board.scenario.set(this.lever.name, value);
    this.update();
    this.board.refresh();
  }

  typed() {
    if (this.field.value === "") this.reset();
    else {
      this.input(this.field.value);
      this.board.commit();
    }
  }

  reset() {
    this.board.scenario.clear(this.lever.name);
    this.update();
    this.board.refresh();
    this.board.commit();
  }

  /** Show what is set, and the path that the last answer gave. */
  update() {
    const { lever, board } = this;
    const { times, words } = shown(lever);
    const made = board.scenario.settingsOf(lever.name);
    const plain = board.scenario.plain(lever.name);
    const path = made.length ? board.answer?.levers[lever.name] : null;
    const value = plain ? plain.value : path ? path.at(-1) : lever.ahead[0];
    const text = String(Number((value * times).toPrecision(made.length ? 6 : 3)));
    this.slider.value = text;
    if (document.activeElement !== this.field || this.field.value !== text) this.field.value = text;
    this.slider.setAttribute("aria-valuetext", words(value));
    this.node.classList.toggle("set", made.length > 0);
    this.clear.hidden = made.length === 0;
    this.now.textContent = made.length && !plain ? t("lever.several", { count: made.length }) : t("lever.now", { value: words(lever.ahead[0]) });
    const all = [...lever.past, ...lever.ahead];
    const label = t("lever.spark", { label: pick(lever.label), first: month(board.about.months[0]), last: month(board.about.months.at(-1)), low: words(Math.min(...all)), high: words(Math.max(...all)), value: words((path ?? lever.ahead).at(-1)) });
    this.spark.draw(lever.past, lever.ahead, path, label);
    if (this.open) this.dates(plain);
  }

  toggle() {
    this.open = !this.open;
    this.details.hidden = !this.open;
    this.more.setAttribute("aria-expanded", String(this.open));
    if (!this.open) return;
    const { lever, board } = this;
    const { words } = shown(lever);
    const unit = pick(lever.unit_label);
    this.from = h("select", { "aria-label": `${t("lever.from")}: ${pick(lever.label)}`, onchange: () => this.dated() });
    this.to = h("select", { "aria-label": `${t("lever.to")}: ${pick(lever.label)}`, onchange: () => this.dated() });
    this.ramp = h("input", { type: "number", min: 1, max: 120, step: 1, "aria-label": `${t("lever.ramp")}: ${pick(lever.label)}`, onchange: () => this.dated() });
    this.details.replaceChildren(
      h("p", {}, pick(lever.help)),
      lever.targets.length ? h("p", { class: "fine" }, t("lever.targets", { names: lever.targets.map((name) => pick(board.about.members[name])).join(", ") })) : "",
      h("p", { class: "fine" }, t("lever.range", { low: words(lever.range[0]), high: words(lever.range[1]), unit })),
      h("p", { class: "fine" }, h("span", { class: `tag ${lever.evidence}` }, t(`evidence.${lever.evidence}`)), ` ${lever.source}`),
      h("div", { class: "dates" }, h("label", {}, t("lever.from"), " ", this.from), h("label", {}, t("lever.to"), " ", this.to), h("label", {}, t("lever.ramp"), " ", this.ramp)),
      h("button", { type: "button", class: "quiet", onclick: () => board.look(lever.variable) }, t("lever.inside")),
    );
    this.dates(board.scenario.plain(lever.name));
  }

  dates(plain) {
    const months = this.board.about.months;
    const options = (chosen, none) => [
      none && h("option", { value: "" }, none),
      ...months.map((text) => h("option", { value: text, selected: text === chosen }, month(text))),
    ].filter(Boolean);
    this.from.replaceChildren(...options(plain?.start ?? months[0]));
    this.to.replaceChildren(...options(plain?.end, t("lever.no_end")));
    this.ramp.value = String(plain?.ramp ?? 1);
    for (const select of [this.from, this.to, this.ramp]) select.disabled = !plain;
  }

  dated() {
    const plain = this.board.scenario.plain(this.lever.name);
    if (!plain) return;
    const start = this.from.value === this.board.about.months[0] ? null : this.from.value;
    const end = this.to.value && this.to.value < this.from.value ? this.from.value : this.to.value || null;
    const ramp = Math.min(Math.max(Math.round(Number(this.ramp.value)) || 1, 1), 120);
    this.board.scenario.set(this.lever.name, plain.value, { start, end, ramp });
    this.update();
    this.board.refresh();
    this.board.commit();
  }
}

/** Build the list of levers; returns {node, update}. */
export function leverPanel(board) {
  const cards = [];
  const owners = Object.keys(board.about.sides);
  const groups = owners.map((owner) => {
    const own = board.about.levers.filter((lever) => lever.owner === owner);
    const sectors = [...new Set(own.map((lever) => lever.sector))];
    const title = owner === "both" ? t("owner_both") : pick(board.about.sides[owner]);
    return h(
      "details",
      { class: "owner", open: true },
      h("summary", {}, h("h3", {}, title), h("span", { class: "badge", hidden: true, "data-owner": owner })),
      ...sectors.map((sector) =>
        h(
          "section",
          { class: "sector" },
          h("h4", {}, pick(board.about.sectors[sector])),
          h("ul", { class: "plain" }, ...own.filter((lever) => lever.sector === sector).map((lever) => {
            const card = new LeverCard(lever, board);
            cards.push(card);
            return card.node;
          })),
        ),
      ),
    );
  });
  const none = h("p", { class: "fine", hidden: true }, t("find_none"));
  const find = h("input", { type: "search", placeholder: t("find"), "aria-label": t("find"), oninput: () => {
    const wanted = find.value.trim().toLocaleLowerCase();
    let seen = 0;
    for (const card of cards) {
      const text = `${pick(card.lever.label)} ${pick(card.lever.help)} ${pick(board.about.sectors[card.lever.sector])}`.toLocaleLowerCase();
      card.node.hidden = !text.includes(wanted);
      seen += card.node.hidden ? 0 : 1;
    }
    for (const part of node.querySelectorAll(".sector, .owner")) part.hidden = !part.querySelector(".lever:not([hidden])");
    none.hidden = seen > 0;
  } });
  const node = h("div", { class: "levers" }, find, none, ...groups);
  const update = () => {
    for (const card of cards) card.update();
    for (const owner of owners) {
      const set = board.about.levers.filter((lever) => lever.owner === owner && board.scenario.settingsOf(lever.name).length).length;
      const badge = node.querySelector(`[data-owner="${owner}"]`);
      badge.hidden = set === 0;
      badge.textContent = String(set);
    }
  };
  update();
  return { node, update };
}

/** Build the list of packages; returns {node, update}. */
export function packagePanel(board) {
  const list = (kind) =>
    board.packages.filter((item) => item.kind === kind).map((item) =>
      h(
        "li",
        { class: "package" },
        h("h4", {}, pick(item.title)),
        h("p", { class: "fine" }, pick(item.notes)),
        h("p", { class: "fine" }, t("package.owners", { names: item.owners.map((owner) => (owner === "both" ? t("owner_both") : pick(board.about.sides[owner]))).join(", ") })),
        item.problem
          ? h("p", { class: "fine warn" }, t("package.cannot", { reason: item.problem }))
          : h("button", { type: "button", class: "action", "aria-label": `${t("package.load")}: ${pick(item.title)}`, onclick: () => board.load(item) }, t("package.load")),
      ),
    );
  const node = h(
    "div",
    { class: "packages" },
    h("p", { class: "fine" }, t("package.intro")),
    h("h3", {}, t("package.proposals")),
    h("ul", { class: "plain" }, ...list("proposal")),
    h("h3", {}, t("package.replays")),
    h("ul", { class: "plain" }, ...list("replay")),
  );
  return { node, update: () => {} };
}

/** Build the panel of assumptions; returns {node, update}. */
export function assumptionPanel(board) {
  const rows = board.about.assumptions.map((item) => new AssumptionRow(item, board));
  const sectors = [...new Set(board.about.assumptions.map((item) => item.sector))];
  const groups = sectors.map((sector) =>
    h("details", { class: "owner" }, h("summary", {}, h("h3", {}, pick(board.about.sectors[sector]))), h("ul", { class: "plain" }, ...rows.filter((row) => row.item.sector === sector).map((row) => row.node))),
  );
  const find = h("input", { type: "search", placeholder: t("find"), "aria-label": t("find"), oninput: () => {
    const wanted = find.value.trim().toLocaleLowerCase();
    for (const row of rows) row.node.hidden = !`${pick(row.item.label)} ${row.item.name}`.toLocaleLowerCase().includes(wanted);
    for (const group of groups) {
      group.hidden = !group.querySelector("li:not([hidden])");
      if (wanted) group.open = true;
    }
  } });
  const node = h("div", { class: "assumptions" }, h("p", { class: "fine" }, t("assumption.intro")), find, ...groups);
  return { node, update: () => rows.forEach((row) => row.update()) };
}

class AssumptionRow {
  constructor(item, board) {
    this.item = item;
    this.board = board;
    const id = `assumption-${item.name}`;
    this.slider = h("input", { type: "range", id, min: 0, max: 100, step: 1, oninput: () => this.input(), onchange: () => board.commit() });
    this.value = h("output", { class: "value", for: id });
    this.clear = h("button", { type: "button", class: "quiet small", title: t("assumption.clear"), "aria-label": `${t("assumption.clear")}: ${pick(item.label)}`, onclick: () => this.hold(null, true) }, icon("clear"));
    this.node = h(
      "li",
      { class: "lever" },
      h("div", { class: "head" }, h("label", { for: id }, pick(item.label)), h("span", { class: `tag ${item.evidence}` }, t(`evidence.${item.evidence}`))),
      h("div", { class: "move" }, this.slider, this.value),
      h("div", { class: "foot" }, h("span", { class: "unit" }, t("assumption.range", { low: inFull(item.low), high: inFull(item.high) }), item.unit === "1" ? "" : ` ${item.unit}`), this.clear, h("button", { type: "button", class: "quiet small", "aria-label": `${t("charts.inside")}: ${pick(item.label)}`, title: t("charts.inside"), onclick: () => board.look(item.name) }, icon("inside"))),
    );
    this.update();
  }

  /** A range above zero that spans more than a factor of 20 is moved on a log scale. */
  get log() {
    return this.item.low > 0 && this.item.high / this.item.low > 20;
  }

  place(value) {
    const { low, high } = this.item;
    return 100 * (this.log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
  }

  input() {
    const { low, high } = this.item;
    const share = Number(this.slider.value) / 100;
    const value = this.log ? low * (high / low) ** share : low + share * (high - low);
    this.hold(Math.min(Math.max(Number(value.toPrecision(6)), low), high), false);
  }

  hold(value, done) {
    this.board.scenario.hold(this.item.name, value);
    this.update();
    this.board.refresh();
    if (done) this.board.commit();
  }

  update() {
    const held = this.board.scenario.now.held[this.item.name];
    const value = held ?? this.item.median;
    this.slider.value = this.place(value);
    this.slider.setAttribute("aria-valuetext", inFull(value));
    this.value.textContent = held === undefined ? `~ ${inFull(value)}` : inFull(value);
    this.clear.hidden = held === undefined;
    this.node.classList.toggle("set", held !== undefined);
  }
}

