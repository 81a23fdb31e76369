// The board: loads what there is, keeps the scenario, asks the server to run it, and draws the answer.

import { Chart } from "./chart.js";
import { openCompare } from "./compare.js";
import { base, dayChoice, elsewhere, goTo } from "./days.js";
import { $, h, icon } from "./dom.js";
import { openDownloads } from "./downloads.js";
import { futureChoice, showFuture } from "./future.js";
import { lookInside } from "./inside.js";
import { openLibrary } from "./library.js";
import { assumptionPanel, leverPanel, packagePanel } from "./levers.js";
import { outcomeTable, verdict } from "./outcomes.js";
import { picturePanel } from "./pictures.js";
import { replay } from "./replay.js";
import { BadLink, MOST_LINES, Scenario, bare } from "./scenario.js";
import { openWhy } from "./why.js";
import * as words from "./words.js";

const { t, pick } = words;

class Board {
  client = crypto.randomUUID ? crypto.randomUUID() : Math.random().toString(36).slice(2);
  number = 0;
  histories = new Map();
  answer = null;
  busy = false;
  again = false;
  front = [0, 1];

  async fetch(path, options = {}, place = base) {
    const answer = await fetch(place + path, options);
    if (answer.ok) return answer.status === 204 ? null : answer.json();
    const problem = await answer.json().catch(() => null);
    const error = new Error(problem?.error?.message ?? `${answer.status}`);
    error.status = answer.status;
    throw error;
  }

  async start() {
    [this.about, this.packages] = await Promise.all([this.fetch("/api/about"), this.fetch("/api/packages")]);
    this.pictures = await this.fetch("/api/picture");
    this.scenario = new Scenario(this.about);
    const known = this.about.languages.map((item) => item.code);
    const wanted = navigator.languages.map((tag) => tag.slice(0, 2)).find((code) => known.includes(code)) ?? known[0];
    await this.speak(wanted);
    await this.open();
    window.addEventListener("hashchange", () => {
      if (location.hash.slice(1) !== this.scenario.link(words.lang)) this.open();
    });
    document.addEventListener("keydown", (event) => this.key(event));
    const bar = document.querySelector("header.bar"); // the panel of levers stays below it, however many rows it takes
    new ResizeObserver(() => document.documentElement.style.setProperty("--bar", `${bar.offsetHeight}px`)).observe(bar);
    for (const dialog of document.querySelectorAll("dialog")) {
      dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    }
  }

  /** Take the scenario from the link in the address bar. */
  async open() {
    let fragment = location.hash.slice(1);
    const wanted = /(?:^|&)d=([\w-]+)/.exec(fragment)?.[1];
    if (wanted && (await elsewhere(this, wanted))) {
      goTo(this, wanted, fragment); // until its board is ready, the page shows its own outlook
      fragment = "";
    }
    try {
      const { state, lang, day } = this.scenario.read(fragment);
      this.scenario.now = state;
      if (lang && lang !== words.lang && this.about.languages.some((item) => item.code === lang)) await this.speak(lang);
      if (day && day !== this.scenario.day && /^\d{4}-\d\d-\d\d$/.test(day)) this.notice(t("link.other_day", { day: words.day(day) }));
    } catch (problem) {
      if (!(problem instanceof BadLink)) throw problem;
      this.scenario.now = this.scenario.empty();
      this.notice(t("link.bad", { reason: t(`link.${problem.key}`, problem.values) }));
    }
    this.scenario.keep();
    this.show();
    await this.refresh();
  }

  /** Change the language in place. */
  async speak(code) {
    await words.speak(code, this.about.languages.find((item) => item.code === code).tag);
    this.build();
  }

  build() {
    const { about } = this;
    document.title = `${t("name")}: ${pick(about.title)}`;
    $("title").textContent = pick(about.title);
    $("skip").textContent = t("skip");
    $("about").replaceChildren(this.dayWords(), about.provisional ? h("span", { class: "tag warn", title: t("provisional_help") }, t("provisional")) : "");
    this.tools();
    this.tabs();
    this.charts();
    this.table = outcomeTable(this);
    $("outcomes").replaceChildren(this.table.node);
    this.picture = picturePanel(this);
    $("pictures").replaceChildren(this.picture.node);
    showFuture(this);
    $("do-undo").disabled = $("do-replay").disabled = !this.scenario.before.length;
    $("do-redo").disabled = !this.scenario.after.length;
    $("do-reset").disabled = !this.scenario.changed;
    if (this.answer) this.draw();
  }

  /** Say which figures stand behind the page. */
  dayWords() {
    const { as_of, last_recorded } = this.about;
    return as_of ? t("as_of", { day: words.day(as_of) }) : t("as_of_latest", { month: words.month(last_recorded, false) });
  }

  tools() {
    const named = { library: t("library.title"), compare: t("compare.title"), replay: t("replay.title") };
    const button = (name, act) => h("button", { type: "button", id: `do-${name}`, class: "quiet", title: named[name] ?? t(name), onclick: act }, icon(name), h("span", { class: "words" }, named[name] ?? t(name)));
    const horizons = [...new Set([6, 12, 24, this.about.months.length])].filter((n) => n <= this.about.months.length);
    this.horizon = h("select", { id: "horizon", onchange: () => {
      this.scenario.now.months = Number(this.horizon.value);
      this.refresh();
      this.commit();
    } }, ...horizons.map((n) => h("option", { value: n, selected: n === this.scenario.now.months }, t("months", { count: n }))));
    $("tools").replaceChildren(
      h("label", { class: "field" }, h("span", {}, t("horizon")), this.horizon),
      futureChoice(this),
      dayChoice(this),
      h("div", { class: "group brief" }, button("undo", () => this.step("undo")), button("redo", () => this.step("redo")), button("reset", () => this.reset()), button("replay", () => replay(this))),
      h("div", { class: "group" }, button("library", () => openLibrary(this)), button("compare", () => openCompare(this)), button("share", () => this.share()), button("download", () => openDownloads(this)), button("present", () => this.present())),
      h("div", { class: "group langs", role: "group", "aria-label": t("language") }, ...this.about.languages.map(({ code, tag }) =>
        h("button", { type: "button", class: "quiet", lang: tag, "aria-pressed": String(code === words.lang), onclick: async () => {
          await this.speak(code);
          this.commit();
          document.querySelector(`.langs [lang="${tag}"]`).focus();
        } }, new Intl.DisplayNames([tag], { type: "language" }).of(code)))),
    );
  }

  tabs() {
    const chosen = this.panel?.name ?? "levers";
    const makers = { levers: leverPanel, packages: packagePanel, assumptions: assumptionPanel };
    const body = h("div", { class: "tabbody", role: "tabpanel", id: "tabbody", tabindex: -1 });
    const show = (name) => {
      this.panel = { name, ...makers[name](this) };
      body.replaceChildren(this.panel.node);
      body.setAttribute("aria-labelledby", `tab-${name}`);
      for (const tab of list.children) {
        const on = tab.id === `tab-${name}`;
        tab.setAttribute("aria-selected", String(on));
        tab.tabIndex = on ? 0 : -1;
      }
    };
    const names = Object.keys(makers);
    const list = h("div", { class: "tabs", role: "tablist", "aria-label": t("tabs"), onkeydown: (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!move) return;
      const next = names[(names.indexOf(this.panel.name) + move + names.length) % names.length];
      show(next);
      $(`tab-${next}`).focus();
    } }, ...names.map((name) => h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "tabbody", onclick: () => show(name) }, t(name))));
    $("panel").replaceChildren(h("h2", { class: "visually-hidden" }, t("tabs")), list, body);
    show(chosen);
    this.showTab = show;
  }

  charts() {
    this.cards = this.scenario.now.lines.map((id, i) => {
      const open = () => this.look(this.line(i).variable, this.line(i).kind === "series" ? this.line(i).id : null);
      const chart = new Chart(open);
      const select = h("select", { class: "choose", "aria-label": t("charts.choose", { count: i + 1 }), onchange: () => {
        this.scenario.now.lines[i] = select.value;
        this.refresh();
        this.commit();
      } }, ...["series", "outcome"].map((kind) => h("optgroup", { label: t(kind === "series" ? "charts.series" : "charts.outcomes") }, ...this.about.lines.filter((line) => line.kind === kind).map((line) => h("option", { value: line.id }, pick(line.label))))));
      const why = h("button", { type: "button", class: "quiet small whyline", title: t("why.title"), "aria-label": `${t("why.title")} ${i + 1}`, onclick: () => this.why(this.line(i).id, chart.ahead() ? { month: chart.ahead() } : {}) }, icon("why"));
      const unit = h("span", { class: "unit" });
      const number = h("span", { class: "key", "aria-hidden": "true" }, String(i + 1));
      const inside = h("button", { type: "button", class: "quiet small", title: t("charts.inside"), "aria-label": `${t("charts.inside")}: ${i + 1}`, onclick: open }, icon("inside"));
      const remove = h("button", { type: "button", class: "quiet small remove", hidden: this.scenario.now.lines.length < 2, title: t("charts.remove"), "aria-label": `${t("charts.remove")}: ${i + 1}`, onclick: () => this.lay(this.scenario.now.lines.filter((_, k) => k !== i)) }, icon("reset"));
      const node = h("article", { class: "card" }, h("div", { class: "cardhead" }, number, select, why, inside, remove), unit, chart.svg, chart.readout);
      return { chart, select, unit, node, inside };
    });
    const legend = h("p", { class: "legend fine" },
      h("span", { class: "swatch now" }), t("charts.key_history"),
      h("span", { class: "swatch base" }), t("charts.key_baseline"),
      h("span", { class: "swatch scen" }), t("charts.key_scenario"),
      h("span", { class: "note" }, t("charts.key_bands")));
    this.leave = h("button", { type: "button", class: "action leave", onclick: () => this.present(false) }, t("present_stop"));
    $("charts").replaceChildren(
      h("div", { class: "title" }, h("h2", {}, t("charts.title")), legend, h("span", { class: "presenthelp fine" }, t("present_help", { count: this.cards.length }), " "), this.leave),
      h("div", { class: "cards" }, ...this.cards.map((card) => card.node)),
      h("button", { type: "button", class: "quiet add", id: "add-chart", hidden: this.cards.length >= MOST_LINES, onclick: () => this.lay([...this.scenario.now.lines, this.about.lines.find((line) => !this.scenario.now.lines.includes(line.id)).id]) }, icon("plus"), " ", t("charts.add")),
    );
    this.order();
  }

  /** Lay out other charts. */
  lay(lines) {
    this.scenario.now.lines = lines;
    this.front = [0, Math.min(1, lines.length - 1)];
    this.refresh();
    this.commit();
  }

  line(i) {
    return this.about.lines.find((line) => line.id === this.scenario.now.lines[i]);
  }

  async history(id) {
    if (!this.histories.has(id)) this.histories.set(id, this.fetch(`/api/history/${encodeURIComponent(id)}`));
    return this.histories.get(id);
  }

  /** Ask for the scenario as it is now. One request is under way at a time; what comes meanwhile is asked for next. */
  async refresh() {
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    try {
      do {
        this.again = false;
        await this.ask();
      } while (this.again);
    } finally {
      this.busy = false;
    }
  }

  async ask() {
    const asked = [...this.scenario.now.lines];
    this.number += 1;
    const body = JSON.stringify({ client: this.client, number: this.number, ...this.scenario.asked() });
    try {
      const [answer, histories] = await Promise.all([
        this.fetch("/api/run", { method: "POST", headers: { "content-type": "application/json" }, body }),
        Promise.all(asked.map((id) => this.history(id))),
      ]);
      this.answer = answer;
      this.drawn = { asked, histories };
      this.draw();
      if (this.failed) this.notice("");
    } catch (problem) {
      if (problem.status === 409) return;
      this.failed = true;
      this.notice(t(problem.status === 422 ? "refused" : "failed", { reason: problem.message }));
    }
  }

  draw() {
    const { answer, drawn } = this;
    if (drawn.asked.length !== this.scenario.now.lines.length) return; // charts were added or taken away: the next answer
    if (this.cards.length !== drawn.asked.length) {
      this.charts();
      if (document.activeElement === document.body) $("add-chart").focus();
    }
    const found = new Map(answer.lines.map((line) => [line.id, line]));
    this.cards.forEach(({ chart, select, unit }, i) => {
      const id = drawn.asked[i];
      const about = this.about.lines.find((line) => line.id === id);
      select.value = id;
      unit.textContent = pick(about.unit_label);
      const { baseline, scenario } = found.get(id);
      chart.draw({ label: pick(about.label), unit: pick(about.unit_label), history: drawn.histories[i], months: answer.months, baseline, scenario });
    });
    this.table.update();
    this.picture.update();
    this.panel.update();
    document.body.classList.toggle("changed", this.scenario.now.settings.length > 0);
    document.body.dataset.drawn = answer.scenario;
    window.dispatchEvent(new CustomEvent("drawn"));
  }

  /** Show the scenario in everything that can be set. */
  show() {
    this.horizon.value = this.scenario.now.months;
    showFuture(this);
    this.panel.update();
    $("do-undo").disabled = $("do-replay").disabled = !this.scenario.before.length;
    $("do-redo").disabled = !this.scenario.after.length;
    $("do-reset").disabled = !this.scenario.changed;
    history.replaceState(null, "", `#${this.scenario.link(words.lang)}`);
  }

  /** A change is done: keep it for undo and in the link, and say what it did. */
  commit() {
    this.scenario.keep();
    this.show();
    clearTimeout(this.saying);
    this.saying = setTimeout(() => this.say(), 900);
  }

  say() {
    if (this.busy || !this.answer) return;
    if (!this.scenario.now.settings.length) {
      $("live").textContent = t("live.back");
      return;
    }
    const clear = this.answer.outcomes
      .map((row) => [this.about.outcomes.find((outcome) => outcome.name === row.name), row])
      .filter(([outcome, row]) => ["better", "worse"].includes(verdict(outcome, row)))
      .sort((a, b) => Math.abs(b[1].change / b[1].base) - Math.abs(a[1].change / a[1].base))
      .slice(0, 3)
      .map(([outcome, row]) => t("live.one", { outcome: pick(outcome.label), change: words.signed(row.change), interval: words.interval(row.q05, row.q95, 2, true) }));
    const changes = clear.length ? words.listing(clear) : t("live.none");
    $("live").textContent = t("live.run", { months: this.answer.months.length, changes });
  }

  async step(name) {
    if (!this.scenario[name]()) return;
    this.show();
    await this.refresh();
  }

  reset() {
    this.scenario.now = { ...this.scenario.now, settings: [], held: {}, future: null };
    this.refresh();
    this.commit();
  }

  load(item) {
    this.scenario.now.settings = item.settings.map(bare);
    this.refresh();
    this.commit();
    this.notice(t("package.loaded", { title: pick(item.title) }), true);
  }

  look(name, line = null) {
    lookInside(this, name, line);
  }

  why(name, at = {}) {
    openWhy(this, name, at);
  }

  async share() {
    this.show();
    const link = `${location.origin}/${location.hash}`; // the main board leads to the day's own
    let copied = false;
    try {
      await navigator.clipboard.writeText(link);
      copied = true;
    } catch {
      copied = false; // not allowed, or no clipboard on this address: the link can be copied by hand
    }
    const dialog = $("share");
    const field = h("input", { type: "text", readOnly: true, value: link, "aria-label": t("share") });
    dialog.replaceChildren(h("div", { class: "dialog-head" }, h("h2", { id: "share-title" }, t("share")), h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, t("close"))), h("p", {}, t(copied ? "share_done" : "share_copy")), field);
    dialog.showModal();
    field.focus();
    field.select();
  }

  /** Two large charts and a strip of small ones. */
  present(on = !document.body.classList.contains("presenting")) {
    document.body.classList.toggle("presenting", on);
    this.order();
    (on ? this.leave : $("do-present")).focus();
  }

  order() {
    const on = document.body.classList.contains("presenting");
    this.cards.forEach(({ node }, i) => {
      const place = this.front.indexOf(i);
      node.classList.toggle("large", on && place >= 0);
      node.style.order = on ? String(place >= 0 ? place : i + 2) : "";
    });
  }

  key(event) {
    const typing = event.target.matches("input:not([type=range]), select, textarea");
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !typing) {
      const name = event.key.toLowerCase();
      if (name === "z" || name === "y") {
        event.preventDefault();
        this.step(name === "y" || event.shiftKey ? "redo" : "undo");
      }
    }
    if (!document.body.classList.contains("presenting") || typing || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") this.present(false);
    if (event.key === "r") replay(this);
    const number = Number(event.key) - 1;
    if (number >= 0 && number < this.cards.length && !event.ctrlKey && !event.metaKey) {
      this.front = [number, this.front.find((i) => i !== number) ?? 0];
      this.order();
    }
  }

  /** Show a message above the page; an empty one takes it away. */
  notice(text, passing = false) {
    clearTimeout(this.passing);
    const box = $("notice");
    this.failed = Boolean(text) && this.failed;
    box.hidden = !text;
    box.classList.toggle("passing", passing);
    box.replaceChildren(text, h("button", { type: "button", class: "quiet small", onclick: () => this.notice("") }, t("close")));
    if (passing) this.passing = setTimeout(() => this.notice(""), 5000);
  }
}

const board = new Board();
board.start().catch((problem) => {
  board.notice(`acuerdo: ${problem.message}`);
  throw problem;
});
